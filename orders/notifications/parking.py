"""Messages that were parked, given another chance: what is kept of them becomes a hint."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from audit.models import AuditKind
from audit.services import record_event
from orders.ingest.hints import note_hints
from orders.models import ParkedNotification
from orders.notifications.taking import owner_of
from orders.states import DoorName
from solicit_dashboard.conflicts import repeats_on_conflict


class CannotReplayError(Exception):
    """Nothing can be made of the parked message; the sentence says why."""


@repeats_on_conflict
def replay(parked: ParkedNotification, *, user: AbstractBaseUser | None, at: datetime) -> str:
    """Amazon will be asked for the order that the message names; returns its number.

    Every notification is but a hint, so that this is all that any could have done. Done before: the
    same, once more. Raises CannotReplayError. `at` is now (UTC).
    """
    with transaction.atomic():
        row = ParkedNotification.objects.select_for_update(of=("self",)).get(pk=parked.pk)
        if not row.amazon_order_id:
            raise CannotReplayError("No order number could be made out in the message.")
        account = row.account or owner_of(row.kept)
        if account is None:
            raise CannotReplayError(
                f"The message names no seller whose notifications come to the queue "
                f"({row.kept.get('SellerId') or 'none at all'})."
            )
        note_hints(account, [row.amazon_order_id], DoorName.NOTIFICATIONS, heard_at=at)
        row.account, row.replayed_at = account, at
        row.replayed_by_id = user.pk if user is not None else None
        row.save(update_fields=["account", "replayed_at", "replayed_by"])
        record_event(
            AuditKind.NOTIFICATION_REPLAYED,
            user=user,
            account_id=account.pk,
            subject=row.amazon_order_id,
            message=row.message_id,
        )
    number: str = row.amazon_order_id
    return number
