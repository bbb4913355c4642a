"""Orders come in once, whole, in their newest version, whichever way they arrive."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import spapi
from messaging.states import Status
from orders.ingest.partial import OrderFacts, upsert_facts
from orders.ingest.rows import clean_text
from orders.ingest.upsert import Counts, upsert_orders
from orders.models import ExclusionKind, Order, OrderItem
from orders.states import DoorName, Refusal, WindowSource
from sellers.models import SellerAccount
from tests.factories import (
    ExclusionFactory,
    OrderFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
)
from tests.orders.amazon import DAY, NOON, an_item, an_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory()


def take(account: SellerAccount, *orders: spapi.Order, at: Any = NOON) -> Counts:
    return upsert_orders(account, orders, seen_at=at)


def everything() -> list[Any]:
    """All that ingest has stored, without the rows' own numbers."""
    hidden = {"id", "account_id", "first_seen_at"}
    orders = [
        {name: value for name, value in row.items() if name not in hidden}
        for row in Order.objects.order_by("amazon_order_id").values()
    ]
    items = list(
        OrderItem.objects.order_by("order__amazon_order_id", "order_item_id").values_list(
            "order__amazon_order_id",
            "order_item_id",
            "sku",
            "asin",
            "title",
            "quantity",
            "quantity_shipped",
            "is_subscribe_and_save",
        )
    )
    return [orders, items]


def test_an_order_is_stored_with_all_that_our_rules_need(account: SellerAccount) -> None:
    counts = take(
        account,
        an_order(
            programs=("PRIME", "AMAZON_BUSINESS"),
            items=(
                an_item(quantity=2, quantity_fulfilled=1, programs=("SUBSCRIBE_AND_SAVE",)),
                an_item(order_item_id="00000000000002", sku="MUG-2", quantity=3),
            ),
        ),
    )
    assert counts == Counts(new=1)
    order = Order.objects.get()
    assert (order.earliest_delivery_at, order.latest_delivery_at, order.window_source) == (
        NOON - 16 * DAY,
        NOON - 14 * DAY,
        WindowSource.AMAZON,
    )
    assert (order.purchased_at, order.amazon_updated_at, order.synced_at) == (
        NOON - 20 * DAY,
        NOON - 18 * DAY,
        NOON,
    )
    assert (order.total_amount, order.total_currency) == (Decimal("24.90"), "EUR")
    assert (order.quantity, order.is_business, order.fixed_refusal) == (5, True, "")
    first, second = order.items.all()
    assert (first.quantity, first.quantity_shipped) == (2, 1)
    assert (first.is_subscribe_and_save, second.is_subscribe_and_save) == (True, False)
    assert list(Order.objects.eligible(NOON)) == [order]


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"channel_name": "NON_AMAZON"}, Refusal.NOT_AMAZON),
        ({"marketplace_id": "A38D8NSA03LJTC"}, Refusal.NOT_AMAZON),
        ({"marketplace_id": None}, Refusal.NOT_AMAZON),
        ({"fulfillment_status": "CANCELLED"}, Refusal.CANCELLED),
        ({"items": (an_item(cancelled=True),)}, Refusal.CANCELLED),
        (
            {
                "associated_orders": (
                    spapi.AssociatedOrder("302-1111111-1111111", "REPLACEMENT_ORIGINAL_ID"),
                )
            },
            Refusal.REPLACEMENT,
        ),
        (
            {
                "associated_orders": (
                    spapi.AssociatedOrder("302-1111111-1111111", "EXCHANGE_ORIGINAL_ID"),
                )
            },
            Refusal.REPLACEMENT,
        ),
        ({"fulfillment_status": "UNSHIPPED"}, Refusal.NOT_SHIPPED),
        ({"fulfillment_status": "INVOICE_UNCONFIRMED"}, Refusal.NOT_SHIPPED),
        ({"fulfillment_status": None}, Refusal.NOT_SHIPPED),
    ],
)
def test_a_fact_of_the_order_becomes_its_refusal(
    account: SellerAccount, fields: dict[str, Any], refusal: Refusal
) -> None:
    take(account, an_order(**fields))
    assert Order.objects.get().fixed_refusal == refusal


def test_a_word_that_we_do_not_know_is_kept(account: SellerAccount) -> None:
    take(account, an_order(fulfillment_status="INVOICE_UNCONFIRMED", fulfilled_by="DRONE"))
    order = Order.objects.get()
    assert order.fulfillment_label == "unknown (INVOICE_UNCONFIRMED)"
    assert order.channel_label == "unknown (DRONE)"


def test_an_order_with_one_item_not_cancelled_is_not_cancelled(account: SellerAccount) -> None:
    items = (an_item(cancelled=True), an_item(order_item_id="00000000000002"))
    take(account, an_order(items=items))
    assert not Order.objects.get().is_cancelled


def test_the_same_again_changes_nothing_but_when_we_heard(account: SellerAccount) -> None:
    take(account, an_order())
    before = everything()
    assert take(account, an_order(), at=NOON + DAY) == Counts(unchanged=1)
    assert Order.objects.get().synced_at == NOON + DAY
    Order.objects.update(synced_at=NOON)
    assert everything() == before


