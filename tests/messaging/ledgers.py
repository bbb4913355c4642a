"""Records of sending as our own procedures leave them, in every state, and what a check says of them."""

from __future__ import annotations

from datetime import timedelta

from audit.models import AuditKind
from audit.services import record_event
from messaging.action_types import CONFIRM_ORDER_DETAILS
from messaging.delivery import sweep
from messaging.ledger.check import Breach, find_breaches
from messaging.models import OutgoingAction
from messaging.services import cancel_action
from messaging.states import Status
from spapi import ConnectFailed
from tests.factories import (
    BatchFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.messaging.sending import ACCEPTED, NOW, answer, claim_one, due_action, lose, send

MESSAGE = CONFIRM_ORDER_DETAILS.name
MINUTE = timedelta(minutes=1)

__all__ = ["MESSAGE", "NOW", "breaches", "every_state", "lines"]


def breaches(account_id: int | None = None) -> list[Breach]:
    """What a check at NOW finds."""
    return list(find_breaches(at=NOW, account_id=account_id))


def lines() -> list[str]:
    """The lines of a check at NOW."""
    return [str(breach) for breach in breaches()]


def every_state() -> None:
    """Actions of both kinds in every state, some of them by the real procedure; two accounts."""
    account, paused = SellerAccountFactory(), SellerAccountFactory(paused=True)
    batch = BatchFactory(created_at=NOW)
    for status in Status:
        fields = {
            "order__account": paused if status == Status.HELD else account,
            "status": status,
            "created_at": NOW - MINUTE / 2,  # due, and not yet late
        }
        OutgoingActionFactory(batch=batch, **fields)
        if status != Status.PROBABLY_SENT:
            message(**fields)
    batch.queued = len(Status)
    batch.save()
    actions = OutgoingAction.objects.filter(status=Status.SENDING)
    actions.update(lease_until=NOW + MINUTE)
    asked = due_action(order__account=account)
    record_event(
        AuditKind.REQUESTED,
        user=asked.requested_by,
        account_id=account.pk,
        subject=asked.order.amazon_order_id,
    )
    claim_one(asked)
    then = NOW - 10 * MINUTE
    send(due_action(order__account=account, created_at=then), ACCEPTED, then)
    lose(due_action(order__account=account, created_at=then), then)
    # refused for a moment, then sent
    again = due_action(order__account=account, created_at=then)
    send(again, ConnectFailed(reason="DNS"), then)
    send(again, ACCEPTED, then + 5 * MINUTE)
    # given up by the sweeper, then answered after all
    late = due_action(order__account=account, created_at=then)
    claimed = claim_one(late, then)
    sweep(then + 5 * MINUTE)
    answer(claimed, ACCEPTED, then + 6 * MINUTE)
    # answered late, when the order had a newer one: that one takes the evidence
    old = due_action(order__account=account, created_at=then)
    claimed = claim_one(old, then)
    sweep(then + 5 * MINUTE)
    OutgoingAction.objects.filter(pk=old.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=then + 6 * MINUTE, look_at=NOW
    )
    cancel_action(old, user=UserFactory(), at=then + 7 * MINUTE)
    lose(due_action(order=old.order, created_at=then), then + 8 * MINUTE)
    answer(claimed, ACCEPTED, then + 9 * MINUTE)
    # a message that a person had sent again
    unclear = message(order__account=account, status=Status.UNCONFIRMED, created_at=then)
    OutgoingAction.objects.filter(pk=unclear.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=then, user=UserFactory(), look_at=NOW
    )
    send(unclear, ACCEPTED, NOW)
    stopped = due_action(order__account=account, created_at=NOW)
    cancel_action(stopped, user=UserFactory(), at=NOW)


def message(**fields: object) -> OutgoingAction:
    """A message, as `OutgoingActionFactory` makes an action."""
    action: OutgoingAction = OutgoingActionFactory(
        **{
            "kind": MESSAGE,
            "api": CONFIRM_ORDER_DETAILS.api,
            "payload": {"text": "Is the address right?"},
            "payload_hash": "one",
        }
        | fields
    )
    return action
