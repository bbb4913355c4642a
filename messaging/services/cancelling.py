"""Stopping what has not left: one action, a batch, or what came back after it was stopped."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import User
from django.db import OperationalError, transaction

from audit.models import AuditKind
from audit.services import record_event
from messaging.models import Batch, OutgoingAction, OutgoingActionQuerySet
from messaging.services.refusing import NotAllowedError
from messaging.states import OPEN, STOPPABLE, Status
from solicit_dashboard.conflicts import repeats_on_conflict

logger = logging.getLogger(__name__)

# How many actions one transaction cancels (0.1 to 0.3 s): orders that it holds wait for it.
CANCEL_CHUNK = 1_000


def stop_batch(batch: Batch, *, user: User, at: datetime, account_ids: Collection[int]) -> int:
    """Nothing more of this batch leaves for these accounts; returns how many were stopped.

    Undo is the same thing before the hold is over. What is being sent at this moment may have
    reached Amazon and takes its course; if it turns out not to have, it is cancelled then.

    That it is stopped is committed first and alone, and no claim takes what is stopped. Then it is
    cancelled, a little at a time, so that no lane waits for that; should it fail or this process
    die in between, the sweeper does it.
    """
    mine = OutgoingAction.objects.filter(batch=batch, account_id__in=list(account_ids))
    stopped = _mark(batch, mine, user=user, at=at)
    try:
        _cancel_marked(mine, at=at)
    except OperationalError as error:
        logger.warning("What was stopped will be cancelled by the sweeper: %s", error)
    return stopped


@repeats_on_conflict
def _mark(batch: Batch, mine: OutgoingActionQuerySet, *, user: User, at: datetime) -> int:
    """What still moves of these is stopped by this user; returns how many had not left.

    What somebody else has stopped already stays theirs, and is not counted again.
    """
    moving = mine.filter(status__in=OPEN, stop_asked_by=None)
    with transaction.atomic():
        # Locked first, which takes a tenth of a second for 40,000: from here on a claim waits, and
        # finds them stopped. In the order in which everybody locks; the UPDATE alone has none.
        states = list(moving.order_by("pk").select_for_update().values_list("status", flat=True))
        stopped = sum(state in STOPPABLE for state in states)
        moving.update(stop_asked_by=user)
        if states:
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
    """What somebody stopped is cancelled: what came back unsent, and what a stop did not come to."""
    _cancel_marked(OutgoingAction.objects.all(), at=at)


def _cancel_marked(actions: OutgoingActionQuerySet, *, at: datetime) -> None:
    """Those of these that were stopped and have not left are cancelled, by who stopped them."""
    waiting = actions.filter(status__in=STOPPABLE, stop_asked_by__isnull=False).order_by()
    for user in User.objects.filter(pk__in=waiting.values("stop_asked_by")).order_by("pk"):
        mine = OutgoingAction.objects.filter(stop_asked_by=user)
        ids = list(waiting.filter(stop_asked_by=user).order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(ids), CANCEL_CHUNK):
            _cancel(mine.filter(pk__in=ids[start : start + CANCEL_CHUNK]), user=user, at=at)


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
                    # done; the sweeper need not find it among those that it looks for
                    stop_asked_by=None,
                )
            )
            for state in sorted(STOPPABLE)
        )
