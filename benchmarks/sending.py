"""python -m benchmarks.sending --sellers K --orders N [--small M] [--clicks C] [--json …]

How fast and at what cost review requests leave: Amazon is the sandbox, a process of its own at the
published rates (never faster); Redis, the workers and the scheduler are real processes; the database
is PostgreSQL, started for the occasion, or what --database names. One click queues N orders for each
of K sellers; before that each seller is asked for one order, and rests until its bucket is full.

Reported are the share of what Amazon allows (see benchmarks.sending_figures), 429s, duplicate POSTs,
CPU and memory of the workers and the scheduler (not of Amazon, Redis or the database), and the
commands that Redis was given. --small M adds a seller with M orders beside the others, --capacity
K1 K2 … says how many sellers one worker drives. With no more orders than the burst there is no share.
--clicks C measures single clicks instead: the time until the first call to Amazon leaves, which is
its arrival less the median of the simulated way there, half of --latency-ms.
The exit code is 1 when a POST was doubled, a 429 came, or an order was not sent.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.options import at_least
from benchmarks.scratch import POSTGRESQL, NoServerError, scratch_database
from benchmarks.sending_figures import BURST, Run, print_run
from benchmarks.sending_site import jitter_rules, running_redis
from sandbox.testing import running

# Of the sandbox's orders, so many may be asked at any moment; less than there are, to be sure.
_MAY_BE_ASKED = 0.085
_KEPT_SETTINGS = {"PATH", "HOME", "LANG", "PYTHONPATH"}
GOOD_SHARE = 0.95


def main() -> int:
    """Measures, prints, and says by its exit code whether anything went wrong."""
    options = _options()
    runs = []
    for sellers in options.capacity or [options.sellers]:
        try:
            runs.append(_run(sellers, options))
        except NoServerError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        if not options.json:
            print_run(runs[-1])
        if options.capacity and not runs[-1].reaches(GOOD_SHARE):
            break
    good = [run.sellers for run in runs if run.reaches(GOOD_SHARE)]
    if options.json:
        document: dict[str, Any] = {"runs": [asdict(run) for run in runs]}
        if options.capacity:
            document["capacity"] = max(good, default=0)
        print(json.dumps(document))
    elif options.capacity:
        print(f"\nOne worker drives {max(good, default=0)} sellers at {GOOD_SHARE} of the limit.")
    return 1 if any(run.throttled or run.duplicates or run.sent < run.asked for run in runs) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sending",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    none, one = at_least(0), at_least(1)
    parser.add_argument("--sellers", type=one, default=20, metavar="K")
    parser.add_argument("--orders", type=one, default=40, metavar="N", help="of each seller")
    parser.add_argument("--small", type=none, default=0, metavar="M", help="one more seller with M")
    parser.add_argument("--clicks", type=none, default=0, metavar="C", help="single clicks instead")
    parser.add_argument("--capacity", type=one, nargs="+", metavar="K", help="try so many sellers")
    parser.add_argument("--workers", type=one, default=1, metavar="W", help="and as many shards")
    parser.add_argument(
        "--latency-ms", type=float, default=150.0, metavar="L", help="both ways together (150)"
    )
    parser.add_argument(
        "--jitter-ms", type=float, default=30.0, metavar="J", help="of the answer, besides (30)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument(
        "--database", default=POSTGRESQL, metavar="URL", help="sqlite, postgresql, postgres://…"
    )
    options = parser.parse_args()
    if options.capacity and (options.clicks or options.orders <= BURST):
        parser.error(
            f"--capacity is a share of the limit, which is met by more than {BURST} orders"
        )
    return options


def _run(sellers: int, options: argparse.Namespace) -> Run:
    asked = options.clicks or max(options.orders, options.small)
    with (
        tempfile.TemporaryDirectory(prefix="solicit-sending-") as name,
        scratch_database(options.database) as database,
        running_redis(Path(name)) as redis,
        running(
            process=True,
            sellers=sellers + bool(options.small),
            orders=round((asked + 1) / _MAY_BE_ASKED) + 150,
            latency_ms=options.latency_ms / 2,
        ) as amazon,
    ):
        amazon.set_faults(jitter_rules(options.jitter_ms))
        kept = {name: value for name, value in os.environ.items() if name in _KEPT_SETTINGS}
        environment = kept | {
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "DATA_DIR": name,
            "DEBUG": "0",
            "ALLOWED_HOSTS": "127.0.0.1",
            "SECRET_KEY": secrets.token_urlsafe(64),
            "TOKEN_KEYS": "A" * 43 + "=",
            "SPAPI_ENDPOINT": amazon.url,
            "LWA_ENDPOINT": amazon.url,
            "LANE_SHARDS": str(options.workers),
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "solicit_dashboard.settings",
        }
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.sending_run"]
        for flag in ("orders", "small", "clicks", "workers", "latency_ms", "jitter_ms"):
            command += [f"--{flag.replace('_', '-')}", str(getattr(options, flag))]
        child = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    return Run(**json.loads(child.stdout))


if __name__ == "__main__":
    sys.exit(main())
