"""The web server dies while somebody clicks: the request counts whole or not at all."""

from __future__ import annotations

import http.client
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Thread
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Visitors
from tests.e2e.stack import Stack
from tests.e2e.steps import asked, open_confirmation, open_eligible, select_all_that_match

pytestmark = pytest.mark.e2e


def test_a_web_server_killed_in_the_click_leaves_all_or_nothing(
    stack: Stack, people: Visitors
) -> None:
    before = asked(stack)
    with stack.another_web(SEND_HOLD_SECONDS="600") as web:
        page = people.visit("operator")
        open_eligible(page, base=web.url)
        total = select_all_that_match(page)
        button = open_confirmation(page, total)
        with writing_blocked(stack.environment["DATABASE_URL"]) as wait_until_blocked:
            click = Thread(target=post_form, args=(page.url, form_of(page), cookies_of(page)))
            click.start()
            wait_until_blocked()
            web.kill_workers()
        click.join(30)
        assert not click.is_alive()
        key = page.locator("input[name=client_key]").get_attribute("value")
        assert queued(stack, key) == 0
        button.click()
        expect(page.get_by_role("button", name="Undo: send nothing")).to_be_visible()
        assert queued(stack, key) == total
        page.get_by_role("button", name="Undo: send nothing").click()
        expect(page.get_by_role("heading", name="Stopped")).to_be_visible()
    assert asked(stack) == before


def form_of(page: Page) -> str:
    """The form of the page as a browser would post it."""
    entries: list[list[str]] = page.evaluate(
        "[...new FormData(document.querySelector('main form[method=post]'))]"
    )
    return urlencode([(name, value) for name, value in entries])


def cookies_of(page: Page) -> str:
    """The session, as a browser would send it."""
    return "; ".join(f"{entry['name']}={entry['value']}" for entry in page.context.cookies())


def post_form(url: str, form: str, cookies: str) -> None:
    """The form is posted, whatever comes of it: the browser's own connection stays free."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
    with closing(connection), suppress(OSError, http.client.HTTPException):
        connection.request("POST", address.path, form, headers)
        connection.getresponse()


@contextmanager
def writing_blocked(database_url: str) -> Iterator[Callable[[], None]]:
    """Nobody gets past a certain write; what is yielded returns when somebody stands before it."""
    if database_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
            connection.execute("BEGIN IMMEDIATE")
            # SQLite does not tell who waits. Wherever the kill finds the click, as long as the
            # lock is held it is not committed; the time only makes it likely to have begun.
            yield lambda: time.sleep(0.5)
        return
    with psycopg.connect(database_url) as lock, psycopg.connect(database_url) as watch:
        # The last table of the transaction: the batch, its actions and events are written by then.
        lock.execute("LOCK TABLE audit_auditevent IN EXCLUSIVE MODE")
        watch.autocommit = True

        def wait_until_blocked() -> None:
            until = time.monotonic() + 30
            query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while watch.execute(query).fetchone() == (0,):
                assert time.monotonic() < until, "the click did not come to the lock"
                time.sleep(0.02)

        yield wait_until_blocked
        lock.rollback()


def queued(stack: Stack, key: str | None) -> int:
    """How many actions the batch of that form has."""
    number: int = stack.database(
        "from messaging.models import OutgoingAction\n"
        f"result = OutgoingAction.objects.filter(batch__client_key={key!r}).count()"
    )
    return number
