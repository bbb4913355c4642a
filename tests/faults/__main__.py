"""`python -m tests.faults`: kills, points and rows of the table of faults, and the page made of them.

    python -m tests.faults --kills 1000 --seed 7
    python -m tests.faults --points --each 25
    python -m tests.faults --rows F4,F20
    python -m tests.faults --all --write docs/reliability.md

Exit code 0 when every promise was kept, 1 when one was broken, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults import page
from tests.faults.kills import Kills, run_kills
from tests.faults.points import Points, run_points
from tests.faults.rows import ROWS
from tests.faults.table import Outcome, in_order, run_row

KILLS = 1_000
EACH = 25


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code, after everything that was asked for has run."""
    options = _parse(arguments)
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - begun:6.0f} s  {line}", file=sys.stderr, flush=True)

    results = page.Results(seed=options.seed)
    if options.kills:
        results.kills = run_kills(options.kills, options.seed, say=say)
    if options.points:
        results.points = run_points(options.each, options.seed, say=say)
    for key in in_order(options.rows):
        say(f"{key}: {ROWS[key].fault}")
        outcome = run_row(ROWS[key], options.seed, time.monotonic)
        say(f"{key}: {outcome.figure}")
        results.outcomes.append(outcome)
    if options.write:
        options.write.write_text(page.as_markdown(results), encoding="utf-8")
    print(json.dumps(_as_json(results), indent=1) if options.json else page.as_text(results))
    return 0 if results.passed else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description="Breaks everything, and checks what is left."
    )
    parser.add_argument("--kills", type=_count, metavar="N", help="random kill -9 under load")
    parser.add_argument("--points", action="store_true", help="a kill at each of eight points")
    parser.add_argument("--each", type=_count, default=EACH, help=f"hits of each point ({EACH})")
    parser.add_argument("--rows", type=_rows, default=[], metavar="F1,F4", help="rows of the table")
    parser.add_argument("--all", action="store_true", help=f"{KILLS} kills, all points, all rows")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same choices")
    parser.add_argument("--json", action="store_true", help="one document instead of a table")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the page for docs/")
    options = parser.parse_args(arguments)
    if options.all:
        options.kills = options.kills or KILLS
        options.points = True
        # a short form is part of the long one
        options.rows = [key for key in ROWS if not key.endswith("q")]
    if not (options.kills or options.points or options.rows):
        parser.error("say what to run: --kills N, --points, --rows …, or --all")
    return options


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _rows(text: str) -> list[str]:
    keys = {key.upper(): key for key in ROWS}
    wanted = [key.strip().upper() for key in text.split(",") if key.strip()]
    for key in wanted:
        if key not in keys:
            known = ", ".join(in_order(ROWS))
            raise argparse.ArgumentTypeError(f"there is no row {key!r}; known: {known}")
    return [keys[key] for key in wanted]


def _as_json(results: page.Results) -> dict[str, Any]:
    def optional(thing: Kills | Points | None, tell: Callable[[Any], Any]) -> Any:
        return None if thing is None else tell(thing)

    def told(outcome: Outcome) -> dict[str, Any]:
        return {
            "row": outcome.row.key,
            "figure": outcome.figure,
            "passed": outcome.passed,
            "seconds": round(outcome.seconds, 1),
        }

    return {
        "seed": results.seed,
        "passed": results.passed,
        "kills": optional(results.kills, asdict),
        "points": optional(results.points, page.points_as_json),
        "rows": [told(outcome) for outcome in results.outcomes],
    }


if __name__ == "__main__":
    # So that everything that was started is ended, and no directory is left.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    sys.exit(main())
