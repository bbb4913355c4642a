"""The one way in which orders enter the tables, whichever door they came by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction

import spapi
from orders.ingest.rows import INGESTED_FIELDS, INGESTED_ITEM_FIELDS, item_rows, order_row
from orders.locking import lock_orders_of
from orders.models import Order, OrderItem
from orders.services import refresh_exclusions
from orders.states import WindowSource
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
    known: Mapping[str, Any] | None = None
    known_items: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    known_item_ids: dict[str, int] = field(default_factory=dict)

    @property
    def is_older(self) -> bool:
        return (
            self.known is not None and self.known["amazon_updated_at"] > self.row.amazon_updated_at
        )

    @property
    def differs(self) -> bool:
        if self.known is None:
            return True
        if any(getattr(self.row, name) != self.known[name] for name in INGESTED_FIELDS):
            return True
        return {item.order_item_id: _facts(item) for item in self.items} != self.known_items


def upsert_orders(
    account: SellerAccount, orders: Iterable[spapi.Order], *, seen_at: datetime
) -> Counts:
    """These orders stand in the tables in their newest known version; returns what that changed.

    `seen_at` is when we heard of them (UTC). An older version never overwrites a newer one
    (Amazon's lastUpdatedTime decides; at the same time the later arrival wins), so that
    repetitions and any order of arrival end the same. Items are those of that version. What
    messaging, returns and refunds know of an order is not touched. Each 500 orders are one
    transaction with a fixed number of queries.
    """
    counts = Counts()
    for chunk in _chunks(orders, CHUNK):
        counts += _upsert_chunk(account, chunk, seen_at)
    return counts


@repeats_on_conflict
@transaction.atomic
def _upsert_chunk(account: SellerAccount, orders: list[spapi.Order], seen_at: datetime) -> Counts:
    lock_orders_of(account.pk)
    arrivals, unreadable = _read(account, orders, seen_at)
    _look_up(account, arrivals)
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
    account: SellerAccount, orders: list[spapi.Order], seen_at: datetime
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
            arrivals[row.amazon_order_id] = _Arrival(row, item_rows(order))
    return arrivals, unreadable


def _look_up(account: SellerAccount, arrivals: dict[str, _Arrival]) -> None:
    by_id: dict[int, _Arrival] = {}
    known_orders = Order.objects.filter(account=account, amazon_order_id__in=list(arrivals)).values(
        "id", "amazon_order_id", *INGESTED_FIELDS
    )
    for known in known_orders:
        arrival = by_id[known["id"]] = arrivals[known["amazon_order_id"]]
        arrival.known = known
        _keep_better_window(arrival.row, known)
    known_items = OrderItem.objects.filter(order_id__in=list(by_id)).values_list(
        "order_id", "id", "order_item_id", *INGESTED_ITEM_FIELDS
    )
    for order_id, pk, number, *facts in known_items:
        by_id[order_id].known_items[number] = tuple(facts)
        by_id[order_id].known_item_ids[number] = pk


def _keep_better_window(row: Order, known: Mapping[str, Any]) -> None:
    """Dates from Amazon's shipment report are kept against our own estimate."""
    if known["window_source"] == WindowSource.FBA_REPORT and row.window_source in (
        WindowSource.ESTIMATE,
        "",
    ):
        for name in ("earliest_delivery_at", "latest_delivery_at", "window_source"):
            setattr(row, name, known[name])


def _store(arrivals: list[_Arrival]) -> None:
    # in the order of their numbers, so that two writers meet each other's rows in the same order
    arrivals = sorted(arrivals, key=lambda arrival: arrival.row.amazon_order_id)
    Order.objects.bulk_create(
        [arrival.row for arrival in arrivals],
        update_conflicts=True,
        unique_fields=["account", "amazon_order_id"],
        update_fields=[*INGESTED_FIELDS, "synced_at"],
    )
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
    OrderItem.objects.bulk_create(
        items,
        update_conflicts=True,
        unique_fields=["order", "order_item_id"],
        update_fields=list(INGESTED_ITEM_FIELDS),
    )


def _facts(item: OrderItem) -> tuple[Any, ...]:
    return tuple(getattr(item, name) for name in INGESTED_ITEM_FIELDS)


def _chunks(orders: Iterable[spapi.Order], size: int) -> Iterator[list[spapi.Order]]:
    iterator = iter(orders)
    while chunk := list(islice(iterator, size)):
        yield chunk
