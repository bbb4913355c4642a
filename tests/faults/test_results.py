"""What was found is kept, read again, and replaced part by part; the page says which part ran when."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults import page
from tests.faults.__main__ import main
from tests.faults.checker import Report
from tests.faults.kills import Kills
from tests.faults.kinds import MESSAGE, SOLICITATION
from tests.faults.points import PREDICTED, Line, Points
from tests.faults.results import (
    KILLS,
    POINTS,
    Found,
    Results,
    Run,
    Unfinished,
    keep,
    kept,
    parts_in_order,
)
from tests.faults.rows import ROWS
from tests.faults.table import Outcome

NIGHT = Run("2026-11-21 01:00 UTC", seed=1, jobs=4, machine="a machine")
LATER = Run("2026-11-21 02:30 UTC", seed=7, jobs=1, machine="a machine")


def outcome(key: str, figure: str, *, passed: bool = True) -> Outcome:
    return Outcome(ROWS[key], figure, passed, 12.5)


def points() -> Points:
    key = (SOLICITATION, "after_answer")
    seen = Counter({PREDICTED[key]: 24, PREDICTED[MESSAGE, "in_post"]: 1})
    report = Report(actions=25, states={"probably_sent": 25})
    return Points(25, [Line(*key, PREDICTED[key], seen)], report, {"The lease was lost.": 2})


def kills() -> Kills:
    report = Report(actions=5, breaches=["double: one got two"])
    return Kills(10, 9, 1, 30.0, 2.0, 4.0, 0.45, 0.8, 3.0, 117.0, report)


def found(run: Run = NIGHT) -> Results:
    results = Results()
    parts: dict[str, Found] = {
        "F11": outcome("F11", "12 POSTs"),
        "F2": outcome("F2", "30 kills", passed=False),
        KILLS: kills(),
        POINTS: points(),
    }
    for part, what in parts.items():
        results.add(part, what, run)
    return results


def test_what_is_kept_is_read_again_as_it_was(tmp_path: Path) -> None:
    keep(found(), tmp_path / "page.json")
    assert kept(tmp_path / "page.json") == found()


def test_nothing_is_known_before_the_first_run(tmp_path: Path) -> None:
    assert kept(tmp_path / "page.json") == Results()


def test_a_row_that_ran_again_replaces_itself_and_the_page_says_when(tmp_path: Path) -> None:
    keep(found(), tmp_path / "page.json")
    results = kept(tmp_path / "page.json")
    results.add("F2", outcome("F2", "31 kills"), LATER)
    text = page.as_markdown(results)
    (line,) = (line for line in text.splitlines() if line.startswith("| F2 |"))
    assert line.endswith("| 31 kills | passed (run again 2026-11-21 02:30 UTC) |")
    assert "begun 2026-11-21 01:00 UTC, seed 1" in text
    assert "Run again on their own, by `--merge`: F2 at 2026-11-21 02:30 UTC with seed 7." in text
    assert "30 kills" not in text


def test_a_page_of_one_run_speaks_of_no_other() -> None:
    assert "run again" not in page.as_markdown(found()).lower()


def test_the_page_tells_which_attempts_at_a_point_are_not_counted() -> None:
    text = page.as_markdown(found())
    assert "are not counted (2 times “The lease was lost.”)" in text
    assert "24 of 25; 1 times sending, then unconfirmed" in text


def test_what_was_not_finished_is_a_broken_promise_until_it_is() -> None:
    results = Results()
    results.add(POINTS, Unfinished("RigError: never happened"), NIGHT)
    assert not results.passed
    assert "- points: not finished (RigError: never happened)" in page.as_markdown(results)
    results.add(POINTS, Points(25, [], Report()), LATER)
    assert results.passed


@pytest.mark.parametrize("broken", [KILLS, POINTS, "F2"])
def test_one_broken_promise_is_enough(broken: str) -> None:
    right = Results()
    right.add("F2", outcome("F2", "30 kills"), NIGHT)
    assert right.passed
    wrong: dict[str, Found] = {
        KILLS: kills(),
        POINTS: points(),
        "F2": outcome("F2", "30 kills", passed=False),
    }
    right.add(broken, wrong[broken], NIGHT)
    assert not right.passed


def test_parts_come_as_people_count_them() -> None:
    assert parts_in_order(["F11", POINTS, "F2", KILLS]) == [KILLS, POINTS, "F2", "F11"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "say what to run"),
        (["--rows", "F99"], "there is no row 'F99'"),
        (["--rows", "F11", "--merge"], "--merge needs --write"),
        (["--rows", "F11", "--jobs", "0"], "is not a whole number from 1"),
    ],
)
def test_wrong_use_ends_with_two_and_the_reason(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err
