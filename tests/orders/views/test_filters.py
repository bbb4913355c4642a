"""Filters: what an address asks for, and which orders that is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from orders.models import Order
from orders.views import filters as filters_module
from orders.views.filters import OrderFilter, matching_orders
from orders.views.pills import ELIGIBLE, PILLS_BY_NAME
from sellers.models import Role
from solicit_dashboard.access import Reach
from tests.factories import GERMANY, AccountMarketplaceFactory, OrderItemFactory
from tests.orders.views.conftest import Person

pytestmark = pytest.mark.django_db


def _reach(ann: Person) -> Reach:
    return Reach(accounts=(ann.account,), roles={ann.account.pk: Role.OPERATOR})


def _found(ann: Person, **fields: object) -> set[int]:
    filters = OrderFilter(**fields)  # type: ignore[arg-type]
    narrowing = filters.narrow([ann.account.pk])
    return set(matching_orders(filters, narrowing, timezone.now()).values_list("pk", flat=True))


def test_an_address_survives_the_round_trip(ann: Person) -> None:
    AccountMarketplaceFactory(account=ann.account)
    filters = OrderFilter(
        pill=ELIGIBLE,
        account_id=ann.account.pk,
        marketplace_id=GERMANY,
        channel="fba",
        day_from=date(2026, 9, 1),
        day_to=date(2026, 9, 30),
        text="A&B=ü?#",
        sort_name="purchased",
        direction="asc",
    )
    assert OrderFilter.from_query(filters.query(), _reach(ann)) == filters
    assert OrderFilter.from_query("", _reach(ann)) == OrderFilter()
    assert OrderFilter().query() == ""


def test_what_a_filter_asks_for_is_said_in_words(ann: Person) -> None:
    filters = OrderFilter(
        pill=ELIGIBLE, account_id=ann.account.pk, marketplace_id=GERMANY, channel="fba", text="mug"
    )
    expected = f"Eligible now, {ann.account.name}, amazon.de, FBA, “mug”"
    assert filters.describe(_reach(ann)) == expected


def test_orders_are_found_by_marketplace_and_channel(ann: Person) -> None:
    german = ann.order(marketplace_id=GERMANY, fulfilled_by="AMAZON")
    other = ann.order(marketplace_id="A1F83G8C2ARO7P", fulfilled_by="MERCHANT")
    assert _found(ann, marketplace_id=GERMANY) == {german.pk}
    assert _found(ann, channel="fbm") == {other.pk}
    assert _found(ann, marketplace_id=GERMANY, channel="fbm") == set()


def test_days_are_those_of_the_reader_and_both_included(ann: Person) -> None:
    # In Tokyo the first is bought on the 10th at 23:59, the second a minute later on the 11th.
    first = ann.order(purchased_at=datetime(2026, 11, 10, 14, 59, tzinfo=UTC))
    second = ann.order(purchased_at=datetime(2026, 11, 10, 15, 0, tzinfo=UTC))
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert _found(ann, day_from=date(2026, 11, 10), day_to=date(2026, 11, 10)) == {first.pk}
        assert _found(ann, day_from=date(2026, 11, 11)) == {second.pk}
    assert _found(ann, day_to=date(2026, 11, 10)) == {first.pk, second.pk}


@pytest.mark.parametrize(
    "text",
    [
        "302-1234567-7654321",
        "302-1234567-7654321 ",
        "302\N{EN DASH}1234567\N{MINUS SIGN}7654321",
        "302 - 1234567 - 7654321",
        "302-12345",
        "302-",
        "3",
        "MUG-01",
        "MUG",
        "B0TESTASIN",
        "b0test",
    ],
)
@pytest.mark.parametrize("few", [0, 1000])
def test_an_order_is_found_by_the_beginning_of_number_sku_or_asin(
    ann: Person, monkeypatch: pytest.MonkeyPatch, text: str, few: int
) -> None:
    monkeypatch.setattr(filters_module, "FEW", few)
    order = ann.order(amazon_order_id="302-1234567-7654321")
    OrderItemFactory(order=order, sku="MUG-01", asin="B0TESTASIN")
    OrderItemFactory(order=order, sku="MUG-02", asin="B0TESTASIN")
    OrderItemFactory(order=ann.order(amazon_order_id="402-1234567-7654321"), sku="POT", asin="B1")
    narrowing = OrderFilter(text=text).narrow([ann.account.pk])
    assert narrowing.by_text == ("few" if few else "many")
    assert _found(ann, text=text) == {order.pk}


@pytest.mark.parametrize(
    "text", ["%", "_", "MUG_01", "M%", "%UG", "MUG.*", "mug", "2-1234567", "\\", "'", "[", "☃"]
)
@pytest.mark.parametrize("few", [0, 1000])
def test_signs_of_patterns_stand_for_themselves(
    ann: Person, monkeypatch: pytest.MonkeyPatch, text: str, few: int
) -> None:
    monkeypatch.setattr(filters_module, "FEW", few)
    OrderItemFactory(order=ann.order(), sku="MUG-01", asin="B0TESTASIN")
    assert _found(ann, text=text) == set()
    OrderItemFactory(order=ann.order(), sku=f"{text}x")
    assert len(_found(ann, text=text)) == 1


@pytest.mark.parametrize("few", [0, 1000])
def test_the_text_finds_nothing_of_other_accounts(
    ann: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(filters_module, "FEW", few)
    OrderItemFactory(order=stranger.order(), sku="SHARED")
    mine = ann.order()
    OrderItemFactory(order=mine, sku="SHARED")
    assert _found(ann, text="SHARED") == {mine.pk}


def test_a_sort_that_the_pill_has_not_is_said_and_left_out() -> None:
    filters = OrderFilter(pill=PILLS_BY_NAME["sent"], sort_name="closes", direction="asc")
    assert filters.sort.name == "state"
    assert filters.is_descending
    assert filters.note == "“Sent” can be sorted by state, not by closes."
    assert OrderFilter(pill=ELIGIBLE, sort_name="purchased").note == ""


def test_the_direction_is_the_usual_one_unless_it_was_asked_for() -> None:
    assert OrderFilter().is_descending
    assert not OrderFilter(direction="asc").is_descending
    assert not OrderFilter(pill=ELIGIBLE).is_descending
    assert OrderFilter(pill=ELIGIBLE, sort_name="closes", direction="desc").is_descending


def test_a_filter_of_an_account_is_cut_to_what_one_may_do(ann: Person) -> None:
    reach = Reach(accounts=(), roles={1: Role.VIEWER, 2: Role.OPERATOR, 3: Role.MANAGER})
    assert OrderFilter().account_ids(reach) == [1, 2, 3]
    assert OrderFilter().account_ids(reach, Role.OPERATOR) == [2, 3]
    assert OrderFilter(account_id=1).account_ids(reach, Role.OPERATOR) == []
    assert OrderFilter(account_id=9).account_ids(reach) == []
    assert Order.objects.count() == 0


def test_accounts_of_another_region_are_not_searched(ann: Person) -> None:
    assert ann.account.region == "eu"
    assert OrderFilter(marketplace_id=GERMANY).narrow([ann.account.pk]).account_ids == [
        ann.account.pk
    ]
    american = OrderFilter(marketplace_id="ATVPDKIKX0DER").narrow([ann.account.pk])
    assert american.account_ids == []
    unknown = OrderFilter(marketplace_id="A0UNKNOWN").narrow([ann.account.pk])
    assert unknown.account_ids == [ann.account.pk]


def test_a_text_of_many_numbers_and_few_items_finds_both(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters_module, "FEW", 1)
    by_number = [ann.order(amazon_order_id=f"302-000000{n}-0000000") for n in range(2)]
    by_sku = ann.order(amazon_order_id="402-0000000-0000000")
    OrderItemFactory(order=by_sku, sku="302-MUG")
    ann.order(amazon_order_id="502-0000000-0000000")
    narrowing = OrderFilter(text="302-").narrow([ann.account.pk])
    assert narrowing.by_text == "many"
    assert _found(ann, text="302-") == {by_sku.pk, *(order.pk for order in by_number)}
