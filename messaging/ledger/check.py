"""Proof that the records of sending do not contradict each other (docs/sending.md, "Always true").

`manage.py check_ledger` prints every contradiction; the clockwork keeps what its last run found, for
the Overview. Both read one consistent snapshot, so that sending goes on beside them.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.clock import read_database_clock
from messaging.ledger.lateness import leases_overstayed, queued_too_long
from messaging.ledger.records import (
    accepted_but_not_sent,
    actions_lost,
    attempts_without_claim,
    events_that_do_not_lead_here,
    messages_sent_twice,
    open_attempts_astray,
    orders_that_say_otherwise,
    orders_with_two_solicitations,
    sent_without_evidence,
    solicitations_delivered_twice,
)
from messaging.ledger.scope import Check, Scope, snapshot
from messaging.models import LedgerCheck, PeriodicRun

logger = logging.getLogger(__name__)

CHECK_EVERY_SECONDS = 300
# After two runs that did not come something is wrong with the clockwork.
CHECK_IS_LATE = timedelta(seconds=3 * CHECK_EVERY_SECONDS)
KEPT_LINES = 20

CHECKS: tuple[Check, ...] = (
    Check(
        "delivered_once",
        "Amazon accepted at most one solicitation of an order.",
        solicitations_delivered_twice,
    ),
    Check(
        "one_solicitation",
        "At most one solicitation of an order is moving, sent, refused or unresolved.",
        orders_with_two_solicitations,
    ),
    Check(
        "message_once",
        "A message may have arrived once, and once more for each time that a person said so.",
        messages_sent_twice,
    ),
    Check(
        "sent_has_evidence",
        "What is sent was accepted by Amazon, or seen by a named person.",
        sent_without_evidence,
    ),
    Check("accepted_is_sent", "What Amazon accepted is sent.", accepted_but_not_sent),
    Check(
        "attempt_was_claimed",
        "Every attempt has its claim, which came first, and every claim its attempt.",
        attempts_without_claim,
    ),
    Check(
        "open_attempt",
        "An action has at most one open attempt, and has one while it is sending and only then.",
        open_attempts_astray,
    ),
    Check("lease", "Nothing is sending 30 s after the end of its lease.", leases_overstayed),
    Check(
        "not_late",
        "Nothing is due for over a minute that is not on hold or waiting for its lane.",
        queued_too_long,
    ),
    Check(
        "replay",
        "Every step has its event, is allowed, and the events lead to the state.",
        events_that_do_not_lead_here,
    ),
    Check("order_mark", "An order carries its solicitation's state.", orders_that_say_otherwise),
    Check("nothing_lost", "All that was made is there, in a known state.", actions_lost),
)


@dataclass(frozen=True)
class Breach:
    """One contradiction, by the check that found it."""

    check: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.check}: {self.subject} {self.text}"


def find_breaches(
    *,
    account_id: int | None = None,
    at: datetime | None = None,
    checks: Iterable[Check] = CHECKS,
) -> Iterator[Breach]:
    """Every contradiction in the records of one account or of all, check by check.

    `at` (UTC) is the moment by which leases and waiting are judged, by default the database's time.
    """
    # Before the snapshot: what was over by then had its time to be put right.
    scope = Scope(at=at or read_database_clock(), account_id=account_id)
    with snapshot():
        for check in checks:
            for found in check.find(scope):
                yield Breach(check.name, found.subject, found.text)


def check_periodically(checks: Iterable[Check] = CHECKS) -> LedgerCheck | None:
    """The Overview knows what the records say now; None when this slot's run was somebody else's."""
    at = read_database_clock()
    if not PeriodicRun.objects.take("check_ledger", every_seconds=CHECK_EVERY_SECONDS, at=at):
        return None
    started = time.monotonic()
    counts: Counter[str] = Counter()
    lines: list[str] = []
    for breach in find_breaches(at=at, checks=checks):
        counts[breach.check] += 1
        if len(lines) < KEPT_LINES:
            lines.append(str(breach))
    seconds = time.monotonic() - started
    if counts:
        # what is late only waits, and is so after every standstill; all else should never be
        level = logging.ERROR if counts.keys() - {"not_late"} else logging.WARNING
        logger.log(level, "The check of the records found: %s", dict(counts))
    result, _ = LedgerCheck.objects.update_or_create(
        pk=1,
        defaults={
            "at": at,
            "seconds": round(seconds, 3),
            "breaches": counts.total(),
            "counts": dict(counts),
            "lines": lines,
        },
    )
    return result
