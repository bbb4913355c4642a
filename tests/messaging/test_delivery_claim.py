"""Taking up and claiming: what may leave, by whom, and only once."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from messaging.delivery import Claimed, claim, sweep, take_up
from messaging.models import ActionAttempt, OutgoingAction, Priority
from messaging.states import Status
from orders.models import Order
from orders.states import FulfillmentStatus
from sellers.models import SellerAccount
from spapi import NoAnswer, Throttled
from tests.factories import (
    DAY,
    KillSwitchFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.messaging.sending import (
    NOW,
    answer,
    claim_one,
    due_action,
    due_order,
    job_of,
    lose,
    send,
    status_of,
    steps_of,
    take_up_all,
)

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def test_a_claim_opens_an_attempt_and_starts_the_lease() -> None:
    action = due_action()
    claimed = claim([job_of(action)], now=NOW, worker="host:7", lease=90 * SECOND)
    action.refresh_from_db()
    assert (action.status, action.lease_until) == (Status.SENDING, NOW + 90 * SECOND)
    attempt = action.attempts.get()
    assert (attempt.number, attempt.claimed_at, attempt.worker) == (1, NOW, "host:7")
    assert (attempt.finished_at, attempt.abandoned_at, attempt.outcome) == (None, None, "")
    assert [one.attempt_id for one in claimed] == [attempt.pk]
    assert claimed[0].had_unconfirmed is False
    assert steps_of(action) == ["queued", "sending"]


def test_a_lease_is_as_long_as_the_settings_say(settings: Settings) -> None:
    settings.LEASE_SECONDS = 33.0
    action = due_action()
    claim_one(action)
    action.refresh_from_db()
    assert action.lease_until == NOW + 33 * SECOND


def test_what_is_claimed_is_not_claimed_again() -> None:
    action = due_action()
    job = job_of(action)
    assert claim([job], now=NOW, worker="one")
    assert claim([job], now=NOW, worker="two") == []
    assert ActionAttempt.objects.count() == 1


def test_the_next_attempt_counts_on_and_remembers_the_unclear_one() -> None:
    action = due_action()
    send(action, Throttled("429"))
    second = claim_one(action, NOW + 5 * SECOND)
    assert second.had_unconfirmed is False
    answer(second, NoAnswer(reason="reset"), NOW + 6 * SECOND)
    OutgoingAction.objects.filter(pk=action.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=NOW + 7 * SECOND
    )
    third = claim_one(action, NOW + 8 * SECOND)
    assert third.had_unconfirmed is True
    assert list(action.attempts.order_by("pk").values_list("number", flat=True)) == [1, 2, 3]


def test_an_abandoned_attempt_is_an_unclear_one() -> None:
    action = due_action()
    claim_one(action)
    sweep(NOW + timedelta(hours=1))
    assert action.attempts.get().outcome == ""
    OutgoingAction.objects.filter(pk=action.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=NOW
    )
    assert claim_one(action, NOW + timedelta(hours=2)).had_unconfirmed is True


PREVENTIONS: dict[str, Callable[[OutgoingAction], object]] = {
    "account paused": lambda one: SellerAccount.objects.update(paused_at=NOW),
    "account lost": lambda one: SellerAccount.objects.update(connection="reconnect"),
    "everything stopped": lambda one: KillSwitchFactory(),
    "account stopped": lambda one: KillSwitchFactory(account=one.account),
    "kind stopped": lambda one: KillSwitchFactory(kind=one.kind),
    "hold not over": lambda one: OutgoingAction.objects.update(not_before=NOW + SECOND),
    "window over": lambda one: OutgoingAction.objects.update(not_after=NOW - SECOND),
    "stopped by a person": lambda one: OutgoingAction.objects.update(stop_asked_by=UserFactory()),
    "order cancelled": lambda one: Order.objects.update(is_cancelled=True),
    "order excluded": lambda one: Order.objects.update(is_excluded=True),
    "order returned": lambda one: Order.objects.update(is_returned=True),
    "order refunded": lambda one: Order.objects.update(is_refunded=True),
    "dates moved": lambda one: Order.objects.update(
        earliest_delivery_at=NOW, latest_delivery_at=NOW + DAY
    ),
    "dates gone": lambda one: Order.objects.update(
        earliest_delivery_at=None, latest_delivery_at=None
    ),
}


@pytest.mark.parametrize("prevent", PREVENTIONS.values(), ids=PREVENTIONS)
def test_nothing_is_claimed_when_it_may_not_leave(
    prevent: Callable[[OutgoingAction], object],
) -> None:
    action = due_action()
    job = job_of(action)
    prevent(action)
    assert claim([job], now=NOW, worker="test") == []
    assert status_of(action) == Status.QUEUED
    assert not ActionAttempt.objects.exists()


def test_of_several_only_those_that_may_leave_are_claimed() -> None:
    good, held, excluded = (due_action() for _ in range(3))
    jobs = [job_of(one) for one in (good, held, excluded)]
    OutgoingAction.objects.filter(pk=held.pk).transition(Status.QUEUED, Status.HELD, at=NOW)
    Order.objects.filter(pk=excluded.order_id).update(is_excluded=True)
    claimed = claim(jobs, now=NOW, worker="test")
    assert [one.job.action_id for one in claimed] == [good.pk]


def test_a_claim_takes_as_many_statements_for_many_as_for_one() -> None:
    def statements(number: int) -> int:
        jobs = [job_of(due_action()) for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            assert len(claim(jobs, now=NOW, worker="test")) == number
        return len(queries)

    assert statements(1) == statements(8)


def test_jobs_are_taken_up_in_their_turn() -> None:
    account = SellerAccountFactory()

    def one(priority: Priority, closes_in: int) -> int:
        order = due_order(account=account)
        return due_action(order=order, priority=priority, not_after=NOW + closes_in * DAY).pk

    rule = one(Priority.RULE, 1)
    batch_late, batch_soon = one(Priority.BATCH, 9), one(Priority.BATCH, 2)
    click = one(Priority.CLICK, 20)
    taken = take_up(account, "solicitations", now=NOW, limit=10)
    assert [job.action_id for job in taken] == [click, batch_soon, batch_late, rule]
    assert [job.action_id for job in sorted(taken, key=lambda job: job.turn)] == [
        job.action_id for job in taken
    ]
    some = take_up(account, "solicitations", now=NOW, limit=2, but_not=[click])
    assert [job.action_id for job in some] == [batch_soon, batch_late]


def test_only_what_is_due_in_this_lane_is_taken_up() -> None:
    action = due_action()
    due_action()
    due_action(order=due_order(account=action.account), look_at=NOW + SECOND)
    assert [job.action_id for job in take_up_all(action)] == [action.pk]
    assert take_up(action.account, "messaging", now=NOW, limit=10) == []


def test_what_is_watched_is_taken_up_although_its_order_has_changed() -> None:
    action = due_action()
    lose(action)
    Order.objects.update(is_returned=True)
    (job,) = take_up_all(action, NOW + timedelta(minutes=2))
    assert job.status == Status.UNCONFIRMED


def test_an_order_that_changed_is_not_sent_and_the_reason_is_said() -> None:
    action = due_action()
    Order.objects.update(is_refunded=True)
    assert take_up_all(action) == []
    action.refresh_from_db()
    assert action.status == Status.CANCELLED
    assert action.reason == "Not sent, the order has changed: refunded"
    assert Order.objects.get().solicitation == ""


def test_an_order_whose_window_moved_waits_for_it() -> None:
    action = due_action()
    Order.objects.update(earliest_delivery_at=NOW - DAY, latest_delivery_at=NOW)
    assert take_up_all(action) == []
    action.refresh_from_db()
    assert (action.status, action.look_at) == (Status.QUEUED, NOW + 4 * DAY)
    assert action.not_before == NOW + 4 * DAY
    assert "Too early" in action.reason


@pytest.mark.parametrize(
    "change",
    [
        {"earliest_delivery_at": None, "latest_delivery_at": None},
        {"fulfillment_status": FulfillmentStatus.UNSHIPPED},
    ],
    ids=["no dates", "not shipped"],
)
def test_an_order_that_lost_a_fact_is_looked_at_the_next_day(change: dict[str, object]) -> None:
    action = due_action()
    Order.objects.update(**change)
    assert take_up_all(action) == []
    action.refresh_from_db()
    assert (action.status, action.look_at) == (Status.QUEUED, NOW + DAY)


def test_an_order_whose_window_has_closed_expires() -> None:
    action = due_action()
    Order.objects.update(earliest_delivery_at=NOW - 40 * DAY, latest_delivery_at=NOW - 31 * DAY)
    assert take_up_all(action) == []
    assert status_of(action) == Status.EXPIRED


@pytest.mark.django_db(transaction=True)
def test_sixteen_who_claim_a_hundred_at_once_win_a_hundred() -> None:
    account = SellerAccountFactory()
    asker = UserFactory()
    actions = [due_action(order=due_order(account=account), requested_by=asker) for _ in range(100)]
    jobs = [job_of(action) for action in actions]
    won: list[Claimed] = []
    start = threading.Barrier(16)

    def claim_all(worker: int) -> None:
        try:
            start.wait(30)
            # each begins elsewhere, so that they meet in the middle
            mixed = jobs[worker * 6 :] + jobs[: worker * 6]
            for first in range(0, 100, 10):
                won.extend(claim(mixed[first : first + 10], now=NOW, worker=f"w{worker}"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claim_all, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(one.job.action_id for one in won) == sorted(job.action_id for job in jobs)
    assert ActionAttempt.objects.count() == 100
    assert set(OutgoingAction.objects.values_list("status", flat=True)) == {Status.SENDING}


@pytest.mark.django_db(transaction=True)
def test_one_action_offered_to_many_at_once_is_claimed_by_one() -> None:
    action = OutgoingActionFactory(order=due_order(), created_at=NOW - SECOND, not_after=NOW + DAY)
    job, won = job_of(action), []
    start = threading.Barrier(16)

    def claim_it() -> None:
        try:
            start.wait(30)
            won.extend(claim([job], now=NOW, worker="test"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claim_it) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(won) == 1
    assert ActionAttempt.objects.count() == 1


def test_an_unclear_attempt_of_an_earlier_action_of_the_order_is_not_forgotten() -> None:
    """It was offered again, so it was queued again, and somebody cancelled it: it may have left."""
    first = due_action()
    lose(first)
    OutgoingAction.objects.filter(pk=first.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=NOW + SECOND
    )
    OutgoingAction.objects.filter(pk=first.pk).transition(
        Status.QUEUED, Status.CANCELLED, at=NOW + SECOND
    )
    second = due_action(order=first.order)
    assert claim_one(second, NOW + 2 * SECOND).had_unconfirmed is True


def test_an_action_that_amazon_throttles_for_days_is_still_tried() -> None:
    action = due_action()
    # one attempt a second for nine hours; a number that does not fit would stop its whole shard
    ActionAttempt.objects.create(action=action, number=32_767, claimed_at=NOW, abandoned_at=NOW)
    claim_one(action, NOW + SECOND)
    assert ActionAttempt.objects.filter(action=action, number=32_768).exists()
