"""What reports and files know of an order: less than the orders API, and by another clock.

Order facts (status, dates of the order, channel …) stand only until Amazon's orders API has been
asked, for which a hint is noted; meanwhile the order is `is_partial` and nobody is asked for a
review of it. Side facts (the FBA report's arrival, returned, refunded) are told by nobody else and
stay. So it does not matter by which doors and in which order an order comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from django.db import transaction

import spapi
from orders.ingest.hints import LONGEST_NUMBER, note_hints
from orders.ingest.rows import (
    BUSINESS,
    INGESTED_FIELDS,
    SIDE_FIELDS,
    Values,
    clean_text,
    order_row,
    settle_window,
)
from orders.ingest.store import keys_of, write_partial_orders
from orders.ingest.upsert import Counts
from orders.locking import lock_orders_of
from orders.models import EarlyFact, Order
from orders.services import refresh_exclusions
from orders.states import DoorName
from sellers.models import SellerAccount
from solicit_dashboard.conflicts import repeats_on_conflict

# Facts in one transaction: few enough that sending seldom waits for a row.
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What a report or file says of one order; None: it says nothing about that. Moments in UTC.

    `updated_at` is Amazon's time of the last change. Words are those of the orders API 2026-01-01
    (SHIPPED, AMAZON, STANDARD …): the reader of the report translates. `returned` and `refunded`
    say what was found when it was looked for; True stays.
    """

    order_id: str
    updated_at: datetime | None = None
    purchased_at: datetime | None = None
    marketplace_id: str | None = None
    channel_name: str | None = None
    fulfillment_status: str | None = None
    fulfilled_by: str | None = None
    service_level: str | None = None
    is_business: bool | None = None
    total: spapi.Money | None = None
    fba_arrival_at: datetime | None = None
    returned: bool | None = None
    refunded: bool | None = None

    @property
    def has_side_facts(self) -> bool:
        """Whether it says something that the orders API never tells."""
        return any(fact is not None for fact in (self.fba_arrival_at, self.returned, self.refunded))


def facts_of(order: spapi.Order) -> OrderFacts:
    """What is known of an order that Amazon told in part."""
    return OrderFacts(
        order.order_id,
        updated_at=order.updated_at,
        purchased_at=order.created_at,
        marketplace_id=order.marketplace_id,
        channel_name=order.channel_name,
        fulfillment_status=order.fulfillment_status,
        fulfilled_by=order.fulfilled_by,
        service_level=order.service_level,
        is_business=BUSINESS in order.programs,
        total=order.total,
    )


def upsert_facts(
    account: SellerAccount, facts: Iterable[OrderFacts], *, door: DoorName, seen_at: datetime
) -> Counts:
    """These facts stand in the tables as far as nothing newer does; hints are noted for the rest.

    A new order enters when its facts name purchase and marketplace; else only the hint is noted,
    and its side facts wait for it. Facts of a known order overwrite when Amazon's time of change is
    newer than what we have, only where they say something. `seen_at` is when we heard (UTC).
    Each 1,000 are one transaction.
    """
    counts = Counts()
    iterator = iter(facts)
    while chunk := list(islice(iterator, CHUNK)):
        counts += _upsert_chunk(account, chunk, door, seen_at)
    return counts


@repeats_on_conflict
@transaction.atomic
def _upsert_chunk(
    account: SellerAccount, facts: list[OrderFacts], door: DoorName, seen_at: datetime
) -> Counts:
    lock_orders_of(account.pk)
    run = _Chunk(account, facts, seen_at)
    for one in facts:
        run.take(one)
    run.store()
    note_hints(account, run.to_ask, door, heard_at=seen_at)
    return run.counts()


