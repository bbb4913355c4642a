"""The long form: python -m tests.doors --orders 10000 [--seed N] [--doors polling,notifications].

Has a database and a Redis of its own (SQLite, unless TEST_DATABASE_URL says otherwise). Exit code 0
when the tables end identical, 1 when they do not, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module

import django
from django.db import connection
from django.test.utils import setup_databases, setup_test_environment, teardown_databases

MOST_SHOWN = 20


def main(arguments: Sequence[str]) -> int:
    """The exit code, when everything has come in by every way."""
    parser = argparse.ArgumentParser(prog="python -m tests.doors", description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--doors", default="", help="names, parted by commas (all)")
    parser.add_argument(
        "--told", type=int, default=1_000, help="newest notifications of each order (all)"
    )
    options = parser.parse_args(arguments)
    import_module("tests.environment")
    django.setup()
    setup_test_environment(debug=False)
    databases = setup_databases(0, interactive=False, serialized_aliases=[])
    logging.disable(logging.WARNING)
    try:
        return _run(options)
    finally:
        teardown_databases(databases, 0)


def _run(options: argparse.Namespace) -> int:
    # needs Django
    known = import_module("tests.doors.doors").DOORS
    names = options.doors.split(",") if options.doors else list(known)
    if not set(names) <= set(known):
        print(f"the doors are {', '.join(known)}", file=sys.stderr)
        return 2
    stages, comparing = import_module("tests.doors.stage"), import_module("tests.doors.compare")
    doors = [door for door in known if door in names]
    print(f"seed {options.seed}, {connection.vendor}, {options.orders:,} orders", flush=True)
    with stages.opened(orders=options.orders, seed=options.seed, told_most=options.told) as stage:
        found = comparing.compare(
            stage, doors, seed=options.seed, say=lambda line: print(line, flush=True)
        )
    for name, lines in found.differences.items():
        print(f"{name}: {len(lines):,} differences")
        for line in lines[:MOST_SHOWN]:
            print(f"  {line}")
    print(f"{found.compared:,} orders compared; {found.left_out:,} changed at Amazon meanwhile")
    return 0 if found.is_same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
