"""The one way in which orders enter the tables, whichever door they came by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction

import spapi
from orders.ingest.early import apply_early_facts
from orders.ingest.rows import INGESTED_FIELDS, Values, item_values, order_values
from orders.ingest.store import (
    delete_items,
    keys_of,
    known_items,
    known_orders,
    preparation,
    write_items,
    write_orders,
)
from orders.locking import lock_orders_of
from orders.models import Order
from orders.services import refresh_exclusions
from orders.states import WindowSource
from sellers.models import SellerAccount
from solicit_dashboard.conflicts import repeats_on_conflict

# Orders in one transaction, at most: enough that commits do not matter (SQLite writes the pages of
# its indexes with each). No door brings more than a page of 100 at once, so that sending, which
# waits for SQLite's one writer, never waits for so many.
CHUNK = 20_000
_UPDATED_AT = INGESTED_FIELDS.index("amazon_updated_at")
_IS_PARTIAL = INGESTED_FIELDS.index("is_partial")
_EARLIEST = INGESTED_FIELDS.index("earliest_delivery_at")
_SOURCE = INGESTED_FIELDS.index("window_source")
# the three that are settled together stand side by side
assert INGESTED_FIELDS[_EARLIEST : _SOURCE + 1] == (
    "earliest_delivery_at",
    "latest_delivery_at",
    "window_source",
)


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


@dataclass(slots=True)
class _Arrival:
    """One order as it came, prepared, beside what we have of it."""

    number: str
    values: Values
    items: dict[str, Values]
    order_id: int | None = None
    known: Values | None = None
    known_items: dict[str, Values] = field(default_factory=dict)

    def is_older(self, *, asked: bool) -> bool:
        if self.known is None or (asked and self.known[_IS_PARTIAL]):
            # asked because of what a report or file said: this is the answer
            return False
        return bool(self.known[_UPDATED_AT] > self.values[_UPDATED_AT])

    @property
    def differs(self) -> bool:
        return self.values != self.known or self.items != self.known_items

    def settle_window(self, fba_arrival: Any) -> None:
        """As `rows.settle_window` does it for a row."""
        if fba_arrival is not None and self.values[_SOURCE] != WindowSource.AMAZON.value:
            window = (fba_arrival, fba_arrival, WindowSource.FBA_REPORT.value)
            self.values = (*self.values[:_EARLIEST], *window, *self.values[_SOURCE + 1 :])


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
    its answer ends what a report or file said of them, whatever its date. Each 20,000 orders are one
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
    arrivals, unreadable = _read(orders)
    _look_up(account, arrivals)
    news: list[_Arrival] = []
    heard: list[_Arrival] = []
    for arrival in arrivals.values():
        is_heard = arrival.is_older(asked=asked) or not arrival.differs
        (heard if is_heard else news).append(arrival)
    new = [arrival.number for arrival in news if arrival.known is None]
    if news:
        _store(account, news, seen_at)
        if new:
            apply_early_facts(account, new)
        refresh_exclusions(account, order_ids=[one.order_id for one in news if one.order_id])
    if heard:
        Order.objects.filter(
            pk__in=[arrival.order_id for arrival in heard], synced_at__lt=seen_at
        ).update(synced_at=seen_at)
    return Counts(len(new), len(news) - len(new), len(heard), unreadable)


def _read(orders: list[spapi.Order]) -> tuple[dict[str, _Arrival], int]:
    """The newest version of each order among these, by number, and how many were unreadable."""
    arrivals: dict[str, _Arrival] = {}
    unreadable = 0
    prepare = preparation()
    for order in orders:
        read = order_values(order)
        if read is None:
            unreadable += 1
            continue
        number, values = read[0], prepare(read[1])
        other = arrivals.get(number)
        if other is None or other.values[_UPDATED_AT] <= values[_UPDATED_AT]:
            arrivals[number] = _Arrival(number, values, item_values(order))
    return arrivals, unreadable


def _look_up(account: SellerAccount, arrivals: dict[str, _Arrival]) -> None:
    by_id: dict[int, _Arrival] = {}
    for number, (pk, fba_arrival, values) in known_orders(account.pk, list(arrivals)).items():
        arrival = by_id[pk] = arrivals[number]
        arrival.order_id, arrival.known = pk, values
        arrival.settle_window(fba_arrival)
    for pk, items in known_items(list(by_id)).items():
        by_id[pk].known_items = items


def _store(account: SellerAccount, arrivals: list[_Arrival], seen_at: datetime) -> None:
    write_orders(
        account.pk, [(one.number, one.values, one.known) for one in arrivals], seen_at=seen_at
    )
    keys = keys_of(account.pk, [one.number for one in arrivals if one.order_id is None])
    items, gone = [], []
    for arrival in arrivals:
        pk = arrival.order_id = arrival.order_id or keys[arrival.number]
        known = arrival.known_items
        items += [
            ((pk, number), values, known.get(number))
            for number, values in arrival.items.items()
            if known.get(number) != values
        ]
        gone += [(pk, number) for number in known if number not in arrival.items]
    delete_items(gone)
    write_items(items)


def _chunks(orders: Iterable[spapi.Order], size: int) -> Iterator[list[spapi.Order]]:
    iterator = iter(orders)
    while chunk := list(islice(iterator, size)):
        yield chunk
