"""What was found, part by part, kept as a document, so that a part that ran again replaces itself."""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.checker import Report
from tests.faults.kills import Kills
from tests.faults.points import PREDICTED, Line, Points, State
from tests.faults.rows import ROWS
from tests.faults.table import Outcome, in_order

KILLS, POINTS = "kills", "points"


@dataclass(frozen=True)
class Unfinished:
    """The kills or the points, when the rig could not bring them to their end."""

    reason: str


Found = Kills | Points | Outcome | Unfinished


@dataclass(frozen=True)
class Run:
    """One call of the command: when it began, and on what."""

    at: str
    seed: int
    jobs: int
    machine: str

    @classmethod
    def now(cls, seed: int, jobs: int) -> Run:
        """The one that begins at this moment on this machine."""
        machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return cls(at, seed, jobs, f"{machine}, {os.cpu_count()} cores")


@dataclass
class Results:
    """All that was run: the kills, the points, the rows, and of each part in which run it was."""

    kills: Kills | None = None
    points: Points | None = None
    rows: dict[str, Outcome] = field(default_factory=dict)
    unfinished: dict[str, str] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)

    def add(self, part: str, found: Found, run: Run) -> None:
        """This is what is known of the part from now on."""
        self.unfinished.pop(part, None)
        if isinstance(found, Unfinished):
            self.unfinished[part] = found.reason
        elif isinstance(found, Kills):
            self.kills = found
        elif isinstance(found, Points):
            self.points = found
        else:
            self.rows[part] = found
        self.runs[part] = run

    @property
    def outcomes(self) -> list[Outcome]:
        """The rows in the order of the table."""
        return [self.rows[key] for key in in_order(self.rows)]

    @property
    def main_run(self) -> Run:
        """The one in which the most was run."""
        return Counter(self.runs.values()).most_common(1)[0][0]

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        kills_held = self.kills is None or not self.kills.report.breaches
        points_held = self.points is None or self.points.passed
        rows_held = all(outcome.passed for outcome in self.outcomes)
        return kills_held and points_held and rows_held and not self.unfinished


def as_json(results: Results) -> dict[str, Any]:
    """Everything as a document."""
    return {
        "passed": results.passed,
        "kills": None if results.kills is None else asdict(results.kills),
        "points": None if results.points is None else _points_as_json(results.points),
        "rows": {outcome.row.key: _outcome_as_json(outcome) for outcome in results.outcomes},
        "unfinished": results.unfinished,
        "runs": {part: asdict(run) for part, run in results.runs.items()},
    }


def from_json(document: dict[str, Any]) -> Results:
    """What the document tells; a row that the table no longer has is left out."""
    results = Results()
    if document["kills"]:
        kills = document["kills"]
        results.kills = Kills(**{**kills, "report": Report(**kills["report"])})
    if document["points"]:
        results.points = _points_from_json(document["points"])
    for key, told in document["rows"].items():
        if key in ROWS:
            results.rows[key] = Outcome(ROWS[key], **told)
    results.unfinished = dict(document["unfinished"])
    known = {KILLS, POINTS, *results.rows}
    results.runs = {part: Run(**run) for part, run in document["runs"].items() if part in known}
    return results


def keep(results: Results, path: Path) -> None:
    """The document stands in that file."""
    path.write_text(json.dumps(as_json(results), indent=1) + "\n", encoding="utf-8")


def kept(path: Path) -> Results:
    """What an earlier run has kept in that file; nothing when there is no such file."""
    if not path.exists():
        return Results()
    return from_json(json.loads(path.read_text("utf-8")))


def parts_in_order(parts: Iterable[str]) -> list[str]:
    """The kills, the points, then the rows as people count them."""
    parts = set(parts)
    first = [part for part in (KILLS, POINTS) if part in parts]
    return first + in_order(parts - {KILLS, POINTS})


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "figure": outcome.figure,
        "passed": outcome.passed,
        "seconds": round(outcome.seconds, 1),
    }


def _points_as_json(points: Points) -> dict[str, Any]:
    return {
        "each": points.each,
        "lines": [
            {
                "kind": line.kind,
                "point": line.point,
                "seen": [[asdict(state), number] for state, number in line.seen.items()],
            }
            for line in points.lines
        ],
        "report": asdict(points.report),
        "stayed": points.stayed,
    }


def _points_from_json(told: dict[str, Any]) -> Points:
    lines = [
        Line(
            line["kind"],
            line["point"],
            PREDICTED[line["kind"], line["point"]],
            Counter({State(**state): number for state, number in line["seen"]}),
        )
        for line in told["lines"]
    ]
    return Points(told["each"], lines, Report(**told["report"]), told["stayed"])
