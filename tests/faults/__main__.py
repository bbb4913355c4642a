"""`python -m tests.faults`: kills, points and rows of the table of faults, and the page made of them.

    python -m tests.faults --kills 1000 --seed 7
    python -m tests.faults --points --each 25
    python -m tests.faults --rows F4,F20
    python -m tests.faults --all --jobs 4 --write docs/reliability.md
    python -m tests.faults --rows F4 --merge --write docs/reliability.md

`--write` keeps what was found in a document beside the page (docs/reliability.json), part after part;
with `--merge` that is where it begins, so that only the parts that ran are replaced. Exit code 0 when
every promise was kept, 1 when one was broken, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.faults import jobs, page
from tests.faults.results import (
    KILLS,
    POINTS,
    Results,
    Run,
    as_json,
    keep,
    kept,
    parts_in_order,
)
from tests.faults.rows import ROWS
from tests.faults.table import in_order

NUMBER_OF_KILLS = 1_000
EACH = 25


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code, after everything that was asked for has run."""
    options = _parse(arguments)
    order = jobs.Order(_parts(options), options.kills or 0, options.each, options.seed)
    this_run = Run.now(options.seed, options.jobs)
    results = kept(_beside(options.write)) if options.merge else Results()
    for part, found in jobs.run(order, options.jobs):
        results.add(part, found, this_run)
        if options.write:  # after each, so that an end before the end leaves what there is
            keep(results, _beside(options.write))
            options.write.write_text(page.as_markdown(results), encoding="utf-8")
    print(json.dumps(as_json(results), indent=1) if options.json else page.as_text(results))
    return 0 if results.passed else 1


def _parts(options: argparse.Namespace) -> tuple[str, ...]:
    parts = [*options.rows]
    parts += [KILLS] if options.kills else []
    parts += [POINTS] if options.points else []
    return tuple(parts_in_order(parts))


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description="Breaks everything, and checks what is left."
    )
    parser.add_argument("--kills", type=_count, metavar="N", help="random kill -9 under load")
    parser.add_argument("--points", action="store_true", help="a kill at each point")
    parser.add_argument("--each", type=_count, default=EACH, help=f"hits of each point ({EACH})")
    parser.add_argument("--rows", type=_rows, default=[], metavar="F1,F4", help="rows of the table")
    everything = f"{NUMBER_OF_KILLS} kills, all points, all rows"
    parser.add_argument("--all", action="store_true", help=everything)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same choices")
    parser.add_argument("--jobs", type=_count, default=1, metavar="N", help="so many parts at once")
    parser.add_argument("--json", action="store_true", help="one document instead of a table")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the page for docs/")
    parser.add_argument(
        "--merge", action="store_true", help="with --write: keep what else stands there"
    )
    options = parser.parse_args(arguments)
    if options.all:
        options.kills = options.kills or NUMBER_OF_KILLS
        options.points = True
        # a short form is part of the long one
        options.rows = [key for key in ROWS if not key.endswith("q")]
    if not (options.kills or options.points or options.rows):
        parser.error("say what to run: --kills N, --points, --rows …, or --all")
    if options.merge and not options.write:
        parser.error("--merge needs --write, which says where the earlier results stand")
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


if __name__ == "__main__":
    # So that everything that was started is ended, and no directory is left.
    jobs.end_by_signal()
    sys.exit(main())
