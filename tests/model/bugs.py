"""Mistakes that the machine must find: each puts one into the product for as long as it lasts.

The mistaken functions are written as somebody might have written them who had not thought of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import User

from messaging import (
    classification,
    delivery,
    lane_calls,
    lanes,
    looks,
    results,
    services,
    stopping,
)
from messaging.classification import Verdict
from messaging.delivery import Claimed
from messaging.lane_calls import LaneCalls
from messaging.lanes import Lane
from messaging.looks import Look
from messaging.models import (
    ActionAttempt,
    ActionEvent,
    AttemptOutcome,
    OutgoingAction,
    OutgoingActionQuerySet,
)
from messaging.services import cancelling
from messaging.states import OPEN, STOPPABLE, Status
from orders.models import OrderQuerySet
from spapi import NoAnswer, ServerError, SpApiError, UnknownForbidden

Bug = Callable[[], AbstractContextManager[None]]
BUGS: dict[str, Bug] = {}


def bug(mistake: Callable[[], Iterator[None]]) -> Bug:
    """The mistake stands in BUGS under its name."""
    made = contextmanager(mistake)
    BUGS[mistake.__name__] = made
    return made


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


# Answers


@bug
def timeout_retries() -> Iterator[None]:
    """No answer: once more."""
    with _retrying(NoAnswer):
        yield


@bug
def server_error_retries() -> Iterator[None]:
    """5xx: once more."""
    with _retrying(ServerError):
        yield


@bug
def unknown_text_refuses() -> Iterator[None]:
    """Every 403 is a refusal."""
    with _retrying(UnknownForbidden, Status.REFUSED, AttemptOutcome.REJECTED):
        yield


@bug
def late_acceptance_is_ignored() -> Iterator[None]:
    """What comes after the sweeper comes too late."""

    def only_while_sending(claimed: Claimed, now: datetime) -> None:
        OutgoingAction.objects.filter(pk=claimed.job.action_id).transition(
            Status.SENDING,
            Status.SENT,
            at=now,
            sent_attempt=claimed.attempt_id,
            lease_until=None,
        )

    with patch.object(results, "_mark_sent", only_while_sending):
        yield


@bug
def abandoned_result_overwrites() -> Iterator[None]:
    """Whatever comes for an action is its state, of whichever attempt it may be."""
    finish = results._finish_attempt

    def finish_and_believe(*arguments: Any) -> bool:
        finish(*arguments)
        return True

    with patch.object(results, "_finish_attempt", finish_and_believe):
        yield


# Looks


@bug
def absent_once_means_sent() -> Iterator[None]:
    """Amazon no longer offers it, so it was sent."""
    record_watched = looks.record_watched

    def conclude(look: Look, *, control_is_offered: bool, now: datetime) -> None:
        if look.is_absent:
            OutgoingAction.objects.filter(pk=look.job.action_id).transition(
                Status.UNCONFIRMED, Status.PROBABLY_SENT, at=now, look_at=now + timedelta(days=1)
            )
        record_watched(look, control_is_offered=control_is_offered, now=now)

    with patch("messaging.controls.record_watched", conclude):
        yield


@bug
def absent_without_a_control() -> Iterator[None]:
    """Three empty lists over a day are enough, whatever the list of another order says."""
    with patch.object(Lane, "control_is_fresh", lambda *_: True):
        yield


@bug
def offered_once_means_not_sent() -> Iterator[None]:
    """Amazon offers it, so it was not sent."""
    with (
        patch.object(looks, "OFFERED_NEEDED", 1),
        patch.object(looks, "OFFERED_APART", timedelta(0)),
    ):
        yield


# People


@bug
def cancel_in_any_state() -> Iterator[None]:
    """Cancelled is cancelled, also while it is being sent."""

    def cancel(actions: OutgoingActionQuerySet, *, user: User, at: datetime) -> int:
        ids = list(actions.filter(status__in=OPEN).values_list("pk", "status"))
        for pk, before in ids:
            ActionEvent.objects.create(
                action_id=pk, at=at, before=before, after=Status.CANCELLED, user=user
            )
            OutgoingAction.objects.filter(pk=pk).update(status=Status.CANCELLED, status_at=at)
            ActionAttempt.objects.filter(action_id=pk, finished_at=None).update(abandoned_at=at)
        return len(ids)

    with patch.object(cancelling, "_cancel", cancel):
        yield


@bug
def stop_forgets_what_is_under_way() -> Iterator[None]:
    """A stopped batch cancels what waits; what comes back unsent is sent again."""
    with patch.object(cancelling, "OPEN", STOPPABLE):
        yield


@bug
def retry_makes_a_new_row() -> Iterator[None]:
    """A second try is a second request; the old row is put out of the way."""

    def retry(action: OutgoingAction, *, user: User, at: datetime) -> None:
        if action.status != Status.REFUSED:
            raise services.NotAllowedError
        OutgoingAction.objects.filter(pk=action.pk).update(status=Status.EXPIRED)
        OutgoingAction.objects.filter(pk=action.pk).update(client_key=None)
        action.pk, action.client_key, action.status = None, None, Status.QUEUED
        action.look_at = action.not_before = action.created_at = at
        action.save(force_insert=True)

    with patch.object(services, "retry_action", retry):
        yield


@bug
def hold_without_a_record() -> Iterator[None]:
    """What is put on hold is put on hold by an UPDATE: it is no step, and needs no event."""

    def hold(*, at: datetime, account_ids: Any = None) -> None:
        actions = OutgoingAction.objects.all()
        stopped = list(actions.filter(status=Status.QUEUED).values_list("pk", flat=True))
        free = set(actions.claimable(at).values_list("pk", flat=True))
        actions.filter(pk__in=set(stopped) - free).update(status=Status.HELD)

    with patch.object(delivery, "apply_holds", hold), patch.object(stopping, "apply_holds", hold):
        yield


@bug
def unconfirmed_message_is_sent_again() -> Iterator[None]:
    """Nobody has decided about the message for a quarter of an hour, so the sweeper does."""
    sweep = delivery.sweep

    def sweep_and_send_again(now: datetime) -> None:
        sweep(now)
        OutgoingAction.objects.filter(
            api="messaging", status_at__lt=now - timedelta(minutes=15)
        ).transition(Status.UNCONFIRMED, Status.QUEUED, at=now, look_at=now, not_before=now)

    with patch.object(delivery, "sweep", sweep_and_send_again):
        yield


@contextmanager
def _retrying(
    kind: type[SpApiError],
    status: Status = Status.QUEUED,
    outcome: AttemptOutcome = AttemptOutcome.NOT_SENT,
) -> Iterator[None]:
    """Errors of this kind have another verdict."""
    classify = classification.classify

    def mistaken(answer: Any, action: Any, now: datetime) -> Verdict:
        if isinstance(answer, kind):
            return Verdict(status, outcome, look_at=now + timedelta(seconds=30))
        return classify(answer, action, now)

    with patch.object(results, "classify", mistaken):
        yield
