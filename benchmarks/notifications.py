"""python -m benchmarks.notifications --messages N [--latency-ms L] [--json] [--database URL]

How long it takes from a message in the queue until the order of which it tells is here: committed,
and on its page. Amazon is the sandbox, a process of its own at the published rates; the queue is
moto's server, which speaks like Amazon SQS; `consume_notifications`, the workers, the scheduler and
Redis are real processes; the database is PostgreSQL, started for the occasion, or what --database
names. The orders are not known before, and no search brings them: it is not due for a day.

Messages come one by one, each when the one before is shown and a second has passed: with more than
300 the rate of getOrder is used up, and its wait is measured. The page is fetched once when the
order is committed. The exit code is 1 when an order was not shown within a minute or Amazon said 429.
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

from benchmarks.notification_figures import Shown, Times
from benchmarks.options import at_least
from benchmarks.scratch import POSTGRESQL, NoServerError, scratch_database
from benchmarks.sending_site import running_redis
from sandbox.testing import running
from tests.queues import CREDENTIALS, make_queue, queue_server

# An order in so many was told of lately, to be sure.
_ORDERS_PER_MESSAGE = 4
_KEPT_SETTINGS = {"PATH", "HOME", "LANG", "PYTHONPATH"}


def main() -> int:
    """Measures, prints, and says by its exit code whether all was shown in time."""
    options = _options()
    try:
        shown = _run(options)
    except NoServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.json:
        print(json.dumps(asdict(shown)))
    else:
        _print(shown)
    return 0 if shown.is_within else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.notifications",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--messages", type=at_least(1), default=30, metavar="N")
    parser.add_argument(
        "--latency-ms", type=float, default=150.0, metavar="L", help="both ways together (150)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument(
        "--database", default=POSTGRESQL, metavar="URL", help="sqlite, postgresql, postgres://…"
    )
    return parser.parse_args()


def _run(options: argparse.Namespace) -> Shown:
    with (
        tempfile.TemporaryDirectory(prefix="solicit-notifications-") as folder,
        scratch_database(options.database) as database,
        running_redis(Path(folder)) as redis,
        queue_server() as endpoint,
        running(
            process=True,
            sellers=1,
            orders=100 + _ORDERS_PER_MESSAGE * options.messages,
            latency_ms=options.latency_ms / 2,
        ) as amazon,
    ):
        queue = make_queue(endpoint)
        kept = {name: value for name, value in os.environ.items() if name in _KEPT_SETTINGS}
        environment = (
            kept
            | CREDENTIALS
            | {
                "DATABASE_URL": database,
                "REDIS_URL": redis,
                "DATA_DIR": folder,
                "DEBUG": "0",
                "ALLOWED_HOSTS": "127.0.0.1",
                "SECRET_KEY": secrets.token_urlsafe(64),
                "TOKEN_KEYS": "A" * 43 + "=",
                "SPAPI_ENDPOINT": amazon.url,
                "LWA_ENDPOINT": amazon.url,
                "SQS_QUEUE_ARN": queue.arn,
                "AWS_ENDPOINT_URL_SQS": endpoint,
                "LOG_LEVEL": "WARNING",
                "DJANGO_SETTINGS_MODULE": "solicit_dashboard.settings",
            }
        )
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.notifications_run"]
        command += ["--messages", str(options.messages), "--queue-url", queue.url]
        child = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        printed = json.loads(child.stdout)
        return Shown(
            messages=options.messages,
            latency_ms=options.latency_ms,
            throttled=amazon.stats()["throttled"],
            load=round(os.getloadavg()[0], 1),
            times=[Times(**one) for one in printed.pop("times")],
            **printed,
        )


def _print(shown: Shown) -> None:
    print(
        f"{shown.database}, {shown.latency_ms:g} ms latency, load average {shown.load:g}:"
        f" {shown.shown} of {shown.messages} shown, {shown.throttled} times 429"
    )
    for one in shown.times:
        print(
            f"  {one.name:<25} median {one.median_ms:>8,.0f} ms   p95 {one.p95_ms:>8,.0f} ms"
            f"   slowest {one.slowest_ms:>8,.0f} ms"
        )


if __name__ == "__main__":
    sys.exit(main())
