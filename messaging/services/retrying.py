"""Trying again what Amazon refused: the same row, a new attempt."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit.models import AuditKind
from audit.services import record_event
from messaging.hints import wake_lanes_on_commit
from messaging.models import OutgoingAction, Priority, StoredFile
from messaging.services.holding import LOOK_LEAD, apply_holds, hold
from messaging.services.refusing import (
    FILE_IS_GONE,
    TEXT_IS_GONE,
    NotAllowedError,
    refuse_second_of_one,
    same_message_sentence,
)
from messaging.services.requesting import message_closes_at
from messaging.states import Status
from orders.refusals import explain_refusal
from solicit_dashboard.conflicts import repeats_on_conflict


def retry_action(action: OutgoingAction, *, user: User, at: datetime) -> None:
    """A refused action waits for its turn again. Raises NotAllowedError when it cannot be."""
    order = action.order
    if action.type.is_solicitation:
        refusal = order.refusal_at(at)
        if refusal:
            raise NotAllowedError(explain_refusal(order, refusal))
        not_after = order.closes_at() or action.not_after
    else:
        not_after = message_closes_at(order, at)
    try:
        _retry(action, user=user, at=at, not_after=not_after)
    except IntegrityError as error:
        sentence = same_message_sentence(order, action.kind, action.payload, at=at)
        raise NotAllowedError(sentence) from error


@repeats_on_conflict
def _retry(action: OutgoingAction, *, user: User, at: datetime, not_after: datetime) -> None:
    with transaction.atomic():
        refuse_second_of_one(action.order, is_solicitation=action.type.is_solicitation)
        whole = OutgoingAction.objects.filter(pk=action.pk, text_forgotten_at=None)
        if not whole.transition(
            Status.REFUSED,
            Status.QUEUED,
            at=at,
            user=user,
            reason=f"Tried again by {user.get_username()}",
            look_at=max(at, at + hold() - LOOK_LEAD),
            not_before=at + hold(),
            not_after=not_after,
            priority=Priority.CLICK,
            stop_asked_by=None,
        ):
            action.refresh_from_db()
            if action.text_forgotten_at is not None:
                raise NotAllowedError(TEXT_IS_GONE)
            raise NotAllowedError(
                f"Only a refused request can be tried again; it is “{action.get_status_display()}”."
            )
        # Held, so that nobody deletes their content before it is known that they are needed again.
        files = StoredFile.objects.filter(uses__action=action).order_by("pk")
        if any(file.emptied_at is not None for file in files.select_for_update(of=("self",))):
            raise NotAllowedError(FILE_IS_GONE)
        record_event(
            AuditKind.RETRIED,
            user=user,
            account_id=action.account_id,
            subject=action.order.amazon_order_id,
        )
        apply_holds(at=at, account_ids=[action.account_id])
        wake_lanes_on_commit([action.account_id])
