"""Rows and counts of the list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from messaging.states import Status
from orders.models import Order
from orders.views import listing
from orders.views.filters import OrderFilter
from orders.views.listing import Tally, count_pill, count_pills, read_list, tally_of_list
from orders.views.pills import ALL, ELIGIBLE, PILLS, Pill
from sellers.models import SellerAccount
from solicit_dashboard.keyset import Cursor, KeysetPage, read_cursor
from tests.factories import OrderFactory, OutgoingActionFactory, SellerAccountFactory
from tests.made_once import rows_made_once
from tests.orders.views.conftest import Person

pytestmark = pytest.mark.django_db


def _count(ann: Person, filters: OrderFilter) -> Tally:
    narrowing = filters.narrow([ann.account.pk])
    return count_pill(filters.pill, narrowing, at=timezone.now())


def test_counting_ends_at_the_cap(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for _number in range(4):
        ann.order()
    assert str(_count(ann, OrderFilter())) == "4"
    monkeypatch.setattr(listing, "MOST_COUNTED", 3)
    assert str(_count(ann, OrderFilter(pill=ELIGIBLE))) == "3+"
    monkeypatch.setattr(listing, "LOOKED_THROUGH", 2)
    filters = OrderFilter(pill=ELIGIBLE)
    pills = count_pills(filters, filters.narrow([ann.account.pk]), at=timezone.now())
    shown = {pill.label: str(pill.tally) for pill in pills if str(pill.tally) != "0"}
    assert shown == {"All": "2+", "Eligible now": "3+"}


def test_a_filtered_count_says_when_it_did_not_look_at_all(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(2):
        ann.order(fulfilled_by="AMAZON")
        ann.order(fulfilled_by="MERCHANT")
    assert _count(ann, OrderFilter(channel="fba")) == Tally(2)
    monkeypatch.setattr(listing, "MOST_COUNTED", 3)
    tally = _count(ann, OrderFilter(channel="fba"))
    assert not tally.is_exact
    assert tally.number <= 2


def test_the_days_of_all_orders_are_counted_by_their_index(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    for days in (1, 2, 40, 41):
        ann.order(purchased_at=now - timedelta(days=days), fulfilled_by="AMAZON")
    ann.order(purchased_at=now - timedelta(days=1), fulfilled_by="MERCHANT")
    monkeypatch.setattr(listing, "MOST_COUNTED", 3)
    lately = OrderFilter(day_from=timezone.localdate() - timedelta(days=7))
    assert _count(ann, lately) == Tally(3)
    assert _count(ann, replace(lately, channel="fba")) == Tally(2)
    assert _count(ann, OrderFilter()) == Tally(3, is_exact=False)


def test_a_pill_of_which_none_was_found_in_time_has_no_number(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(3):
        ann.order(fulfilled_by="AMAZON")
    monkeypatch.setattr(listing, "LOOKED_THROUGH", 2)
    filters = OrderFilter(channel="fbm")
    pills = count_pills(filters, filters.narrow([ann.account.pk]), at=timezone.now())
    tallies = {pill.label: pill.tally for pill in pills}
    assert tallies["All"] == Tally(0)
    assert tallies["Eligible now"] is None
    assert tallies["Sent"] == Tally(0)


@pytest.mark.parametrize(
    ("before", "after", "counted", "tally"),
    [
        ("", "", Tally(9), Tally(2)),
        ("", "x", Tally(9), Tally(9)),
        ("", "x", Tally(9, is_exact=False), Tally(9, is_exact=False)),
        ("", "x", Tally(1, is_exact=False), Tally(3, is_exact=False)),
        ("x", "x", None, Tally(4, is_exact=False)),
    ],
)
def test_a_list_has_no_fewer_orders_than_can_be_seen(
    before: str, after: str, counted: Tally | None, tally: Tally
) -> None:
    assert tally_of_list(KeysetPage([7, 8], before, after), counted) == tally


def test_every_pill_is_counted_under_the_same_filters(ann: Person) -> None:
    OutgoingActionFactory(order=ann.order(fulfilled_by="AMAZON"), status=Status.SENT)
    ann.order(fulfilled_by="AMAZON")
    ann.order(fulfilled_by="MERCHANT")
    filters = OrderFilter(channel="fba", sort_name="purchased")
    pills = count_pills(filters, filters.narrow([ann.account.pk]), at=timezone.now())
    counts = {pill.label: str(pill.tally) for pill in pills if str(pill.tally) != "0"}
    assert counts == {"All": "2", "Eligible now": "1", "Sent": "1"}
    assert [pill.label for pill in pills if pill.is_current] == ["All"]
    urls = {pill.label: pill.url for pill in pills}
    assert urls["Sent"] == "/orders/?state=sent&channel=fba"


def _walk(filters: OrderFilter, account_ids: list[int], size: int) -> list[int]:
    """The ids of all pages, forwards; at each page the way back leads to the page before."""
    at = timezone.now()
    narrowing = filters.narrow(account_ids)
    ids: list[int] = []
    before: list[int] | None = None
    cursor = None
    while True:
        page = read_list(filters, narrowing, cursor, at=at, size=size)
        if before is not None:
            back = listing.read_list(
                filters, narrowing, _cursor(before=page.before), at=at, size=size
            )
            assert back.ids == before
        ids += page.ids
        if not page.after:
            return ids
        before, cursor = page.ids, _cursor(after=page.after)


def _cursor(after: str = "", before: str = "") -> Cursor | None:
    return read_cursor(after, before)


@pytest.fixture(scope="class")
def made(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[tuple[datetime, list[int]]]:
    """Orders of every kind in two accounts: the moment at which they are made, the accounts."""
    with rows_made_once(django_db_blocker):
        accounts = [SellerAccountFactory(), SellerAccountFactory()]
        at = timezone.now()
        for number in range(3):
            _make_orders(accounts[number % 2], at, number // 2)
        yield at, [account.pk for account in accounts]


def _make_orders(account: SellerAccount, at: datetime, ago: int) -> None:
    for fields in ({}, {"too_early": True}, {"window_closed": True}, {"closing_soon": True}):
        # some at the same moment
        OrderFactory(account=account, purchased_at=at - timedelta(days=ago), **fields)
    OrderFactory(account=account, cancelled=True)
    for status in Status:
        moment = at - timedelta(hours=ago)
        OutgoingActionFactory(order__account=account, status=status, status_at=moment)


class TestOrdersOfEveryKind:
    @pytest.mark.parametrize("pill", PILLS, ids=lambda pill: pill.name)
    @pytest.mark.parametrize("most_branches", [0, 60])
    def test_pages_show_every_order_once_in_order(
        self,
        made: tuple[datetime, list[int]],
        pill: Pill,
        most_branches: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(listing, "MOST_BRANCHES", most_branches)
        at, ids = made
        for sort in pill.sorts:
            for direction in ("asc", "desc"):
                filters = OrderFilter(pill=pill, sort_name=sort.name, direction=direction)
                whole = pill.matching(Order.objects.all(), at)
                sign = "-" if direction == "desc" else ""
                expected = whole.order_by(f"{sign}{sort.column}", f"{sign}pk")
                found = _walk(filters, ids, size=3)
                assert found == list(expected.values_list("pk", flat=True))
                assert found


def test_no_page_skips_rows_by_counting_them(ann: Person) -> None:
    for _number in range(5):
        ann.order()
    at = timezone.now()
    narrowing = OrderFilter().narrow([ann.account.pk])
    with CaptureQueriesContext(connection) as queries:
        page = read_list(OrderFilter(), narrowing, None, at=at, size=2)
        read_list(OrderFilter(), narrowing, _cursor(after=page.after), at=at, size=2)
        for filters in (OrderFilter(), OrderFilter(channel="fba")):
            count_pills(filters, filters.narrow([ann.account.pk]), at=at)
    statements = [query["sql"] for query in queries]
    assert not [sql for sql in statements if "OFFSET" in sql]
    counts = [sql for sql in statements if "COUNT(" in sql]
    assert [len(re.findall(r"LIMIT \d+\) AS part_", sql)) for sql in counts] == [len(PILLS)] * 2


def test_the_list_of_all_is_the_first_pill() -> None:
    assert PILLS[0] is ALL
