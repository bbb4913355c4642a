"""The whole product for the time of a test: what `./run` starts, in a folder and on ports of its own.

with started(orders=400) as stack:
    stack.url, stack.passwords["operator"], stack.amazon.ledger(), stack.manage("check_ledger")
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from sandbox.testing import Running
from solicit_dashboard.children import Janitor
from solicit_dashboard.env import SETTING_NAMES
from solicit_dashboard.local import ROOT, add_options, prepare
from solicit_dashboard.ports import free_port
from tests.e2e.scripts import Scripts

START_SECONDS = 180
STOP_SECONDS = 120
LAST_SECONDS = 5.0  # for what ends together with its parent
COMMAND_SECONDS = 180
_LINES_SHOWN = 60
_OUR_KILL = "was sent SIGKILL"  # gunicorn of a worker that a test has killed
_COMPLAINT = re.compile(r"^Traceback|\b(ERROR|CRITICAL)\b")


class StackError(Exception):
    """The product did not start, did not stop, or left something behind; the text has its logs."""


@dataclass(frozen=True)
class Web:
    """A web server that answers at `url`; `pid` is the process above its workers."""

    url: str
    pid: int

    def kill_workers(self) -> None:
        """The processes that answer requests are gone without a word; others take their place."""
        for pid in _descendants(self.pid):
            os.kill(pid, signal.SIGKILL)


@dataclass
class Stack:
    """A dashboard that answers at `url`, and the Amazon that it talks to."""

    url: str
    amazon: Running
    data_dir: Path
    environment: dict[str, str] = field(repr=False)
    passwords: dict[str, str] = field(repr=False)
    janitor: Janitor = field(repr=False)
    scripts: Scripts = field(repr=False)
    _seen: dict[Path, int] = field(default_factory=dict, repr=False)

    def manage(self, *words: str, code: int = 0) -> str:
        """What the command wrote to standard output; it must end with that exit code."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode != code:
            raise StackError(
                f"manage.py {' '.join(words)} ended with {done.returncode} instead of {code}:\n"
                f"{done.stdout}{done.stderr}"
            )
        return done.stdout

    def database(self, script: str) -> Any:
        """What the script, run with Django's models at hand, put into `result` (as JSON)."""
        return self.scripts.run(script)

    @contextmanager
    def another_web(self, **settings: str) -> Iterator[Web]:
        """A second web server of the same dashboard with other settings."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
        command += ["--keep-alive", "0"]  # connections that are kept would hold up its end
        log = self.data_dir / "logs" / f"web-{port}.log"
        with child(command, self.environment | settings, log, self.janitor) as process:
            wait_for(lambda: answers(f"{url}/healthz"), process, log, seconds=60)
            yield Web(url, process.pid)

    def mark_logs(self) -> None:
        """From here on `new_log_lines` speaks of what is written later."""
        self._seen = {path: path.stat().st_size for path in self._logs()}

    def new_log_lines(self) -> str:
        """The last lines that each process has written since `mark_logs`."""
        parts = []
        for path in self._logs():
            with path.open("rb") as file:
                file.seek(self._seen.get(path, 0))
                lines = file.read().decode("utf-8", "replace").splitlines()
            if lines:
                parts += [f"--- {path.name} ---", *lines[-_LINES_SHOWN:]]
        return "\n".join(parts)

    def complaints(self) -> list[str]:
        """Every line in which a process speaks of an error."""
        return [
            f"{path.name}: {line}"
            for path in self._logs()
            for line in path.read_text("utf-8", "replace").splitlines()
            if _COMPLAINT.search(line) and _OUR_KILL not in line
        ]

    def _logs(self) -> list[Path]:
        return sorted((self.data_dir / "logs").glob("*.log"))


@contextmanager
def started(*, orders: int, sellers: int = 2, seed: int = 1, **settings: str) -> Iterator[Stack]:
    """The product with a demonstration of that size, everything else as `./run` chooses it.

    `settings` go to its environment; TEST_DATABASE_URL chooses PostgreSQL, in a database of its
    own. When it ends everything is stopped, and StackError tells of a process that was left.
    """
    with ExitStack() as cleanup:
        data_dir = Path(tempfile.mkdtemp(prefix="solicit-e2e-"))
        cleanup.callback(shutil.rmtree, data_dir, ignore_errors=True)
        environ = _environment(data_dir) | settings
        if server := os.environ.get("TEST_DATABASE_URL"):
            environ["DATABASE_URL"] = cleanup.enter_context(_own_database(server))
        options = _options(
            ["--orders", f"{orders}", "--sellers", f"{sellers}", "--seed", f"{seed}"]
        )
        prepared = prepare(options, environ)
        janitor = Janitor()
        cleanup.callback(janitor.dismiss)
        command = [sys.executable, "manage.py", "up", *prepared.arguments]
        (data_dir / "logs").mkdir(exist_ok=True)
        log = data_dir / "logs" / "up.log"
        with child(command, prepared.environment, log, janitor) as process:
            wait_for(
                lambda: "Everything answers." in log.read_text(),
                process,
                log,
                seconds=START_SECONDS,
            )
            ports = json.loads((data_dir / "env.json").read_text())["ports"]
            scripts = Scripts(prepared.environment)
            cleanup.callback(scripts.close)
            yield Stack(
                url=f"http://127.0.0.1:{ports['web']}",
                amazon=Running(f"http://127.0.0.1:{ports['sandbox']}", stop=process.terminate),
                data_dir=data_dir,
                environment=prepared.environment,
                passwords=json.loads((data_dir / "demo.json").read_text()),
                janitor=janitor,
                scripts=scripts,
            )


def answers(url: str) -> bool:
    """Whether somebody answers there with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(["--port", "0", "--no-browser", *words])


