"""Whatever reports and files say, and whenever: once Amazon was asked, the tables are the same."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

import spapi
from orders.ingest.hints import fetch_hinted
from orders.ingest.partial import OrderFacts, upsert_facts
from orders.ingest.upsert import Counts, upsert_orders
from orders.models import EarlyFact, ExclusionKind, Order, OrderHint, OrderItem
from orders.states import DoorName, Refusal, WindowSource
from sellers.models import SellerAccount
from tests.factories import GERMANY, ExclusionFactory, SellerAccountFactory
from tests.orders.amazon import DAY, NOON, an_order
from tests.orders.ingest.test_hints import Orders

pytestmark = pytest.mark.django_db

NUMBER = "302-0000001-0000001"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory()


def told(account: SellerAccount, *facts: OrderFacts, at: Any = NOON) -> Counts:
    return upsert_facts(account, facts, door=DoorName.REPORTS, seen_at=at)


def a_line(**fields: Any) -> OrderFacts:
    """An order as the report of all orders knows it; the fields given differ."""
    facts: dict[str, Any] = {
        "updated_at": NOON - 18 * DAY,
        "purchased_at": NOON - 20 * DAY,
        "marketplace_id": GERMANY,
        "channel_name": "AMAZON",
        "fulfillment_status": "SHIPPED",
        "fulfilled_by": "MERCHANT",
        "service_level": "STANDARD",
        "is_business": False,
    }
    return OrderFacts(NUMBER, **facts | fields)


def test_a_new_order_of_a_report_is_shown_but_nobody_is_asked_before_amazon_told_of_it(
    account: SellerAccount,
) -> None:
    assert told(account, a_line(is_business=True)) == Counts(new=1)
    order = Order.objects.get()
    assert (order.fulfillment_status, order.purchased_at) == ("SHIPPED", NOON - 20 * DAY)
    assert (order.is_partial, order.is_business) == (True, True)
    assert (order.fixed_refusal, order.window_source) == (Refusal.PARTIAL, WindowSource.ESTIMATE)
    assert OrderHint.objects.get().amazon_order_id == NUMBER
    fetch_hinted(account, client=Orders(an_order()).client, now=NOON)
    order.refresh_from_db()
    assert (order.is_partial, order.fixed_refusal, order.items.count()) == (False, "", 1)
    assert (order.window_source, order.is_business) == (WindowSource.AMAZON, False)


def test_what_amazon_answers_counts_even_when_the_report_is_dated_later(
    account: SellerAccount,
) -> None:
    upsert_orders(account, [an_order()], seen_at=NOON)
    told(account, a_line(updated_at=NOON - 17 * DAY, fulfillment_status="CANCELLED"))
    order = Order.objects.get()
    assert (order.is_cancelled, order.is_partial) == (True, True)
    # a page that Amazon wrote before that does not
    upsert_orders(account, [an_order()], seen_at=NOON)
    assert Order.objects.get().is_cancelled
    fetch_hinted(account, client=Orders(an_order()).client, now=NOON)
    order.refresh_from_db()
    assert (order.is_cancelled, order.is_partial) == (False, False)
    assert order.amazon_updated_at == NOON - 18 * DAY


@pytest.mark.parametrize("updated_at", [NOON - 18 * DAY, NOON - 19 * DAY, None])
def test_what_is_not_newer_changes_nothing_and_asks_for_nothing(
    account: SellerAccount, updated_at: Any
) -> None:
    upsert_orders(account, [an_order()], seen_at=NOON)
    line = a_line(updated_at=updated_at, fulfillment_status="UNSHIPPED")
    assert told(account, line, at=NOON + DAY) == Counts(unchanged=1)
    order = Order.objects.get()
    assert (order.fulfillment_status, order.synced_at) == ("SHIPPED", NOON + DAY)
    assert not OrderHint.objects.exists()


def test_what_is_not_said_stays(account: SellerAccount) -> None:
    upsert_orders(account, [an_order(programs=("AMAZON_BUSINESS",))], seen_at=NOON)
    told(account, OrderFacts(NUMBER, updated_at=NOON, fulfilled_by="AMAZON"))
    order = Order.objects.get()
    assert (order.fulfilled_by, order.fulfillment_status) == ("AMAZON", "SHIPPED")
    assert (order.is_business, order.total_amount) == (True, Decimal("24.90"))


def test_facts_of_an_order_that_is_not_here_wait_for_it(account: SellerAccount) -> None:
    arrival = NOON - 3 * DAY
    told(account, OrderFacts(NUMBER, fba_arrival_at=arrival))
    told(account, OrderFacts(NUMBER, returned=True), at=NOON + DAY)
    assert not Order.objects.exists()
    assert OrderHint.objects.get().amazon_order_id == NUMBER
    fba = an_order(deliver_by=None, fulfilled_by="AMAZON")
    upsert_orders(account, [fba], seen_at=NOON)
    order = Order.objects.get()
    assert (order.fba_arrival_at, order.window_source) == (arrival, WindowSource.FBA_REPORT)
    assert (order.is_returned, order.returned_looked_at) == (True, NOON + DAY)
    assert order.fixed_refusal == Refusal.RETURNED
    assert not EarlyFact.objects.exists()


def test_of_several_shipments_the_latest_arrival_counts(account: SellerAccount) -> None:
    upsert_orders(account, [an_order(deliver_by=None)], seen_at=NOON)
    for days in (5, 3, 9):
        told(account, OrderFacts(NUMBER, fba_arrival_at=NOON - days * DAY))
    order = Order.objects.get()
    assert order.earliest_delivery_at == order.latest_delivery_at == NOON - 3 * DAY


def test_amazons_own_dates_come_before_those_of_the_report(account: SellerAccount) -> None:
    upsert_orders(account, [an_order()], seen_at=NOON)
    told(account, OrderFacts(NUMBER, fba_arrival_at=NOON))
    order = Order.objects.get()
    assert (order.window_source, order.latest_delivery_at) == (
        WindowSource.AMAZON,
        NOON - 14 * DAY,
    )


def test_an_order_once_returned_stays_returned_and_says_when_we_looked(
    account: SellerAccount,
) -> None:
    upsert_orders(account, [an_order()], seen_at=NOON)
    told(account, OrderFacts(NUMBER, returned=False, refunded=True))
    told(account, OrderFacts(NUMBER, returned=True), at=NOON + DAY)
    told(account, OrderFacts(NUMBER, returned=False, refunded=False), at=NOON + 2 * DAY)
    order = Order.objects.get()
    assert (order.is_returned, order.is_refunded) == (True, True)
    assert order.returned_looked_at == order.refunded_looked_at == NOON + 2 * DAY


def test_whatever_comes_first_the_tables_end_the_same(account: SellerAccount) -> None:
    newest = an_order(updated_at=NOON, deliver_by=None, fulfilled_by="AMAZON")
    amazon = Orders(newest)
    older = an_order(updated_at=NOON - DAY, fulfillment_status="UNSHIPPED", items=())

    def page(order: spapi.Order) -> Callable[[], object]:
        return lambda: upsert_orders(account, [order], seen_at=NOON)

    def drain() -> None:
        fetch_hinted(account, client=amazon.client, now=NOON)

    steps: list[Callable[[], object]] = [
        page(older),
        page(newest),
        lambda: told(account, a_line(updated_at=NOON + MINUTE, fulfilled_by="AMAZON")),
        lambda: told(account, OrderFacts(NUMBER, fba_arrival_at=NOON - 2 * DAY)),
        lambda: told(account, OrderFacts(NUMBER, returned=True)),
        drain,
    ]
    ends = set()
    for order in random.Random(5).sample(list(itertools.permutations(steps)), 12):
        Order.objects.all().delete()
        EarlyFact.objects.all().delete()
        OrderHint.objects.all().delete()
        for step in order:
            step()
        drain()
        assert not OrderHint.objects.exists()
        assert not EarlyFact.objects.exists()
        rows = Order.objects.values()
        facts = {k: v for k, v in rows[0].items() if k not in {"id", "first_seen_at"}}
        items = OrderItem.objects.values_list("order_item_id", "sku", "asin", "quantity", "title")
        ends.add(repr((facts, list(items))))
    assert len(ends) == 1
    assert "fba_report" in ends.pop()


def test_an_excluded_order_of_a_report_is_excluded_at_once(account: SellerAccount) -> None:
    ExclusionFactory(account=account, kind=ExclusionKind.ORDER, value=NUMBER)
    told(account, a_line())
    assert Order.objects.get().fixed_refusal == Refusal.EXCLUDED


def test_a_number_that_cannot_be_one_is_counted(account: SellerAccount) -> None:
    counts = told(account, OrderFacts("\x00"), OrderFacts("3" * 33), OrderFacts(""))
    assert counts == Counts(unreadable=3)
    assert not OrderHint.objects.exists()


def test_many_lines_of_one_order_are_one_order(account: SellerAccount) -> None:
    lines = [a_line(), a_line(updated_at=NOON, fulfillment_status="CANCELLED"), a_line()]
    assert told(account, *lines) == Counts(new=1)
    assert Order.objects.get().is_cancelled
    assert told(account, *lines) == Counts(unchanged=1)
