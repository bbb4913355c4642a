"""Mistakes about claims and leases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from messaging import (
    delivery,
    lane_calls,
    lanes,
    results,
)
from messaging.delivery import Claimed
from messaging.lane_calls import LaneCalls
from messaging.models import (
    ActionEvent,
    OutgoingAction,
    OutgoingActionQuerySet,
)
from messaging.states import Status
from orders.models import OrderQuerySet
from tests.model.mistakes import bug

# The claim


@bug
def claim_after_the_call() -> Iterator[None]:
    """The row is claimed when the answer is there, in one transaction with it."""
    claim, record = delivery.claim, results.record

    def no_claim(jobs: Any, **_: Any) -> list[Claimed]:
        return [Claimed(job=job, attempt_id=0, had_unconfirmed=False) for job in jobs]

    def claim_and_record(sends: Any, *, now: datetime) -> None:
        for send in sends:
            for won in claim([send.claimed.job], now=now, worker="late"):
                record([results.SendResult(won, send.answer, send.duration_ms)], now=now)

    with (
        patch.object(delivery, "claim", no_claim),
        patch.object(results, "record", claim_and_record),
    ):
        yield


@bug
def unconditional_claim() -> Iterator[None]:
    """Whoever looked may send: the claim does not ask in which state the row is now."""
    transition = OutgoingActionQuerySet.transition

    def claim_whatever_it_is(
        actions: OutgoingActionQuerySet, before: Status, after: Status, **fields: Any
    ) -> list[int]:
        if after != Status.SENDING:
            return transition(actions, before, after, **fields)
        ids = list(actions.values_list("pk", flat=True))
        at = fields.pop("at")
        for action in OutgoingAction.objects.filter(pk__in=ids):
            ActionEvent.objects.create(
                action=action, at=at, before=action.status, after=after, reason=""
            )
        OutgoingAction.objects.filter(pk__in=ids).update(status=after, status_at=at, **fields)
        return ids

    def in_any_state(actions: OutgoingActionQuerySet, now: datetime) -> OutgoingActionQuerySet:
        return actions.unstopped()

    with (
        patch.object(OutgoingActionQuerySet, "transition", claim_whatever_it_is),
        patch.object(OutgoingActionQuerySet, "claimable", in_any_state),
    ):
        yield


@bug
def claim_despite_stops() -> Iterator[None]:
    """The claim asks neither for kill switches nor for pauses: the page hides the button, after all."""

    def anything(actions: OutgoingActionQuerySet) -> OutgoingActionQuerySet:
        return actions

    with patch.object(OutgoingActionQuerySet, "unstopped", anything):
        yield


@bug
def claim_of_an_excluded_order() -> Iterator[None]:
    """The order's own rules are asked when it is taken up, and not once more by the claim."""

    def everything(orders: OrderQuerySet, *_: Any) -> OrderQuerySet:
        return orders

    with patch.object(OrderQuerySet, "eligible", everything):
        yield


# Leases


@bug
def sweeper_requeues() -> Iterator[None]:
    """The worker is dead, so its work is done again."""
    sweep = delivery.sweep

    def requeue(now: datetime) -> None:
        OutgoingAction.objects.filter(lease_until__lt=now).transition(
            Status.SENDING, Status.QUEUED, at=now, lease_until=None, look_at=now
        )
        sweep(now)

    with patch.object(delivery, "sweep", requeue):
        yield


@bug
def no_lease_check() -> Iterator[None]:
    """Before the bytes leave nobody asks whether the leases still stand."""

    def only_the_look(calls: LaneCalls, claimed_at: float, looked_at: datetime) -> None:
        if calls._clock.now() - looked_at > lane_calls.LOOK_LASTS:
            raise lane_calls.LookTooOldError

    with patch.object(LaneCalls, "check_once_more", only_the_look):
        yield


@bug
def zombie_sends() -> Iterator[None]:
    """A worker that wakes up after an hour goes on where it was."""
    with patch.object(LaneCalls, "check_once_more", lambda *_: None):
        yield


@bug
def old_look_is_used() -> Iterator[None]:
    """What Amazon offered this morning it offers still."""
    with (
        patch.object(lane_calls, "LOOK_LASTS", timedelta(days=1)),
        patch.object(lanes, "LOOK_GOOD_FOR", timedelta(days=1)),
    ):
        yield
