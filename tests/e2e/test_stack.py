"""The harness itself: it uses what it should, and it notices what must not be."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sandbox.testing import Running
from solicit_dashboard.children import Janitor
from tests.browser import NoBrowserError
from tests.e2e.browser import open_browser
from tests.e2e.stack import Stack, StackError, child, wait_for

pytestmark = pytest.mark.e2e

_LEAVES_ONE_BEHIND = """
import signal, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("started", flush=True)
signal.pause()
"""


def test_the_product_uses_the_database_of_this_run(stack: Stack) -> None:
    vendor = stack.database("from django.db import connection\nresult = connection.vendor")
    assert vendor == ("postgresql" if os.environ.get("TEST_DATABASE_URL") else "sqlite")


@pytest.mark.any_database
def test_a_process_that_was_left_behind_is_named_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.e2e.stack.LAST_SECONDS", 0.3)
    janitor = Janitor()
    log = tmp_path / "log"
    try:
        with (
            pytest.raises(StackError, match=r"Left behind: .*time\.sleep\(600\)"),
            child([sys.executable, "-c", _LEAVES_ONE_BEHIND], os.environ, log, janitor) as process,
        ):
            wait_for(lambda: "started" in log.read_text(), process, log, seconds=30)
    finally:
        janitor.dismiss()


@pytest.mark.any_database
def test_errors_in_the_logs_are_complaints(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "web.log").write_text(
        "2026-11-20T16:53:41Z INFO web: no ERRORs here\n"
        "2026-11-20T16:53:41Z WARNING web: Forbidden\n"
        "    Traceback (most recent call last):\n"
        "2026-11-20T16:53:42Z ERROR web: it broke\n"
        "Traceback (most recent call last):\n"
    )
    running = Running("http://127.0.0.1:9", stop=lambda: None)
    stack = Stack("http://127.0.0.1:9", running, tmp_path, {}, {}, None, None)  # type: ignore[arg-type]
    assert [line.split(": ", 1)[1][:30] for line in stack.complaints()] == [
        "2026-11-20T16:53:42Z ERROR web",
        "Traceback (most recent call la",
    ]


@pytest.mark.any_database
def test_a_machine_without_a_browser_is_told_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM_PATH", "/nowhere/chromium")
    with pytest.raises(NoBrowserError, match="apt install chromium"), open_browser():
        pass
