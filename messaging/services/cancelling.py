"""Stopping what has not left: one action, a batch, or what came back after it was stopped."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from audit.models import AuditKind
from audit.services import record_event
from messaging.models import Batch, OutgoingAction, OutgoingActionQuerySet
from messaging.services.refusing import NotAllowedError
from messaging.states import OPEN, STOPPABLE, Status
from solicit_dashboard.conflicts import repeats_on_conflict


@repeats_on_conflict
def stop_batch(batch: Batch, *, user: User, at: datetime, account_ids: Collection[int]) -> int:
    """Nothing more of this batch leaves for these accounts; returns how many were stopped.

    Undo is the same thing before the hold is over. What is being sent at this moment may have
    reached Amazon and takes its course; if it turns out not to have, it is cancelled then.
    """
    mine = OutgoingAction.objects.filter(batch=batch, account_id__in=list(account_ids))
    with transaction.atomic():
        # locked: what comes back unsent at this moment is either stopped here or marked here
        list(mine.filter(status__in=OPEN).order_by("pk").select_for_update().values_list("pk"))
        stopped = _cancel(mine, user=user, at=at)
        under_way = mine.filter(status__in=OPEN - STOPPABLE).update(stop_asked_by=user)
        if stopped or under_way:
            Batch.objects.filter(pk=batch.pk, stopped_at=None).update(
                stopped_at=at, stopped_by=user
            )
        record_event(AuditKind.CANCELLED, user=user, subject=f"Batch {batch.pk}", stopped=stopped)
    return stopped


@repeats_on_conflict
def cancel_action(action: OutgoingAction, *, user: User, at: datetime) -> None:
    """This action will not leave. Raises NotAllowedError when it is too late for that."""
    with transaction.atomic():
        if not _cancel(OutgoingAction.objects.filter(pk=action.pk), user=user, at=at):
            action.refresh_from_db()
            raise NotAllowedError(f"Too late to cancel: it is “{action.get_status_display()}” now.")
        record_event(
            AuditKind.CANCELLED,
            user=user,
            account_id=action.account_id,
            subject=action.order.amazon_order_id,
        )


def cancel_stopped(*, at: datetime) -> None:
    """What was under way when somebody stopped it, and came back unsent, is cancelled."""
    returned = OutgoingAction.objects.filter(
        status__in=STOPPABLE, stop_asked_by__isnull=False
    ).order_by()
    for user in User.objects.filter(pk__in=returned.values("stop_asked_by")):
        _cancel(returned.filter(stop_asked_by=user), user=user, at=at)


@repeats_on_conflict
def _cancel(actions: OutgoingActionQuerySet, *, user: User, at: datetime) -> int:
    """Those of these that have not left are cancelled; returns how many."""
    with transaction.atomic():
        # Locked as one: between two steps an action could change from one stoppable state to the
        # other, and be missed by both.
        list(
            actions.filter(status__in=STOPPABLE)
            .order_by("pk")
            .select_for_update(of=("self",))
            .values_list("pk", flat=True)
        )
        return sum(
            len(
                actions.transition(
                    state,
                    Status.CANCELLED,
                    at=at,
                    user=user,
                    reason=f"Cancelled by {user.get_username()}",
                )
            )
            for state in sorted(STOPPABLE)
        )
