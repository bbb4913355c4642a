"""One action by a click: a review request, or a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit.models import AuditKind
from audit.services import record_event
from messaging.action_types import MESSAGES, REVIEW_REQUEST, ActionType
from messaging.hints import wake_lanes_on_commit
from messaging.models import ActionFile, OutgoingAction, Priority, StoredFile, mark_orders
from messaging.order_rules import message_refusals
from messaging.payloads import PayloadError, clean_payload, hash_payload
from messaging.services.holding import LOOK_LEAD, apply_holds, hold
from messaging.services.refusing import (
    FOREIGN_FORM,
    NotAllowedError,
    already_asked_sentence,
    refuse_second_of_one,
    same_message_sentence,
)
from messaging.states import Status
from orders.models import Order
from orders.refusals import explain_refusal
from orders.states import Refusal
from solicit_dashboard.conflicts import repeats_on_conflict

# How long after the latest promised delivery a message may still leave.
MESSAGE_LASTS = timedelta(days=30)


def request_review(
    order: Order, *, user: User, at: datetime, client_key: UUID | None = None
) -> OutgoingAction:
    """A review request for this order is queued, to leave when its hold is over.

    The same `client_key` (made with the form) returns the action that it made before. Raises
    NotAllowedError when our rules refuse, when the order was asked already, saying by whom, or when
    the key is somebody else's or another order's.
    """
    repeated = made_before(client_key, order, user)
    if repeated is not None:
        return repeated
    refusal = order.refusal_at(at)
    if refusal:
        raise NotAllowedError(explain_refusal(order, refusal))
    closes_at = order.closes_at()
    if closes_at is None:
        raise NotAllowedError(explain_refusal(order, Refusal.NO_DATES))
    try:
        return _queue_click(
            order, REVIEW_REQUEST, user=user, at=at, not_after=closes_at, client_key=client_key
        )
    except IntegrityError as error:
        repeated = made_before(client_key, order, user)
        if repeated is not None:
            return repeated  # a double click: the other half of it was a moment sooner
        raise NotAllowedError(already_asked_sentence(order, at=at)) from error


def request_message(
    order: Order,
    kind: str,
    payload: Mapping[str, object],
    *,
    user: User,
    at: datetime,
    files: Sequence[StoredFile] = (),
    client_key: UUID | None = None,
) -> OutgoingAction:
    """A message of this kind to the order's buyer is queued, to leave when its hold is over.

    `payload` and `files` are what the kind takes (`messaging.payloads`). It is sent until 30 days
    after the latest delivery that Amazon promised (without a promise: after now). That end is ours:
    Amazon documents none for messages, and shows by its list when one is not possible.

    The same `client_key` (made with the form) returns the action that it made before. Raises
    NotAllowedError when the payload or the order does not allow it, when the same message is on its
    way already, saying whose, or when the key is somebody else's or another order's.
    """
    repeated = made_before(client_key, order, user)
    if repeated is not None:
        return repeated
    if kind not in MESSAGES:
        raise NotAllowedError("There is no such message.")
    try:
        cleaned = clean_payload(MESSAGES[kind], payload, files)
    except PayloadError as error:
        raise NotAllowedError(str(error)) from error
    not_after = message_closes_at(order, at)
    try:
        return _queue_click(
            order,
            MESSAGES[kind],
            user=user,
            at=at,
            not_after=not_after,
            client_key=client_key,
            payload=cleaned,
            files=files,
        )
    except IntegrityError as error:
        repeated = made_before(client_key, order, user)
        if repeated is not None:
            return repeated
        raise NotAllowedError(same_message_sentence(order, kind, cleaned, at=at)) from error


def message_closes_at(order: Order, at: datetime) -> datetime:
    """The last moment at which a message for this order may leave; NotAllowedError when it may not."""
    refusal = message_refusals([order.pk]).get(order.pk)
    if refusal is not None:
        raise NotAllowedError(explain_refusal(order, refusal))
    closes_at = (order.latest_delivery_at or at) + MESSAGE_LASTS
    if closes_at <= at + hold():
        raise NotAllowedError("It was delivered too long ago: messages are sent for 30 days.")
    return closes_at


@repeats_on_conflict
def _queue_click(
    order: Order,
    action_type: ActionType,
    *,
    user: User,
    at: datetime,
    not_after: datetime,
    client_key: UUID | None,
    payload: dict[str, Any] | None = None,
    files: Sequence[StoredFile] = (),
) -> OutgoingAction:
    """A person's one action waits for the end of its hold.

    IntegrityError: it is there already; NotAllowedError: it would be the second of two.
    """
    not_before = at + hold()
    with transaction.atomic():
        refuse_second_of_one(order, is_solicitation=action_type.is_solicitation)
        action = OutgoingAction.objects.create(
            account_id=order.account_id,
            order=order,
            kind=action_type.name,
            api=action_type.api,
            payload=payload or {},
            payload_hash=hash_payload(payload) if payload else "",
            status=Status.QUEUED,
            status_at=at,
            priority=Priority.CLICK,
            look_at=max(at, not_before - LOOK_LEAD),
            not_before=not_before,
            not_after=not_after,
            client_key=client_key,
            requested_by=user,
            created_at=at,
        )
        if files and payload:
            ActionFile.objects.bulk_create(
                ActionFile(action=action, file=file, place=place, name=kept["name"])
                for place, (file, kept) in enumerate(zip(files, payload["files"], strict=True))
            )
        mark_orders([action.pk], Status.QUEUED, at)
        record_event(
            AuditKind.REQUESTED if action_type.is_solicitation else AuditKind.MESSAGED,
            user=user,
            account_id=order.account_id,
            subject=order.amazon_order_id,
        )
        apply_holds(at=at, account_ids=[order.account_id])
        wake_lanes_on_commit([order.account_id])
    action.refresh_from_db()
    return action


def made_before(client_key: UUID | None, order: Order, user: User) -> OutgoingAction | None:
    """The action that the form of this key has made already.

    Raises NotAllowedError when the key is somebody else's or another order's.
    """
    if client_key is None:
        return None
    repeated = OutgoingAction.objects.filter(client_key=client_key).first()
    if repeated is not None and (repeated.order_id, repeated.requested_by_id) != (
        order.pk,
        user.pk,
    ):
        raise NotAllowedError(FOREIGN_FORM)
    return repeated