def test_a_newer_version_replaces_the_facts_and_the_items(account: SellerAccount) -> None:
    take(account, an_order(items=(an_item(), an_item(order_item_id="00000000000002"))))
    kept = OrderItem.objects.get(order_item_id="00000000000002").pk
    newer = an_order(
        updated_at=NOON,
        total=spapi.Money(Decimal("9.5"), "EUR"),
        items=(
            an_item(order_item_id="00000000000002", quantity=7),
            an_item(order_item_id="00000000000003"),
        ),
    )
    assert take(account, newer) == Counts(changed=1)
    order = Order.objects.get()
    assert order.total_amount == Decimal("9.50")
    assert [(item.order_item_id, item.quantity) for item in order.items.all()] == [
        ("00000000000002", 7),
        ("00000000000003", 1),
    ]
    assert OrderItem.objects.get(order_item_id="00000000000002").pk == kept


def test_a_changed_item_alone_is_a_change(account: SellerAccount) -> None:
    take(account, an_order())
    counts = take(account, an_order(items=(an_item(title="Enamel mug, chipped"),)))
    assert counts == Counts(changed=1)
    assert OrderItem.objects.get().title == "Enamel mug, chipped"


def test_items_that_go_take_no_item_of_another_order_with_them(account: SellerAccount) -> None:
    one, two = an_item(order_item_id="1"), an_item(order_item_id="2")
    first, second = "302-0000001-0000001", "302-0000002-0000002"
    take(account, an_order(first, items=(one, two)), an_order(second, items=(one, two)))
    take(
        account,
        an_order(first, items=(one,), updated_at=NOON),
        an_order(second, items=(two,), updated_at=NOON),
    )
    assert list(
        OrderItem.objects.order_by("order_item_id").values_list(
            "order__amazon_order_id", "order_item_id"
        )
    ) == [(first, "1"), (second, "2")]


def test_an_older_version_never_overwrites_a_newer_one(account: SellerAccount) -> None:
    take(account, an_order(updated_at=NOON, fulfillment_status="SHIPPED"))
    older = an_order(updated_at=NOON - timedelta(seconds=1), fulfillment_status="UNSHIPPED")
    assert take(account, older, at=NOON + DAY) == Counts(unchanged=1)
    order = Order.objects.get()
    assert (order.fulfillment_status, order.synced_at) == ("SHIPPED", NOON + DAY)


def test_any_order_of_arrival_and_any_repetition_ends_the_same(account: SellerAccount) -> None:
    versions = [
        an_order(
            number,
            updated_at=NOON - (5 - step) * DAY,
            fulfillment_status=status,
            deliver_by=None if step < 2 else spapi.TimeWindow(NOON, NOON + DAY),
            items=tuple(an_item(order_item_id=str(item)) for item in range(step, 4)),
        )
        for number in ("302-0000001-0000001", "302-0000002-0000002", "302-0000003-0000003")
        for step, status in enumerate(["PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"])
    ]
    take(account, *versions)
    in_order = everything()
    assert len(in_order[1]) == 3  # one item is left of each
    shuffle = random.Random(56)
    for size in (1, 5, 24):
        OrderItem.objects.all().delete()
        Order.objects.all().delete()
        arrivals = versions * 20
        shuffle.shuffle(arrivals)
        for start in range(0, len(arrivals), size):
            take(account, *arrivals[start : start + size])
        assert everything() == in_order


def test_what_others_know_of_an_order_is_left_alone(account: SellerAccount) -> None:
    known = OrderFactory(
        account=account,
        amazon_order_id="302-0000001-0000001",
        amazon_updated_at=NOON - 30 * DAY,
        is_returned=True,
        is_refunded=True,
        is_offered=True,
        offer_checked_at=NOON,
    )
    OutgoingActionFactory(order=known, status=Status.SENT)
    first_seen_at = known.first_seen_at
    assert take(account, an_order()) == Counts(changed=1)
    order = Order.objects.get()
    assert order.amazon_updated_at == NOON - 18 * DAY
    assert (order.is_returned, order.is_refunded, order.is_offered) == (True, True, True)
    assert (order.offer_checked_at, order.first_seen_at) == (NOON, first_seen_at)
    assert (order.solicitation, order.solicitation_at) == ("sent", known.solicitation_at)


def test_the_same_number_of_another_account_is_another_order(account: SellerAccount) -> None:
    other = SellerAccountFactory()
    take(account, an_order())
    assert take(other, an_order()) == Counts(new=1)
    assert Order.objects.count() == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ExclusionKind.ORDER, "302-0000001-0000001"),
        (ExclusionKind.SKU, "MUG-1"),
        (ExclusionKind.ASIN, "B000000001"),
    ],
)
def test_a_standing_exclusion_covers_orders_that_come_in_later(
    account: SellerAccount, kind: ExclusionKind, value: str
) -> None:
    ExclusionFactory(account=account, kind=kind, value=value)
    ExclusionFactory(kind=kind, value="302-0000002-0000002")  # of another account
    other = an_item(order_item_id="9", sku="CUP", asin="B000000009")
    take(account, an_order(), an_order("302-0000002-0000002", items=(other,)))
    assert list(
        Order.objects.order_by("amazon_order_id").values_list("is_excluded", flat=True)
    ) == [True, False]


