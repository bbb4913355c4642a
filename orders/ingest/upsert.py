"""The one way in which orders enter the tables, whichever door they came by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction

import spapi
from orders.ingest.early import take_early_facts
from orders.ingest.rows import (
    INGESTED_FIELDS,
    INGESTED_ITEM_FIELDS,
    item_rows,
    order_row,
    settle_window,
)
from orders.ingest.store import store_items, store_orders
from orders.locking import lock_orders_of
from orders.models import Order, OrderItem
from orders.services import refresh_exclusions
from sellers.models import SellerAccount
from solicit_dashboard.conflicts import repeats_on_conflict

# Orders in one transaction: enough that a round trip does not matter, few enough that sending
# seldom waits for a row.
CHUNK = 500


@dataclass(frozen=True)
class Counts:
    """How many orders were new, changed or unchanged; `unreadable` had no usable number or date."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    unreadable: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.new + other.new,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.unreadable + other.unreadable,
        )


@dataclass
class _Arrival:
    """One order as it came, beside what we have of it."""

    row: Order
    items: list[OrderItem]
    asked: bool = False
    known: Mapping[str, Any] | None = None
    known_items: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    known_item_ids: dict[str, int] = field(default_factory=dict)

    @property
    def is_older(self) -> bool:
        if self.known is None:
            return False
        if self.asked and self.known["is_partial"]:
            return False  # asked because of what the report or file said: this is the answer
        return bool(self.known["amazon_updated_at"] > self.row.amazon_updated_at)

    @property
    def differs(self) -> bool:
        if self.known is None:
            return True
        if any(getattr(self.row, name) != self.known[name] for name in INGESTED_FIELDS):
            return True
        return {item.order_item_id: _facts(item) for item in self.items} != self.known_items


def upsert_orders(
    account: SellerAccount,
    orders: Iterable[spapi.Order],
    *,
    seen_at: datetime,
    asked: bool = False,
) -> Counts:
    """These orders stand in the tables in their newest known version; returns what that changed.

    `seen_at` is when we heard of them (UTC). An older version never overwrites a newer one
    (Amazon's lastUpdatedTime decides; at the same time the later arrival wins), so that
    repetitions and any order of arrival end the same. Items are those of that version. What
    messaging, returns and refunds know of an order is not touched; dates of the FBA report stand
    against our own estimate. `asked`: Amazon was asked for just these orders (getOrder), so that
    its answer ends what a report or file said of them, whatever its date. Each 500 orders are one
    transaction with a fixed number of queries.
    """
    counts = Counts()
    for chunk in _chunks(orders, CHUNK):
        counts += _upsert_chunk(account, chunk, seen_at, asked)
    return counts


@repeats_on_conflict
@transaction.atomic
def _upsert_chunk(
    account: SellerAccount, orders: list[spapi.Order], seen_at: datetime, asked: bool
) -> Counts:
    lock_orders_of(account.pk)
    arrivals, unreadable = _read(account, orders, seen_at, asked)
    _look_up(account, arrivals)
    take_early_facts(
        account, [arrival.row for arrival in arrivals.values() if arrival.known is None]
    )
    news = [arrival for arrival in arrivals.values() if not arrival.is_older and arrival.differs]
    heard = [arrival for arrival in arrivals.values() if arrival.is_older or not arrival.differs]
    if news:
        _store(news)
        refresh_exclusions(account, order_ids=[arrival.row.pk for arrival in news])
    if heard:
        Order.objects.filter(
            pk__in=[arrival.known["id"] for arrival in heard if arrival.known],
            synced_at__lt=seen_at,
        ).update(synced_at=seen_at)
    new = sum(arrival.known is None for arrival in news)
    return Counts(new, len(news) - new, len(heard), unreadable)


def _read(
    account: SellerAccount, orders: list[spapi.Order], seen_at: datetime, asked: bool
) -> tuple[dict[str, _Arrival], int]:
    """The newest version of each order among these, by number, and how many were unreadable."""
    arrivals: dict[str, _Arrival] = {}
    unreadable = 0
    for order in orders:
        row = order_row(account.pk, order, seen_at)
        if row is None:
            unreadable += 1
            continue
        other = arrivals.get(row.amazon_order_id)
        if other is None or other.row.amazon_updated_at <= row.amazon_updated_at:
            arrivals[row.amazon_order_id] = _Arrival(row, item_rows(order), asked)
    return arrivals, unreadable


def _look_up(account: SellerAccount, arrivals: dict[str, _Arrival]) -> None:
    by_id: dict[int, _Arrival] = {}
    known_orders = Order.objects.filter(account=account, amazon_order_id__in=list(arrivals)).values(
        "id", "amazon_order_id", "fba_arrival_at", *INGESTED_FIELDS
    )
    for known in known_orders:
        arrival = by_id[known["id"]] = arrivals[known["amazon_order_id"]]
        arrival.known = known
        arrival.row.fba_arrival_at = known["fba_arrival_at"]
        settle_window(arrival.row)
    known_items = OrderItem.objects.filter(order_id__in=list(by_id)).values_list(
        "order_id", "id", "order_item_id", *INGESTED_ITEM_FIELDS
    )
    for order_id, pk, number, *facts in known_items:
        by_id[order_id].known_items[number] = tuple(facts)
        by_id[order_id].known_item_ids[number] = pk


def _store(arrivals: list[_Arrival]) -> None:
    store_orders([arrival.row for arrival in arrivals], INGESTED_FIELDS)
    items: list[OrderItem] = []
    gone: list[int] = []
    for arrival in arrivals:
        left = dict(arrival.known_item_ids)
        for item in arrival.items:
            left.pop(item.order_item_id, None)
            if arrival.known_items.get(item.order_item_id) != _facts(item):
                item.order_id = arrival.row.pk
                items.append(item)
        gone += left.values()
    if gone:
        OrderItem.objects.filter(pk__in=gone).delete()
    store_items(items)


def _facts(item: OrderItem) -> tuple[Any, ...]:
    return tuple(getattr(item, name) for name in INGESTED_ITEM_FIELDS)


def _chunks(orders: Iterable[spapi.Order], size: int) -> Iterator[list[spapi.Order]]:
    iterator = iter(orders)
    while chunk := list(islice(iterator, size)):
        yield chunk
