"""The rows of the list of orders, in two queries."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from messaging.action_types import REVIEW_REQUEST
from messaging.models import OutgoingAction, Priority
from messaging.states import STOPPABLE, TAKEN, Status
from messaging.templatetags.actions import is_in_its_hold
from orders.eligibility import ReviewWindow
from orders.models import Order
from orders.states import WindowSource
from orders.views.words import StateWords, describe_state
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import Reach
from solicit_dashboard.keyset import fetch
from solicit_dashboard.moments import (
    clock_words,
    day_words,
    exact_words,
    full_day_words,
    short_day_words,
)
from solicit_dashboard.templatetags.dashboard import moment
from spapi import MARKETPLACES

NO_HUNDREDTHS = frozenset({"JPY"})
# What a row tells of its order; that the other columns are left out is felt in the time of a page.
ROW_FIELDS = (
    *("account_id", "amazon_order_id", "marketplace_id", "fulfilled_by"),
    *("purchased_at", "earliest_delivery_at", "latest_delivery_at", "window_source"),
    *("quantity", "total_amount", "total_currency"),
)
# A row is drawn again by itself while something will happen to it within this time.
SOON = timedelta(minutes=1)


class OrderRow(TypedDict):
    """One row as it is written. `poll_seconds` is 0 when nothing moves; `action` is what its button
    does.

    Texts in a dictionary, because a page has fifty of these, and a template takes longer over
    attributes and numbers.
    """

    pk: str
    number: str
    url: str
    account: str
    marketplace: str
    channel: str
    purchased: SafeString | str
    window: SafeString | str
    window_source: str
    quantity: str
    total: str
    currency: str
    tone: str
    state: str
    state_with_moment: SafeString | str
    action: str
    may_send: bool
    poll_seconds: int
    form_key: str


def order_rows(
    ids: Collection[int], reach: Reach, *, at: datetime, window: ReviewWindow | None = None
) -> list[OrderRow]:
    """The rows of these orders in this order, as they stand at that moment (UTC); two queries."""
    window = window or ReviewWindow.from_settings()
    accounts = {account.pk: account for account in reach.accounts}
    found = Order.objects.only(*ROW_FIELDS).with_refusal(at, window).order_by()
    orders: list[Order] = fetch(found, list(ids))
    requests = OutgoingAction.objects.filter(
        order_id__in=ids, kind=REVIEW_REQUEST.name, status__in=TAKEN
    )
    requests = requests.for_lists(with_order=False).order_by()
    actions = {action.order_id: action for action in requests}
    base = reverse("orders:list")
    return [
        _row(order, actions.get(order.pk), accounts[order.account_id], reach, base, at, window)
        for order in orders
    ]


def _row(
    order: Order,
    action: OutgoingAction | None,
    account: SellerAccount,
    reach: Reach,
    base: str,
    at: datetime,
    window: ReviewWindow,
) -> OrderRow:
    order.account = account
    if action is not None:
        action.account = account
    refusal = getattr(order, "refusal", "")
    may_send = reach.may(order.account_id, Role.OPERATOR)
    known = MARKETPLACES.get(order.marketplace_id)
    state = describe_state(order, refusal, action, at=at, window=window)
    return OrderRow(
        pk=str(order.pk),
        number=order.amazon_order_id,
        url=f"{base}{order.account_id}/{order.amazon_order_id}/",
        account=account.name,
        marketplace=known.domain if known else order.marketplace_id,
        channel=order.channel_label,
        purchased=moment(order.purchased_at, "date", order.marketplace_id),
        window=day_span(order.earliest_delivery_at, order.latest_delivery_at),
        window_source=WindowSource(order.window_source).label if order.window_source else "",
        quantity="" if order.quantity is None else str(order.quantity),
        total=_amount(order),
        currency=order.total_currency,
        tone=state.tone,
        state=str(state),
        state_with_moment=_with_moment(state),
        action=_row_action(action, refusal, at) if may_send else "",
        may_send=may_send,
        poll_seconds=_poll_seconds(action, at),
        form_key=str(uuid.uuid4()),
    )


def day_span(first: datetime | None, last: datetime | None) -> SafeString | str:
    """Two moments as days in the reader's zone: "11-13 Oct", "30 Oct - 2 Nov", or "11 Oct"."""
    if first is None or last is None:
        return ""
    end = timezone.localtime(last)
    start = first.astimezone(end.tzinfo)
    title = (
        f"{full_day_words(start)} {clock_words(start)} to"
        f" {full_day_words(end)} {clock_words(end)} {end.tzname()}"
    )
    words = day_words(end, timezone.now())
    if (start.year, start.month) != (end.year, end.month):
        words = f"{short_day_words(start)} \N{EN DASH} {words}"
    elif start.day != end.day:
        words = f"{start.day}\N{EN DASH}{words}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', last.astimezone(UTC).isoformat(), title, words
    )


def _with_moment(state: StateWords) -> SafeString | str:
    """The words of a state, its moment in `<time>` with the exact one on hover."""
    if state.at is None:
        return str(state)
    return format_html(
        '{}<time datetime="{}" title="{}">{}</time>{}',
        state.before,
        state.at.astimezone(UTC).isoformat(),
        exact_words(timezone.localtime(state.at)),
        state.moment,
        state.after,
    )


def _amount(order: Order) -> str:
    """The total with separators; of a currency that has no hundredths, without them."""
    if order.total_amount is None:
        return ""
    digits = 0 if order.total_currency in NO_HUNDREDTHS else 2
    return f"{order.total_amount:,.{digits}f}"


def _row_action(action: OutgoingAction | None, refusal: str, at: datetime) -> str:
    """What one may do with the order from its row: request, undo, cancel, or nothing."""
    if action is None:
        return "" if refusal else "request"
    if action.status in STOPPABLE:
        return "undo" if is_in_its_hold(action, at) else "cancel"
    return ""


def _poll_seconds(action: OutgoingAction | None, at: datetime) -> int:
    if action is None:
        return 0
    is_moving = action.status == Status.SENDING or (
        action.status == Status.QUEUED and action.look_at <= at + SOON
    )
    if not is_moving:
        return 0
    return 3 if action.priority == Priority.CLICK else 10
