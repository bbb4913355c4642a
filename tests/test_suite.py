"""The command that runs the tests: it fails when a step fails, and finds what it needs or says."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import browser, suite
from tests.browser import NoBrowserError, find_browser, obtain_browser
from tests.postgres import running_postgres
from tests.suite import Step, Suite


def exit_with(code: int, title: str = "only", **more: Any) -> Step:
    return python(title, f"raise SystemExit({code})", **more)


def python(title: str, text: str, **more: Any) -> Step:
    return Step(title, [sys.executable, "-S", "-c", text], **more)


def test_every_step_runs_and_one_failure_fails_all(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Suite(dict(os.environ))
    steps.run(exit_with(0, "first"))
    steps.run(exit_with(3, "second"))
    steps.run(exit_with(0, "third"))
    assert steps.report() == 1
    printed = capsys.readouterr().out
    assert "second" in printed
    assert "FAILED (exit 3)" in printed
    assert [title for title, _code, _seconds in steps.results] == ["first", "second", "third"]


def test_all_well_is_zero() -> None:
    steps = Suite(dict(os.environ))
    steps.run(exit_with(0))
    assert steps.report() == 0


def test_no_tests_at_all_is_a_failure_unless_expected() -> None:
    steps = Suite(dict(os.environ))
    steps.run(exit_with(5, may_be_empty=True))
    assert steps.report() == 0
    steps.run(exit_with(5))
    assert steps.report() == 1


def test_lanes_run_side_by_side_and_a_lane_in_order(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each of the first two waits for what the other writes: one after the other they would hang."""
    one, other = tmp_path / "one", tmp_path / "other"
    meet = (
        "import os, time\nopen({!r}, 'w').close()\nwhile not os.path.exists({!r}): time.sleep(0.01)"
    )
    steps = Suite(dict(os.environ))
    steps.run_side_by_side(
        [
            [
                python("first", meet.format(str(one), str(other)) + "\nprint('met')"),
                python(
                    "after it", f"import os; raise SystemExit(7 * os.path.exists({str(one)!r}))"
                ),
            ],
            [python("beside it", meet.format(str(other), str(one)), yielding=True)],
            [],
        ]
    )
    assert sorted((title, code) for title, code, _seconds in steps.results) == [
        ("after it", 7),
        ("beside it", 0),
        ("first", 0),
    ]
    assert steps.report() == 1
    assert "=== first\nmet\n" in capsys.readouterr().out


def test_what_ends_the_suite_ends_its_steps(tmp_path: Path) -> None:
    """As when somebody asks it to stop: the steps get the time to clean up, and are gone."""
    begun, cleaned = tmp_path / "begun", tmp_path / "cleaned"
    step = python(
        "endless",
        # in the background of a shell SIGINT is ignored, unless one asks for it; and one that
        # comes just before a sleep does not end it
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"try:\n    open({str(begun)!r}, 'w').close()\n    while True: time.sleep(0.05)\n"
        f"except KeyboardInterrupt:\n    open({str(cleaned)!r}, 'w').close()",
    )

    def lanes() -> Iterator[list[Step]]:
        yield [step]
        while not begun.exists():
            time.sleep(0.01)
        raise SystemExit(143)

    with pytest.raises(SystemExit):
        Suite(dict(os.environ)).run_side_by_side(lanes())
    assert cleaned.exists()


def test_no_browser_fails_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHROMIUM_PATH", "/no/such/chromium")
    assert suite.main(["tests/test_suite.py"]) == 1
    assert "sudo apt install chromium" in capsys.readouterr().err


def test_the_browser_that_is_named_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "my-browser"
    program.write_text("#!/bin/sh\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CHROMIUM_PATH", str(program))
    assert obtain_browser(print) == {"CHROMIUM_PATH": str(program)}


def test_else_one_on_the_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "google-chrome"
    program.write_text("#!/bin/sh\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.delenv("CHROMIUM_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser() == program


def test_root_installs_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    answers = iter([None, Path("/usr/bin/chromium")])
    monkeypatch.setattr(browser, "find_browser", lambda: next(answers))
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0)
    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(browser, "install_debian_packages", installed.extend)
    assert obtain_browser(print) == {"CHROMIUM_PATH": "/usr/bin/chromium"}
    assert "chromium-headless-shell" in installed
    assert "fonts-dejavu-core" in installed, "without a font a page has no text"


def test_others_get_a_browser_that_needs_nothing_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(browser, "find_browser", lambda: None)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(browser, "VENV", tmp_path)
    (tmp_path / "browser").mkdir()
    (tmp_path / "browser" / "chromium").touch()  # fetched before
    settings = obtain_browser(print)
    assert settings["CHROMIUM_PATH"] == str(tmp_path / "browser" / "chromium")
    assert settings["PLAYWRIGHT_NODEJS_PATH"] == str(tmp_path / "bin" / "node")


def test_a_browser_that_cannot_be_fetched_is_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(browser, "find_browser", lambda: None)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(browser, "VENV", tmp_path)
    monkeypatch.setattr(browser, "ensure_installed", fail)
    with pytest.raises(NoBrowserError, match=r"no network[\s\S]*CHROMIUM_PATH"):
        obtain_browser(print)


def test_postgresql_of_the_tests_serves_and_ends() -> None:
    with running_postgres() as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
