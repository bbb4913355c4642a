"""What the doctor asks about this installation: Redis, database, workers, clockwork, records."""

from __future__ import annotations

from django.db import connection

from messaging.models import LedgerCheck
from solicit_dashboard.doctor.findings import Finding, bad, good, warn
from solicit_dashboard.health import SEEN_WITHIN_SECONDS, seen_ago, waiting_migrations
from solicit_dashboard.promises import database_fault, redis_fault
from solicit_dashboard.redis import get_redis

# As Celery names the list of the queue `default`, with the prefix of our settings.
DEFAULT_QUEUE = "solicit:celery:default"
# A tick runs out after some seconds: more than a few that wait mean that nobody takes them.
WAITING_TICKS = 3


def redis() -> Finding:
    """Redis answers and forgets nothing by itself."""
    get_redis().ping()
    fault = redis_fault(get_redis())
    if fault:
        return bad(fault, "See docs/operations.md, “What runs”.")
    return good("Redis answers and keeps what it is told.")


def database() -> Finding:
    """The database answers, keeps what it has confirmed, and has the tables of this version."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    fault = database_fault()
    if fault:
        return bad(fault, "See docs/operations.md, “What runs”.")
    waiting = waiting_migrations()
    if waiting:
        return bad(
            f"The database lacks {waiting} migration{'' if waiting == 1 else 's'} of this version.",
            "Type: manage.py migrate",
        )
    return good("The database answers and is as this version wants it.")


def workers() -> Finding:
    """A worker of the queue `lanes` has worked within the last minute."""
    ago = seen_ago("worker")
    if ago is not None and ago <= SEEN_WITHIN_SECONDS:
        return good("The workers that send are at work.")
    beats = seen_ago("dispatcher")
    if beats is None or beats > SEEN_WITHIN_SECONDS:
        return bad(
            f"{_not_seen('The workers that send have', ago)}, and the clockwork that wakes them was "
            "not seen either.",
            "See the line of the clockwork first.",
        )
    return bad(
        f"{_not_seen('The workers that send have', ago)}.",
        "Start a Celery worker for the queue “lanes” (docs/operations.md); if one runs, restart it.",
    )


def beat() -> Finding:
    """Beat ticks, and a worker of the queue `default` takes the ticks."""
    ago = seen_ago("dispatcher")
    if ago is not None and ago <= SEEN_WITHIN_SECONDS:
        return good("The clockwork ticks and is listened to.")
    if int(get_redis().llen(DEFAULT_QUEUE)) > WAITING_TICKS:
        return bad(
            f"{_not_seen('The clockwork has', ago)}: beat ticks, but no worker takes the ticks.",
            "Start a Celery worker for the queue “default” (docs/operations.md); if one runs, "
            "restart it.",
        )
    return bad(
        f"{_not_seen('The clockwork has', ago)}.",
        "Start Celery beat and a worker for the queue “default” (docs/operations.md).",
    )


def records() -> Finding:
    """The last check of the records found no contradiction."""
    last = LedgerCheck.objects.first()
    if last is None:
        return warn(
            "The records have not been checked yet.",
            "They are every five minutes; or type: manage.py check_ledger",
        )
    found = last.breaches
    if found:
        return bad(
            f"The records contradict each other in {found:,} places "
            f"(checked {last.at:%Y-%m-%d %H:%M} UTC).",
            "Type manage.py check_ledger: it names each, and docs/operations.md what to do.",
        )
    return good(f"The records agree with each other (checked {last.at:%Y-%m-%d %H:%M} UTC).")


def _not_seen(who: str, ago: float | None) -> str:
    # what wrote its sign of life longer ago than that, and what never did, look the same
    when = f"for {ago:.0f} s" if ago is not None else "for five minutes, or ever"
    return f"{who} not been seen {when}"
