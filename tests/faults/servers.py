"""PostgreSQL and Redis servers of the rig's own that can be killed and started again."""

from __future__ import annotations

import atexit
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from sandbox.testing import Running
from solicit_dashboard.children import Janitor, start_child
from solicit_dashboard.embedded_redis import embedded_redis_binary
from solicit_dashboard.env import SETTING_NAMES
from tests.environment import start_redis
from tests.postgres import running_postgres

ROOT = Path(__file__).resolve().parents[2]
# What a claim promises is on the disk; the tests' cluster as such promises less.
_DURABLE = "synchronous_commit = on"


class Postgres:
    """A cluster, its migrated template, and databases made from it."""

    def __init__(self, url: str) -> None:
        self._url = url
        with self.connect("postgres") as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        self._data = Path(row[0])
        self._server: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    def connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        """A connection for the rig's own questions, each a transaction of its own."""
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    def make(self, environment: Mapping[str, str]) -> str:
        """The name of a new database with all tables and no rows."""
        template = self._template(environment)
        name = f"rig_{secrets.token_hex(6)}"
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')  # type: ignore[arg-type, unused-ignore]
            connection.execute(f'ALTER DATABASE "{name}" SET {_DURABLE}')  # type: ignore[arg-type, unused-ignore]
        return name

    def drop(self, name: str) -> None:
        """The database is gone, whoever was still using it."""
        with self.connect("postgres") as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type, unused-ignore]

    def _template(self, environment: Mapping[str, str]) -> str:
        name = "rig_template"
        with self.connect("postgres") as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if found.fetchone():
                return name
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type, unused-ignore]
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v", "0"],
            cwd=ROOT,
            env={**environment, "DATABASE_URL": self.url(name)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"The migrations failed:\n{done.stdout}{done.stderr}")
        return name

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """The server is down: SIGQUIT is pg_ctl's `-m immediate`, SIGINT its `-m fast`."""
        pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, how)
        until = time.monotonic() + 30
        while _is_running(pid):
            if time.monotonic() > until:
                raise RuntimeError("PostgreSQL did not stop")
            time.sleep(0.01)
        if self._server is not None and self._server.pid == pid:
            self._server.wait(10)

    def start(self) -> None:
        """The server that was stopped answers again, with the options that it had."""
        command = shlex.split((self._data / "postmaster.opts").read_text())
        self._server = start_child(
            command, os.environ, subprocess.DEVNULL, user=self._data.stat().st_uid
        )
        self.wait()

    def wait(self) -> None:
        """The server answers."""
        until = time.monotonic() + 60
        while True:
            try:
                self.connect("postgres").close()
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return

    def close(self) -> None:
        """The server that this object started, if any, has ended."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(30)


def _is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    else:
        return status.rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@cache
def shared_postgres() -> Postgres:
    """The one cluster of this process; it ends with the process."""
    stack = ExitStack()
    server = Postgres(stack.enter_context(running_postgres()))
    stack.callback(server.close)
    atexit.register(stack.close)
    return server


class RedisServer:
    """A server that keeps nothing on the disk, at an address that stays its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir()
        self._server, self.url = start_redis(directory)

    @property
    def port(self) -> int:
        """Where it listens."""
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def client(self) -> Redis:
        """A client of the rig's own; it gives up after two seconds and never tries again."""
        return Redis.from_url(self.url, socket_timeout=2, retry=Retry(NoBackoff(), 0))

    def kill(self) -> None:
        """It is gone (SIGKILL), and with it all that it held."""
        self._server.kill()
        self._server.wait()

    def start(self) -> None:
        """It answers again, and knows nothing."""
        command = [embedded_redis_binary(), self._directory / "redis.conf"]
        self._server = start_child(command, os.environ, subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                self.client().ping()
            except RedisError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return


def base_environment(directory: Path, redis_url: str) -> dict[str, str]:
    """The environment of all processes of a rig, but for the addresses of Amazon and the database."""
    names = {name for plain in SETTING_NAMES for name in (plain, f"{plain}_FILE")}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    # Nobody answers at these endpoints: they only let a migration be run.
    ours = ("SECRET_KEY", "TOKEN_KEYS", "DEBUG", "SEND_HOLD_SECONDS", "SPAPI_ENDPOINT")
    return {
        **kept,
        **{name: os.environ[name] for name in (*ours, "LWA_ENDPOINT")},
        "DJANGO_SETTINGS_MODULE": "solicit_dashboard.settings",
        "DATA_DIR": str(directory),
        "RIG_DIR": str(directory),
        "REDIS_URL": redis_url,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "LOG_LEVEL": "WARNING",
    }


@contextmanager
def running_amazon(
    world: Mapping[str, object],
    directory: Path,
    environment: Mapping[str, str],
    janitor: Janitor,
) -> Iterator[Running]:
    """A sandbox with these options, in a process of its own, that keeps a journal of the POSTs."""
    log = directory / "amazon.log"
    command = [sys.executable, "-m", "sandbox", "--data", str(directory / "amazon")]
    command += [f"--{name}={value}" for name, value in world.items()]
    with log.open("wb") as output:
        process = start_child(command, environment, output.fileno())
    janitor.watch(process.pid)

    def stop() -> None:
        process.terminate()
        process.wait(30)

    try:
        while b"listens on" not in log.read_bytes():
            if process.poll() is not None:
                raise RuntimeError(f"the sandbox ended: {log.read_text()}")
            time.sleep(0.02)
        yield Running(log.read_text().split()[-1], stop)
    finally:
        stop()
        janitor.forget(process.pid)
