"""Mistakes about what people ask for and decide."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import User

from messaging import (
    delivery,
    services,
    stopping,
)
from messaging.models import (
    ActionAttempt,
    ActionEvent,
    OutgoingAction,
    OutgoingActionQuerySet,
)
from messaging.services import cancelling
from messaging.states import OPEN, STOPPABLE, Status
from tests.model.mistakes import bug

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
