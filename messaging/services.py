"""What a person can have done: request, stop, cancel, retry. Each is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from audit.models import AuditKind
from audit.services import record_event
from messaging.action_types import MESSAGES, REVIEW_REQUEST, ActionType
from messaging.hints import wake_lanes_on_commit
from messaging.models import (
    Batch,
    KillSwitch,
    Origin,
    OutgoingAction,
    OutgoingActionQuerySet,
    Priority,
    mark_orders,
)
from messaging.order_rules import message_refusals
from messaging.payloads import PayloadError, clean_payload, hash_payload
from messaging.queueing import queue_reviews
from messaging.states import OPEN, STOPPABLE, TAKEN, Status
from orders.models import Order, OrderQuerySet
from orders.refusals import explain_refusal
from orders.states import Refusal
from sellers.models import SellerAccount

# How long before the end of a click's hold its look begins: less than a look is good for.
LOOK_LEAD = timedelta(seconds=30)
# How long after the latest promised delivery a message may still leave.
MESSAGE_LASTS = timedelta(days=30)
FOREIGN_FORM = "This form was made for somebody else. Reload and try again."


class NotAllowedError(Exception):
    """What was asked cannot be done; the message is a sentence for the person who asked."""


def request_review(
    order: Order, *, user: User, at: datetime, client_key: UUID | None = None
) -> OutgoingAction:
    """A review request for this order is queued, to leave when its hold is over.

    The same `client_key` (made with the form) returns the action that it made before. Raises
    NotAllowedError when our rules refuse, when the order was asked already, saying by whom, or when
    the key is somebody else's or another order's.
    """
    repeated = _made_before(client_key, order, user)
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
        repeated = _made_before(client_key, order, user)
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
    client_key: UUID | None = None,
) -> OutgoingAction:
    """A message of this kind to the order's buyer is queued, to leave when its hold is over.

    `payload` is what the kind takes (`{"text": …}`). It is sent until 30 days after the latest
    delivery that Amazon promised (without a promise: after now). That end is ours: Amazon documents
    none for messages, and shows by its list when one is not possible.

    The same `client_key` (made with the form) returns the action that it made before. Raises
    NotAllowedError when the payload or the order does not allow it, when the same message is on its
    way already, saying whose, or when the key is somebody else's or another order's.
    """
    repeated = _made_before(client_key, order, user)
    if repeated is not None:
        return repeated
    if kind not in MESSAGES:
        raise NotAllowedError("There is no such message.")
    try:
        cleaned = clean_payload(MESSAGES[kind], payload)
    except PayloadError as error:
        raise NotAllowedError(str(error)) from error
    not_after = _message_closes_at(order, at)
    try:
        return _queue_click(
            order,
            MESSAGES[kind],
            user=user,
            at=at,
            not_after=not_after,
            client_key=client_key,
            payload=cleaned,
        )
    except IntegrityError as error:
        repeated = _made_before(client_key, order, user)
        if repeated is not None:
            return repeated
        raise NotAllowedError(_same_message_sentence(order, kind, cleaned, at=at)) from error


def _queue_click(
    order: Order,
    action_type: ActionType,
    *,
    user: User,
    at: datetime,
    not_after: datetime,
    client_key: UUID | None,
    payload: dict[str, str] | None = None,
) -> OutgoingAction:
    """A person's one action waits for the end of its hold. IntegrityError: it is there already."""
    not_before = at + hold()
    with transaction.atomic():
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


def _message_closes_at(order: Order, at: datetime) -> datetime:
    """The last moment at which a message for this order may leave; NotAllowedError when it may not."""
    refusal = message_refusals([order.pk]).get(order.pk)
    if refusal is not None:
        raise NotAllowedError(explain_refusal(order, refusal))
    closes_at = (order.latest_delivery_at or at) + MESSAGE_LASTS
    if closes_at <= at + hold():
        raise NotAllowedError("It was delivered too long ago: messages are sent for 30 days.")
    return closes_at


def request_reviews(
    orders: OrderQuerySet,
    *,
    user: User | None,
    at: datetime,
    client_key: UUID,
    origin: Origin = Origin.PAGE,
    description: str = "",
    limit: int | None = None,
) -> Batch:
    """A batch holds a queued review request for each of these orders that may be asked.

    The others are left out and counted by account and reason in `Batch.skipped`. `orders` must already be cut to
    what the person may touch. With `limit`, those whose windows close first are taken. The same
    `client_key` returns the batch that it made before, so that a double click makes one batch;
    somebody else's key raises NotAllowedError.
    """
    repeated = Batch.objects.filter(client_key=client_key).first()
    if repeated is None:
        try:
            return _make_batch(
                orders,
                user=user,
                at=at,
                client_key=client_key,
                origin=origin,
                description=description,
                limit=limit,
            )
        except IntegrityError:
            repeated = Batch.objects.filter(client_key=client_key).first()
            if repeated is None:
                raise
    if repeated.created_by_id != (user.pk if user else None):
        raise NotAllowedError(FOREIGN_FORM)
    return repeated


