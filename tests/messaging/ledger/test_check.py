"""The records of sending prove themselves: nothing is found where all is well, and each breach is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from messaging.ledger.check import (
    CHECK_EVERY_SECONDS,
    CHECKS,
    KEPT_LINES,
    check_periodically,
    find_breaches,
)
from messaging.ledger.scope import Check, Found, Scope
from messaging.models import LedgerCheck, OutgoingAction, PeriodicRun
from messaging.states import Status
from tests.factories import OutgoingActionFactory
from tests.messaging.ledgers import MESSAGE, NOW, breaches, every_state, lines
from tests.messaging.planting import lawless, overwrite
from tests.messaging.shard import LIST, POST, Shard, driving, states
from tests.messaging.test_services import at_once

pytestmark = pytest.mark.django_db
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def test_records_of_every_state_contradict_nothing() -> None:
    every_state()
    assert set(OutgoingAction.objects.values_list("status", "kind")) >= {
        (status.value, kind)
        for kind in ("productReviewAndSellerFeedback", MESSAGE)
        for status in Status
        if kind != MESSAGE or status != Status.PROBABLY_SENT
    }
    assert lines() == []


def test_every_check_says_what_it_proves_under_a_name_of_its_own() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(check.says.endswith(".") for check in CHECKS)


def test_more_rows_take_no_more_statements() -> None:
    every_state()
    with CaptureQueriesContext(connection) as few:
        list(find_breaches(at=NOW))
    every_state()
    every_state()
    with CaptureQueriesContext(connection) as many:
        list(find_breaches(at=NOW))
    assert len(few) == len(many) <= 25


def test_a_breach_is_a_line_with_the_check_and_the_action() -> None:
    action = OutgoingActionFactory(created_at=NOW)
    with lawless():
        overwrite(action, status="sent")
    assert f"sent_has_evidence: action {action.pk} is sent without evidence: no word" in lines()


def test_one_account_is_judged_by_its_own_records() -> None:
    mine, other = (OutgoingActionFactory(created_at=NOW) for _ in range(2))
    with lawless():
        for action in (mine, other):
            overwrite(action, status="expired")
    found = breaches(account_id=mine.account_id)
    assert {breach.subject for breach in found} == {f"action {mine.pk}", f"order {mine.order_id}"}
    assert len(breaches()) == 2 * len(found)


def finding(*found: Found) -> tuple[Check, ...]:
    """A single check, which finds this."""

    def find(scope: Scope) -> Iterator[Found]:
        yield from found

    return (Check("honesty", "Everything is what it says.", find),)


A_LIE = Found("action 12", "is not what it says")


def test_a_periodic_run_keeps_what_it_found_in_one_row() -> None:
    first = check_periodically(finding(A_LIE))
    assert first is not None
    assert (first.breaches, first.counts) == (1, {"honesty": 1})
    assert first.lines == ["honesty: action 12 is not what it says"]
    PeriodicRun.objects.update(slot=0)
    check_periodically(finding())
    kept = LedgerCheck.objects.get()
    assert (kept.breaches, kept.counts, kept.lines) == (0, {}, [])
    assert kept.at > first.at
    assert kept.seconds >= 0


def test_a_row_holds_the_first_lines_and_the_count_of_all() -> None:
    kept = check_periodically(finding(*[A_LIE] * 50))
    assert kept is not None
    assert (kept.breaches, len(kept.lines)) == (50, KEPT_LINES)


@pytest.mark.parametrize(
    ("names", "level"),
    [(["not_late"], "WARNING"), (["not_late", "replay"], "ERROR"), ([], None)],
    ids=["only late", "a contradiction", "nothing"],
)
def test_what_was_found_is_logged(
    names: list[str], level: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    checks = tuple(replace(finding(A_LIE)[0], name=name) for name in names)
    check_periodically(checks)
    assert [record.levelname for record in caplog.records] == ([level] if level else [])


def test_two_clockworks_make_one_run() -> None:
    assert check_periodically(finding()) is not None
    assert check_periodically(finding()) is None


def test_a_slot_is_taken_once_by_ticks_that_come_early_or_late() -> None:
    def take(seconds: float) -> bool:
        return PeriodicRun.objects.take(
            "check", every_seconds=CHECK_EVERY_SECONDS, at=start + seconds * SECOND
        )

    start = NOW.replace(minute=5)
    assert [take(seconds) for seconds in (-1, 1, 90, 299, 301, 600)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    assert PeriodicRun.objects.count() == 1
    assert PeriodicRun.objects.take("another", every_seconds=CHECK_EVERY_SECONDS, at=start)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", [True, False], ids=["the first ever", "a later one"])
def test_five_clockworks_at_once_take_a_slot_once(first: bool) -> None:
    def take() -> bool:
        return PeriodicRun.objects.take("check", every_seconds=CHECK_EVERY_SECONDS, at=NOW)

    if not first:
        PeriodicRun.objects.take("check", every_seconds=CHECK_EVERY_SECONDS, at=NOW - HOUR)
    assert sorted(at_once(*[take] * 5)) == [False] * 4 + [True]
    assert PeriodicRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_written_meanwhile_is_not_seen_and_not_kept_waiting() -> None:
    """Between two statements of the check an action is sent: half of that would contradict itself."""
    action = OutgoingActionFactory(created_at=NOW)
    seen: list[Any] = []

    def send_it() -> None:
        try:
            OutgoingActionFactory(status=Status.SENT, created_at=NOW, order__account=action.account)
            OutgoingAction.objects.filter(pk=action.pk).transition(
                Status.QUEUED, Status.CANCELLED, at=NOW
            )
        finally:
            connections.close_all()

    def find(scope: Scope) -> Iterator[Found]:
        seen.append(sorted(scope.actions().values_list("pk", "status")))
        if len(seen) == 1:
            writer = threading.Thread(target=send_it)
            writer.start()
            writer.join(15)
            assert not writer.is_alive(), "the check keeps a writer waiting"
        yield from ()

    check = Check("look", "It is looked at twice.", find)
    assert list(find_breaches(at=NOW, checks=(check, check))) == []
    assert seen == [[(action.pk, "queued")]] * 2
    assert sorted(OutgoingAction.objects.values_list("status", flat=True)) == ["cancelled", "sent"]


def test_a_check_writes_nothing() -> None:
    every_state()
    before = AuditEvent.objects.count()
    with CaptureQueriesContext(connection) as captured:
        list(find_breaches(at=NOW))
    words = {query["sql"].split()[0] for query in captured}
    assert words <= {"SELECT", "DECLARE", "SAVEPOINT", "RELEASE", "WITH"}
    assert AuditEvent.objects.count() == before


def test_nothing_is_found_while_everything_is_being_sent(
    make_shard: Callable[..., Shard],
) -> None:
    """Lost answers and empty lists included: every look at the records is clean."""
    shard = make_shard(sellers=2, factor=10)
    shard.amazon.set_faults(
        [
            {
                "operation": POST,
                "when": {"every": 7},
                "do": {"kind": "reset", "at": "after_accept"},
            },
            {"operation": LIST, "when": {"every": 6}, "do": {"kind": "empty_list"}},
        ]
    )
    shard.ask(limit=50)
    moving = OutgoingAction.objects.filter(
        Q(status=Status.SENDING) | Q(status=Status.QUEUED, look_at__lte=timezone.now() + HOUR)
    )
    found: list[str] = []
    looks = 0
    with driving():
        while moving.exists() and not found:
            found += map(str, find_breaches())
            looks += 1
    assert found == []
    assert looks, "it was over before it was looked at"
    assert list(find_breaches()) == []
    assert set(states()) == {Status.SENT, Status.UNCONFIRMED, Status.QUEUED}