def test_an_order_whose_items_change_leaves_or_enters_the_exclusion(account: SellerAccount) -> None:
    ExclusionFactory(account=account, kind=ExclusionKind.SKU, value="MUG-1")
    take(account, an_order())
    take(account, an_order(updated_at=NOON, items=(an_item(sku="CUP"),)))
    assert not Order.objects.get().is_excluded
    take(account, an_order(updated_at=NOON + DAY))
    assert Order.objects.get().is_excluded


def test_an_estimate_does_not_replace_the_dates_of_a_report(account: SellerAccount) -> None:
    fba = replace(an_order(), deliver_by=None, fulfilled_by="AMAZON")
    take(account, fba)
    arrival = OrderFacts(fba.order_id, fba_arrival_at=NOON)
    upsert_facts(account, [arrival], door=DoorName.REPORTS, seen_at=NOON)
    take(account, replace(fba, updated_at=NOON))
    assert Order.objects.get().earliest_delivery_at == NOON
    promised = spapi.TimeWindow(NOON - DAY, NOON)
    take(account, replace(fba, updated_at=NOON + DAY, deliver_by=promised))
    assert Order.objects.get().window_source == WindowSource.AMAZON


def test_hostile_and_endless_text_is_stored_harmless(account: SellerAccount) -> None:
    title = "\x00<img src=x onerror=alert(1)>\x07\n\ud800 " + "x" * 5000
    items = tuple(
        an_item(order_item_id=str(number), title=title, sku="s" * 500, asin="\x00" * 3)
        for number in range(500)
    )
    counts = take(
        account,
        an_order(
            items=items,
            fulfillment_status="W" * 300,
            service_level="\x00",
            total=spapi.Money(Decimal("NaN"), "EUR"),
        ),
    )
    assert counts == Counts(new=1)
    item = OrderItem.objects.first()
    assert item is not None
    assert item.title.startswith("<img src=x onerror=alert(1)> ? x")
    assert (len(item.title), len(item.sku), item.asin) == (500, 64, "")
    order = Order.objects.get()
    assert (order.total_amount, order.total_currency) == (None, "")
    assert (order.items.count(), len(order.fulfillment_status)) == (500, 32)


@pytest.mark.parametrize(
    ("amount", "stored"),
    [("1E+30", None), ("-Infinity", None), ("0.005", "0.00"), ("1200", "1200.00")],
)
def test_only_an_amount_that_can_be_one_is_stored(
    account: SellerAccount, amount: str, stored: str | None
) -> None:
    take(account, an_order(total=spapi.Money(Decimal(amount), "JPY")))
    expected = None if stored is None else Decimal(stored)
    assert Order.objects.get().total_amount == expected


def test_absurd_quantities_fit_the_column(account: SellerAccount) -> None:
    items = (an_item(quantity=10**12), an_item(order_item_id="2", quantity=-5))
    take(account, an_order(items=items))
    assert list(OrderItem.objects.values_list("quantity", flat=True)) == [2**31 - 1, 0]
    assert Order.objects.get().quantity == 2**31 - 1


def test_an_order_without_a_usable_number_or_date_is_counted_and_passed_over(
    account: SellerAccount,
) -> None:
    counts = take(
        account,
        an_order("\x00"),
        an_order("3" * 33),
        an_order("302-0000003-0000003", created_at=None, updated_at=None),
        an_order("302-0000004-0000004", items=(), total=None, deliver_by=None, ship_by=None),
    )
    assert counts == Counts(new=1, unreadable=3)


def test_an_item_named_twice_is_stored_once(account: SellerAccount) -> None:
    take(account, an_order(items=(an_item(title="first"), an_item(title="second"))))
    assert OrderItem.objects.get().title == "second"


@pytest.mark.parametrize("known", [False, True])
def test_a_page_costs_as_many_queries_as_one_order(account: SellerAccount, known: bool) -> None:
    ExclusionFactory(account=account)
    take(account, an_order())

    def queries(count: int) -> tuple[int, int]:
        orders = [
            an_order(f"302-{count:07d}-{number:07d}", updated_at=NOON - DAY)
            for number in range(count)
        ]
        if known:
            take(account, *orders)
        with CaptureQueriesContext(connection) as captured:
            take(account, *(replace(order, updated_at=NOON) for order in orders))
        inserts = sum(query["sql"].startswith("INSERT") for query in captured)
        return len(captured) - inserts, inserts

    of_one, of_many = queries(1), queries(100)
    assert of_one == of_many
    assert of_many <= (11, 2)


def test_text_keeps_what_is_text() -> None:
    assert clean_text("Töpfchen 🍯 ", 50) == "Töpfchen 🍯"
    assert clean_text(None, 5) == ""