class _Chunk:
    """Some facts beside what we have of their orders; under `lock_orders_of`."""

    def __init__(self, account: SellerAccount, facts: list[OrderFacts], seen_at: datetime) -> None:
        numbers = {one.order_id for one in facts if _is_usable(one.order_id)}
        known = Order.objects.filter(account=account, amazon_order_id__in=numbers)
        self.account = account
        self.seen_at = seen_at
        self.rows = {row.amazon_order_id: row for row in known}
        unknown = numbers - set(self.rows)
        early = EarlyFact.objects.filter(account=account, amazon_order_id__in=unknown)
        self.early = {fact.amazon_order_id: fact for fact in early}
        self.new: set[str] = set()
        self.changed: set[str] = set()
        self.to_ask: dict[str, None] = {}
        self.unreadable = 0

    def take(self, facts: OrderFacts) -> None:
        row = self.rows.get(facts.order_id)
        if row is None:
            self._take_unknown(facts)
            return
        is_changed = _take_side_facts(row, facts, self.seen_at)
        if _is_news(row, facts) and _take_order_facts(row, facts):
            is_changed = True
            self.to_ask[facts.order_id] = None
        if is_changed:
            settle_window(row)
            self.changed.add(facts.order_id)

    def _take_unknown(self, facts: OrderFacts) -> None:
        number = facts.order_id
        if not _is_usable(number):
            self.unreadable += 1
            return
        self.to_ask[number] = None
        row = None
        if facts.purchased_at is not None and facts.marketplace_id is not None:
            row = order_row(self.account.pk, _as_order(facts), self.seen_at)
        if row is None:
            if facts.has_side_facts:
                early = EarlyFact(account=self.account, amazon_order_id=number)
                _take_side_facts(self.early.setdefault(number, early), facts, self.seen_at)
            return
        if number in self.early:
            for name in SIDE_FIELDS:
                setattr(row, name, getattr(self.early[number], name))
        row.is_partial = True
        row.is_business = bool(facts.is_business)
        _take_side_facts(row, facts, self.seen_at)
        settle_window(row)
        self.rows[number] = row
        self.new.add(number)

    def store(self) -> None:
        arrived = [fact.pk for number, fact in self.early.items() if number in self.rows]
        EarlyFact.objects.filter(pk__in=[pk for pk in arrived if pk is not None]).delete()
        waiting = [fact for number, fact in self.early.items() if number not in self.rows]
        for fact in waiting:
            fact.pk = None
        EarlyFact.objects.bulk_create(
            waiting,
            update_conflicts=True,
            unique_fields=["account", "amazon_order_id"],
            update_fields=list(SIDE_FIELDS),
        )
        written = self.new | self.changed
        write_partial_orders(
            self.account.pk,
            [(number, *_values_of(self.rows[number])) for number in written],
            seen_at=self.seen_at,
        )
        keys = [self.rows[number].pk for number in written - self.new]
        keys += keys_of(self.account.pk, self.new).values()
        refresh_exclusions(self.account, order_ids=keys)
        heard = [row.pk for number, row in self.rows.items() if number not in written]
        Order.objects.filter(pk__in=heard, synced_at__lt=self.seen_at).update(
            synced_at=self.seen_at
        )

    def counts(self) -> Counts:
        changed = self.changed - self.new
        unchanged = len(self.rows) - len(self.new) - len(changed)
        return Counts(len(self.new), len(changed), unchanged, self.unreadable)


def _values_of(row: Order) -> tuple[Values, Values]:
    return (
        tuple(getattr(row, name) for name in INGESTED_FIELDS),
        tuple(getattr(row, name) for name in SIDE_FIELDS),
    )


def _is_usable(number: str) -> bool:
    return bool(number) and len(number) <= LONGEST_NUMBER and number == clean_text(number, 100)


def _is_news(row: Order, facts: OrderFacts) -> bool:
    if facts.updated_at is None:
        return False
    if row.is_partial:
        return facts.updated_at >= row.amazon_updated_at
    return facts.updated_at > row.amazon_updated_at


def _take_side_facts(target: Order | EarlyFact, facts: OrderFacts, at: datetime) -> bool:
    """Whether that changed something. Of several arrivals the latest counts, a return stays one."""
    before = [getattr(target, name) for name in SIDE_FIELDS]
    if facts.fba_arrival_at is not None:
        arrival = facts.fba_arrival_at.astimezone(UTC)
        target.fba_arrival_at = max(arrival, target.fba_arrival_at or arrival)
    if facts.returned is not None:
        target.is_returned |= facts.returned
        target.returned_looked_at = max(at, target.returned_looked_at or at)
    if facts.refunded is not None:
        target.is_refunded |= facts.refunded
        target.refunded_looked_at = max(at, target.refunded_looked_at or at)
    return before != [getattr(target, name) for name in SIDE_FIELDS]


def _take_order_facts(row: Order, facts: OrderFacts) -> bool:
    """What is said of the order stands, only what is said; whether that changed something."""
    before = [getattr(row, name) for name in INGESTED_FIELDS]
    told = order_row(row.account_id, _as_order(facts), row.synced_at)
    if told is None or facts.updated_at is None:
        return False
    said = {
        "fulfillment_status": facts.fulfillment_status,
        "is_cancelled": facts.fulfillment_status,
        "fulfilled_by": facts.fulfilled_by,
        "service_level": facts.service_level,
    }
    for name, fact in said.items():
        if fact is not None:
            setattr(row, name, getattr(told, name))
    if facts.is_business is not None:
        row.is_business = facts.is_business
    row.amazon_updated_at = told.amazon_updated_at
    row.is_partial = True
    return before != [getattr(row, name) for name in INGESTED_FIELDS]


def _as_order(facts: OrderFacts) -> spapi.Order:
    return spapi.Order(
        order_id=facts.order_id,
        created_at=facts.purchased_at,
        updated_at=facts.updated_at or facts.purchased_at,
        marketplace_id=facts.marketplace_id,
        channel_name=facts.channel_name,
        programs=(),
        associated_orders=(),
        fulfillment_status=facts.fulfillment_status,
        fulfilled_by=facts.fulfilled_by,
        service_level=facts.service_level,
        ship_by=None,
        deliver_by=None,
        packages=(),
        total=facts.total,
        items=(),
    )
