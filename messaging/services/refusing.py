"""Why something cannot be done, in a sentence for the person who asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from messaging.action_types import REVIEW_REQUEST
from messaging.models import Origin, OutgoingAction
from messaging.payloads import hash_payload
from messaging.states import TAKEN, WRITTEN
from orders.locking import lock_orders_of
from orders.models import Order

ONE_PER_ORDER = "Amazon may take only one of the two for an order."
SECOND_REVIEW = f"A message was written for this order. {ONE_PER_ORDER}"
TEXT_IS_GONE = "Its text was deleted, as old texts are. Write it anew."
FILE_IS_GONE = "A file of it is no longer kept here. Write it anew."
FOREIGN_FORM = "This form was made for somebody else. Reload and try again."


class NotAllowedError(Exception):
    """What was asked cannot be done; the message is a sentence for the person who asked."""


def already_asked_sentence(order: Order, *, at: datetime) -> str:
    """Who asked for this order's review, and when: for the second person who clicks."""
    action = (
        OutgoingAction.objects.filter(order=order, kind=REVIEW_REQUEST.name, status__in=TAKEN)
        .select_related("requested_by", "batch")
        .first()
    )
    if action is None:
        return "This order is being asked already. Reload to see its state."
    return _who_queued_sentence(action, at)


def same_message_sentence(
    order: Order, kind: str, payload: Mapping[str, Any], *, at: datetime
) -> str:
    """Who is sending this very message already, and since when."""
    action = (
        OutgoingAction.objects.open()
        .filter(order=order, kind=kind, payload_hash=hash_payload(payload))
        .select_related("requested_by", "batch")
        .first()
    )
    if action is None:
        return "This message is being sent already. Reload to see its state."
    return (
        f"The same message is “{action.get_status_display()}”. {_who_queued_sentence(action, at)}"
    )


def second_of_one(order: Order, *, is_solicitation: bool) -> str:
    """Why this would be the second of two that Amazon may take for one; "" when it is the first.

    Amazon: "only one productReviewAndSellerFeedback or free form proactive message per order"
    (https://developer-docs.amazon.com/sp-api/docs/solicitations-api-v1-reference). Which messages
    count is not said; we warn of all.
    """
    others = OutgoingAction.objects.filter(order=order, status__in=WRITTEN)
    if is_solicitation:
        if others.exclude(kind=REVIEW_REQUEST.name).exists():
            return SECOND_REVIEW
    elif others.filter(kind=REVIEW_REQUEST.name).exists():
        return f"A review was asked for this order. {ONE_PER_ORDER}"
    return ""


def refuse_second_of_one(order: Order, *, is_solicitation: bool) -> None:
    """NotAllowedError for the second of the two, where the account forbids it.

    To be called in the transaction that queues, before it does: until its end nobody else queues for
    this account.
    """
    if not order.account.one_message_per_order:
        return
    lock_orders_of(order.account_id)
    second = second_of_one(order, is_solicitation=is_solicitation)
    if second:
        raise NotAllowedError(second)


def _who_queued_sentence(action: OutgoingAction, at: datetime) -> str:
    if action.requested_by is not None:
        who = action.requested_by.get_username()
    elif action.batch is not None and action.batch.origin == Origin.COMMAND:
        who = "The command line"
    else:
        who = "A rule"
    return f"{who} queued this {_ago(at - action.created_at)} ago."


def _ago(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
