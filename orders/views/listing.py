"""What the list of orders shows: rows, counts and pages, in a fixed number of queries."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from messaging.action_types import REVIEW_REQUEST
from messaging.models import OutgoingAction, Priority
from messaging.states import STOPPABLE, TAKEN, Status
from messaging.templatetags.actions import is_in_its_hold
from orders.eligibility import ReviewWindow
from orders.models import Order
from orders.states import WindowSource
from orders.views.filters import Narrowing, OrderFilter
from orders.views.pills import PILLS, Pill
from orders.views.words import StateWords, describe_state
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import Reach
from solicit_dashboard.counting import Part, count_each
from solicit_dashboard.keyset import (
    MOST_COUNTED,
    PAGE_SIZE,
    Cursor,
    KeysetPage,
    Pager,
    fetch,
    keyset_page,
    pager,
)
from spapi import MARKETPLACES

NO_HUNDREDTHS = frozenset({"JPY"})
# From so many runs of an index on, it is cheaper to let the database sort.
MOST_BRANCHES = 60
# What a row tells of its order; that the other columns are left out is felt in the time of a page.
ROW_FIELDS = (
    *("account_id", "amazon_order_id", "marketplace_id", "fulfilled_by"),
    *("purchased_at", "earliest_delivery_at", "latest_delivery_at", "window_source"),
    *("quantity", "total_amount", "total_currency"),
)
# How many orders of a pill are looked through at most to count it: of the current one without a
# filter MOST_COUNTED; of another one, or to count those that a filter leaves, so many.
LOOKED_THROUGH = 5_000
LOOKED_THROUGH_FOR_THE_CURRENT = 15_000
LOOKED_THROUGH_FOR_A_TEXT = 1_000  # each with a look at its items
# A row is drawn again by itself while something will happen to it within this time.
SOON = timedelta(minutes=1)


@dataclass(frozen=True)
class Tally:
    """A number of orders; when it is not exact, there are at least so many."""

    number: int
    is_exact: bool = True

    def __str__(self) -> str:
        return f"{self.number:,}" if self.is_exact else f"{self.number:,}+"


@dataclass(frozen=True)
class PillCount:
    """A pill as it is shown; `tally` is None where counting would take too long."""

    label: str
    url: str
    tally: Tally | None
    is_current: bool


@dataclass(frozen=True)
class OrderRow:
    """One row. `poll_seconds` is 0 when nothing moves; `action` is what its button does."""

    order: Order
    pk: int
    number: str
    url: str
    account: str
    marketplace: str
    channel: str
    quantity: int | None
    currency: str
    window_source: str
    total: str
    state: StateWords
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
    actions = {
        action.order_id: action
        for action in OutgoingAction.objects.filter(
            order_id__in=ids, kind=REVIEW_REQUEST.name, status__in=TAKEN
        )
        .for_lists()
        .order_by()
    }
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
    return OrderRow(
        order=order,
        pk=order.pk,
        number=order.amazon_order_id,
        url=f"{base}{order.account_id}/{order.amazon_order_id}/",
        account=account.name,
        marketplace=known.domain if known else order.marketplace_id,
        channel=order.channel_label,
        quantity=order.quantity,
        currency=order.total_currency,
        window_source=WindowSource(order.window_source).label if order.window_source else "",
        total=_amount(order),
        state=describe_state(order, refusal, action, at=at, window=window),
        action=_row_action(action, refusal, at) if may_send else "",
        may_send=may_send,
        poll_seconds=_poll_seconds(action, at),
        form_key=str(uuid.uuid4()),
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


def read_list(
    filters: OrderFilter,
    narrowing: Narrowing,
    cursor: Cursor | None,
    *,
    at: datetime,
    size: int = PAGE_SIZE,
) -> KeysetPage:
    """The ids of the page at that place of the list."""
    branches = filters.pill.branches(narrowing.account_ids, at)
    if narrowing.by_text == "few" or len(branches) > MOST_BRANCHES:
        branches = [filters.pill.sortable(filters.pill.matching(narrowing.orders, at))]
    return keyset_page(
        [branch.filter(narrowing.q) for branch in branches],
        filters.sort.key,
        cursor=cursor,
        size=size,
        descending=filters.is_descending,
    )


def list_pager(page: KeysetPage, filters: OrderFilter, total: Tally) -> Pager:
    """The links around the page."""

    def address(**place: str) -> str:
        query = filters.query()
        return "?" + "&".join(
            [*([query] if query else []), *(f"{k}={v}" for k, v in place.items())]
        )

    return pager(
        page,
        shown=len(page.ids),
        total=f"{total} orders" if total.number != 1 else "1 order",
        address=address,
        descending=filters.is_descending,
    )


def count_pills(filters: OrderFilter, narrowing: Narrowing, *, at: datetime) -> list[PillCount]:
    """Every pill with the number of its orders under the same filters, in one query."""
    base = reverse("orders:list")
    # a text that fits many is looked for in the current pill alone
    counted = [pill for pill in PILLS if narrowing.by_text != "many" or pill is filters.pill]
    tallies = dict(
        zip(counted, _tallies(counted, narrowing, at, current=filters.pill), strict=True)
    )
    counts = []
    for pill in PILLS:
        query = filters.query(pill=pill, sort_name="", direction="")
        url = f"{base}?{query}" if query else base
        counts.append(PillCount(pill.label, url, tallies.get(pill), pill is filters.pill))
    return counts


def count_pill(pill: Pill, narrowing: Narrowing, *, at: datetime) -> Tally:
    """How many of these orders stand in the pill, the current one; many are not counted to the end."""
    return _tallies([pill], narrowing, at, current=pill)[0]


def _tallies(
    pills: Sequence[Pill], narrowing: Narrowing, at: datetime, *, current: Pill
) -> list[Tally]:
    limits = [_most_looked_through(narrowing, is_current=pill is current) for pill in pills]
    fits = narrowing.q if narrowing and narrowing.by_text != "few" else None
    parts = [
        Part(pill.matching(narrowing.orders, at), most and most + 1, fits)
        for pill, most in zip(pills, limits, strict=True)
    ]
    return [
        Tally(fitting if fits or most is None else min(rows, most), most is None or rows <= most)
        for (rows, fitting), most in zip(count_each(parts), limits, strict=True)
    ]


def _most_looked_through(narrowing: Narrowing, *, is_current: bool) -> int | None:
    """How many orders of a pill are looked at to count it; None when all are, because they are few."""
    if narrowing.by_text == "few":
        return None
    if not narrowing:
        return MOST_COUNTED if is_current else LOOKED_THROUGH
    if narrowing.by_text:
        return LOOKED_THROUGH_FOR_A_TEXT
    return LOOKED_THROUGH_FOR_THE_CURRENT if is_current else LOOKED_THROUGH
