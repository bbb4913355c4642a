"""While the database is away a page says so, in a sentence, and when to come back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection
from django.test import Client

from solicit_dashboard.outages import TOO_LONG, UNREACHABLE, outage
from solicit_dashboard.ports import free_port
from tests.factories import UserFactory

HTMX = {"HX-Request": "true"}


def raised(kind: type[Exception], cause: Exception | None) -> Exception:
    error = kind("connection to server at 10.0.0.7 failed: password=secret")
    error.__cause__ = cause
    return error


def of_sqlite(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (raised(OperationalError, psycopg.OperationalError()), UNREACHABLE),
        (raised(OperationalError, psycopg.errors.TooManyConnections()), UNREACHABLE),
        (raised(OperationalError, psycopg.errors.AdminShutdown()), UNREACHABLE),
        (raised(InterfaceError, psycopg.InterfaceError()), UNREACHABLE),
        (raised(OperationalError, of_sqlite("SQLITE_BUSY")), UNREACHABLE),
        (raised(OperationalError, of_sqlite("SQLITE_IOERR_WRITE")), UNREACHABLE),
        (raised(OperationalError, psycopg.errors.QueryCanceled()), TOO_LONG),
        (raised(OperationalError, of_sqlite("SQLITE_ERROR")), ""),  # no such table
        (raised(IntegrityError, psycopg.errors.UniqueViolation()), ""),
        (raised(DatabaseError, None), ""),
        (ValueError("a bug"), ""),
        (None, ""),
    ],
)
def test_only_what_goes_by_itself_is_an_outage(error: Exception | None, sentence: str) -> None:
    assert outage(error) == sentence


@pytest.fixture
def somebody(transactional_db: None) -> Client:
    """A browser whose user has logged in."""
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory())
    return client


@pytest.fixture(params=["refused", "exhausted"])
def database_away(
    somebody: Client, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Nobody gets a connection: nobody listens, or there is none left for this user."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections")
    role = f"crowded_{uuid4().hex}"  # a server has one of a name, whatever the database
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x' CONNECTION LIMIT 0")
    connection.close()
    with monkeypatch.context() as patch:
        if request.param == "refused":
            patch.setitem(connection.settings_dict, "PORT", free_port())
        else:
            patch.setitem(connection.settings_dict, "USER", role)
            patch.setitem(connection.settings_dict, "PASSWORD", "x")
        yield
        connection.close()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("path", ["/", "/orders/", "/outbox/", "/accounts/", "/admin/"])
def test_a_page_is_a_503_with_a_reason(somebody: Client, database_away: None, path: str) -> None:
    response = somebody.get(path)
    html = response.content.decode()
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "10"
    assert UNREACHABLE in html
    assert "<!doctype html>" in html
    assert response.headers["X-Request-ID"] in html
    for inner in ("crowded", "127.0.0.1", "psycopg", "Traceback", "FATAL"):
        assert inner not in html


def test_htmx_gets_the_sentence_alone(somebody: Client, database_away: None) -> None:
    response = somebody.get("/orders/", headers=HTMX)
    html = response.content.decode()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert response.headers["HX-Retarget"] == "#toasts"
    assert UNREACHABLE in html
    assert 'role="alert"' in html
    assert "<html" not in html


def test_a_form_is_answered_so_too(somebody: Client, database_away: None) -> None:
    assert somebody.post("/stop/", {"scope": "all"}).status_code == 503
    # nor can anybody log in: who they are stands there
    assert Client(raise_request_exception=False).get("/login/").status_code == 503


def test_the_log_says_which_request_and_nothing_of_its_address(
    somebody: Client, database_away: None, caplog: pytest.LogCaptureFixture
) -> None:
    response = somebody.get("/orders/?q=private")
    request_id = response.headers["X-Request-ID"]
    assert f"Request {request_id} found the database away" in caplog.text
    ours = [one.getMessage() for one in caplog.records if one.name == "solicit_dashboard.errors"]
    assert len(ours) == 1
    assert "private" not in ours[0]


def test_when_the_database_is_back_so_are_the_pages(somebody: Client) -> None:
    assert somebody.get("/orders/").status_code == 200
