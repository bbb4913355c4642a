"""One product and one browser for all tests of this folder; both have ended before any other test.

Package scope and not session: as long as the browser's event loop is up, Django refuses its ORM
in this process. Tests here speak to the product through its doors alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import TIMEOUT_MS, Visitors, open_browser
from tests.e2e.stack import Stack, started

ORDERS = 400
RATE_FACTOR = "20"
HOLD_SECONDS = "1"


@pytest.fixture(scope="package")
def chrome() -> Iterator[Browser]:
    """The browser of the machine; a machine without one fails here, and says the remedy."""
    expect.set_options(timeout=TIMEOUT_MS)
    with open_browser() as program:
        yield program


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The product with a small demonstration, an Amazon twenty times as fast and a short hold."""
    with started(
        orders=ORDERS, SPAPI_RATE_FACTOR=RATE_FACTOR, SEND_HOLD_SECONDS=HOLD_SECONDS
    ) as running:
        _add_people(running)
        yield running
        complaints = running.complaints()
        assert not complaints, "errors in the logs:\n" + "\n".join(complaints)


@pytest.fixture(scope="package")
def _people(stack: Stack, chrome: Browser) -> Visitors:
    return Visitors(chrome, stack.url, stack.passwords)


@pytest.fixture
def people(request: pytest.FixtureRequest, stack: Stack, _people: Visitors) -> Iterator[Visitors]:
    """Opens pages for this test; none of them may meet a problem that the test has not removed."""
    stack.mark_logs()
    yield _people
    problems = _people.problems[:]
    _people.close()
    assert not problems, "\n".join(problems)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The main job comes last: it asks for all reviews, and the walk of the pages wants some left."""
    ours = [item for item in items if item.path.parent == Path(__file__).parent]
    if ours:
        first = items.index(ours[0])
        ours.sort(key=lambda item: item.path.name == "test_main_job.py")
        items[first : first + len(ours)] = (
            ours  # a folder's tests are collected one after the other
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the processes wrote during a test that failed, and where its pictures lie."""
    report = yield
    funcargs = getattr(item, "funcargs", {})
    if report.failed and isinstance(funcargs.get("stack"), Stack):
        report.sections.append(("Logs of the product", funcargs["stack"].new_log_lines()))
    if report.failed and report.when == "call" and isinstance(funcargs.get("people"), Visitors):
        people: Visitors = funcargs["people"]
        directory = Path(tempfile.gettempdir()) / "solicit-e2e-failures" / item.name
        pictures = [str(path) for path in people.shoot(directory)]
        report.sections.append(("Pictures of the pages", "\n".join(pictures)))
        report.sections.append(("Problems in the pages", "\n".join(people.problems)))
    return report


def _add_people(stack: Stack) -> None:
    """People who can log in and have no role anywhere: the stranger, and who gets second factors."""
    names = ("stranger", "app-holder", "key-holder")
    stack.passwords |= {name: f"nobody-knows-the-trouble-{name}" for name in names}
    stack.database(
        "from django.contrib.auth.models import User\n"
        f"for name in {names!r}:\n"
        "    User.objects.create_user(name, password=f'nobody-knows-the-trouble-{name}')\n"
        "result = None"
    )