def _environment(data_dir: Path) -> dict[str, str]:
    """Our environment without the settings of the tests."""
    settings = {name for plain in SETTING_NAMES for name in (plain, f"{plain}_FILE")}
    kept = {name: value for name, value in os.environ.items() if name not in settings}
    # the commands check the same at their start: the workers need not
    quick = {"CELERY_SKIP_CHECKS": "1", "PYTHONUNBUFFERED": "1"}
    return kept | quick | {"DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)}


@contextmanager
def _own_database(server: str) -> Iterator[str]:
    """The address of a new, empty PostgreSQL database on that server, dropped at the end."""
    name = f"e2e_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type, unused-ignore]
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type, unused-ignore]


@contextmanager
def child(
    command: list[str], environment: Mapping[str, str], log: Path, janitor: Janitor
) -> Iterator[subprocess.Popen[bytes]]:
    """The running command. At the end it is stopped with SIGTERM; it and all that descend from it
    must be gone then. Should the tests be killed, the janitor stops it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    janitor.watch(process.pid)
    try:
        yield process
    finally:
        family = _descendants(process.pid)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise StackError(f"It did not stop within {STOP_SECONDS} s.\n{_tail(log)}") from None
        finally:
            left = _still_there(family, seconds=LAST_SECONDS)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            janitor.forget(process.pid)
        if left:
            raise StackError("Left behind: " + "; ".join(left.values()))


def _processes() -> dict[int, tuple[int, str]]:
    """The parent and the command line of every process of this machine (zombies left out)."""
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,command="],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = (line.split(None, 3) for line in listing.splitlines())
    return {
        int(row[0]): (int(row[1]), row[3])
        for row in rows
        if len(row) == 4 and not row[2].startswith("Z")
    }


def _descendants(root: int) -> dict[int, str]:
    """The command lines of all processes below that one."""
    processes = _processes()
    found: dict[int, str] = {}
    generation = {root}
    while generation:
        generation = {pid for pid, (parent, _) in processes.items() if parent in generation}
        found |= {pid: processes[pid][1] for pid in generation}
    return found


def _still_there(family: Mapping[int, str], *, seconds: float) -> dict[int, str]:
    """Those of the family that have not ended when the time is over."""
    until = time.monotonic() + seconds
    while True:
        processes = _processes()
        left = {
            pid: command
            for pid, command in family.items()
            if pid in processes and processes[pid][1] == command
        }
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.1)


def wait_for(
    is_true: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, *, seconds: float
) -> None:
    """It is true; StackError when the process ends before, or the time is over."""
    until = time.monotonic() + seconds
    while not is_true():
        if process.poll() is not None:
            raise StackError(f"It ended with {process.returncode}.\n{_tail(log)}")
        if time.monotonic() > until:
            raise StackError(f"It did not answer within {seconds:g} s.\n{_tail(log)}")
        time.sleep(0.1)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-_LINES_SHOWN:])