def _make_batch(
    orders: OrderQuerySet,
    *,
    user: User | None,
    at: datetime,
    client_key: UUID,
    origin: Origin,
    description: str,
    limit: int | None,
) -> Batch:
    with transaction.atomic():
        batch = Batch.objects.create(
            client_key=client_key,
            origin=origin,
            created_at=at,
            created_by=user,
            description=description[:300],
            release_at=at + hold(),
        )
        account_ids = queue_reviews(batch, orders, at=at, limit=limit)
        for account_id in account_ids:
            record_event(
                AuditKind.REQUESTED,
                user=user,
                account_id=account_id,
                subject=f"Batch {batch.pk}",
                queued=batch.queued,
                selected=batch.selected,
                description=batch.description,
            )
        apply_holds(at=at, account_ids=account_ids)
        wake_lanes_on_commit(account_ids)
    return batch


def stop_batch(batch: Batch, *, user: User, at: datetime, account_ids: Iterable[int]) -> int:
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


def retry_action(action: OutgoingAction, *, user: User, at: datetime) -> None:
    """A refused action waits for its turn again. Raises NotAllowedError when it cannot be."""
    order = action.order
    if action.type.is_solicitation:
        refusal = order.refusal_at(at)
        if refusal:
            raise NotAllowedError(explain_refusal(order, refusal))
        not_after = order.closes_at() or action.not_after
    else:
        not_after = _message_closes_at(order, at)
    try:
        _retry(action, user=user, at=at, not_after=not_after)
    except IntegrityError as error:
        sentence = _same_message_sentence(order, action.kind, action.payload, at=at)
        raise NotAllowedError(sentence) from error


def _retry(action: OutgoingAction, *, user: User, at: datetime, not_after: datetime) -> None:
    with transaction.atomic():
        if not OutgoingAction.objects.filter(pk=action.pk).transition(
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
            raise NotAllowedError(
                f"Only a refused request can be tried again; it is “{action.get_status_display()}”."
            )
        record_event(
            AuditKind.RETRIED,
            user=user,
            account_id=action.account_id,
            subject=action.order.amazon_order_id,
        )
        apply_holds(at=at, account_ids=[action.account_id])
        wake_lanes_on_commit([action.account_id])


def apply_holds(*, at: datetime, account_ids: Iterable[int] | None = None) -> None:
    """What waits for an account that may not send is on hold; what may leave again waits.

    Idempotent. Without `account_ids` it looks at all accounts.
    """
    actions = OutgoingAction.objects.all()
    if account_ids is not None:
        actions = actions.filter(account_id__in=list(account_ids))
    may_send = Q(Exists(SellerAccount.objects.sending().filter(pk=OuterRef("account_id")))) & ~Q(
        Exists(KillSwitch.objects.standing().covering(OuterRef("account_id"), OuterRef("kind")))
    )
    actions.filter(may_send, status=Status.HELD).transition(
        Status.HELD, Status.QUEUED, at=at, reason="May be sent again"
    )
    actions.filter(~may_send, status=Status.QUEUED).transition(
        Status.QUEUED, Status.HELD, at=at, reason="Sending is stopped for this account"
    )


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


def _same_message_sentence(
    order: Order, kind: str, payload: Mapping[str, str], *, at: datetime
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


def _who_queued_sentence(action: OutgoingAction, at: datetime) -> str:
    if action.requested_by is not None:
        who = action.requested_by.get_username()
    elif action.batch is not None and action.batch.origin == Origin.COMMAND:
        who = "The command line"
    else:
        who = "A rule"
    return f"{who} queued this {_ago(at - action.created_at)} ago."


def hold() -> timedelta:
    """How long a request can be undone before it leaves."""
    return timedelta(seconds=settings.SEND_HOLD_SECONDS)


def _made_before(client_key: UUID | None, order: Order, user: User) -> OutgoingAction | None:
    """The action that this form has made already; NotAllowedError when the form is another's."""
    if client_key is None:
        return None
    repeated = OutgoingAction.objects.filter(client_key=client_key).first()
    if repeated is not None and (repeated.order_id, repeated.requested_by_id) != (
        order.pk,
        user.pk,
    ):
        raise NotAllowedError(FOREIGN_FORM)
    return repeated


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


def _ago(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
