"""What was heard of is asked for until Amazon's answer is stored, and never lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

import spapi
from orders.ingest import hints
from orders.ingest.hints import (
    ASKED_AT_ONCE,
    RESTS,
    FetchResult,
    fetch_hinted,
    note_hints,
    unknown_versions,
)
from orders.ingest.partial import OrderFacts, upsert_facts
from orders.ingest.sources import INCLUDED_DATA
from orders.ingest.upsert import Counts, upsert_orders
from orders.models import Order, OrderHint, OrderSync
from orders.states import DoorName
from sellers.models import Connection, SellerAccount
from tests.factories import GERMANY, SellerAccountFactory
from tests.orders.amazon import DAY, NOON, an_order

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
FIRST, SECOND_NUMBER = "302-0000001-0000001", "302-0000002-0000002"


class Killed(BaseException):
    """As if the process had ended: nothing in the code catches it."""


class Orders:
    """Amazon's getOrder in memory; `asked` holds the numbers, `fault` may raise for one."""

    def __init__(self, *orders: spapi.Order) -> None:
        self.orders = {order.order_id: order for order in orders}
        self.asked: list[str] = []
        self.data: set[tuple[str, ...]] = set()
        self.fault: Callable[[str], None] = lambda number: None
        self._lock = threading.Lock()

    @property
    def client(self) -> spapi.Client:
        return cast(spapi.Client, self)

    def get_order(self, order_id: str, *, included_data: tuple[str, ...]) -> spapi.Order:
        with self._lock:
            self.asked.append(order_id)
            self.data.add(included_data)
        self.fault(order_id)
        if order_id not in self.orders:
            raise spapi.NotFound("no such order", status=404)
        return self.orders[order_id]


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory()


def numbers(count: int) -> list[str]:
    return [f"302-{number:07d}-{number:07d}" for number in range(count)]


def hear(account: SellerAccount, *heard: str, at: Any = NOON) -> None:
    note_hints(account, heard or [FIRST], DoorName.NOTIFICATIONS, heard_at=at)


def fetch(
    account: SellerAccount, amazon: Orders, *, at: Any = NOON, most: int = 100
) -> FetchResult:
    return fetch_hinted(account, client=amazon.client, now=at, most=most)


def test_what_was_heard_of_is_asked_for_stored_and_forgotten(account: SellerAccount) -> None:
    amazon = Orders(an_order())
    hear(account)
    assert fetch(account, amazon) == FetchResult(Counts(new=1), asked=1)
    assert Order.objects.get().amazon_order_id == FIRST
    assert not OrderHint.objects.exists()
    assert amazon.data == {INCLUDED_DATA}
    assert not {"BUYER", "RECIPIENT", "TAX", "PAYMENT"} & set(INCLUDED_DATA)


def test_an_order_heard_of_by_many_doors_many_times_is_asked_for_once(
    account: SellerAccount,
) -> None:
    amazon = Orders(an_order())
    for _ in range(20):
        hear(account, FIRST, FIRST)
    note_hints(account, [FIRST], DoorName.CSV, heard_at=NOON)
    assert OrderHint.objects.get().doors == ["csv", "notifications"]
    fetch(account, amazon)
    assert amazon.asked == [FIRST]


def test_what_cannot_be_an_order_number_is_passed_over(account: SellerAccount) -> None:
    assert note_hints(account, ["", "\x00", "3" * 33, FIRST], DoorName.CSV, heard_at=NOON) == 1
    assert OrderHint.objects.get().amazon_order_id == FIRST


def test_news_that_come_while_amazon_is_asked_are_asked_for_again(account: SellerAccount) -> None:
    amazon = Orders(an_order())
    hear(account)
    store = hints._store

    def hear_meanwhile(*args: Any) -> Counts:
        hear(account, at=NOON + SECOND)
        return store(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hints, "_store", hear_meanwhile)
        # the second round is due a second later
        fetch(account, amazon, most=1)
    assert OrderHint.objects.count() == 1
    amazon.orders[FIRST] = an_order(updated_at=NOON, fulfillment_status="CANCELLED")
    fetch(account, amazon, at=NOON + SECOND)
    assert Order.objects.get().is_cancelled
    assert not OrderHint.objects.exists()


@pytest.mark.parametrize("moment", ["while asking", "before the commit", "after the commit"])
def test_a_kill_at_any_point_loses_none(
    account: SellerAccount, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    count = ASKED_AT_ONCE + 5
    amazon = Orders(*map(an_order, numbers(count)))
    hear(account, *numbers(count))
    store, upsert = hints._store, hints.upsert_orders

    def kill(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    def upsert_then_die(*args: Any, **kwargs: Any) -> Counts:
        upsert(*args, **kwargs)
        raise Killed

    def store_then_die(*args: Any) -> Counts:
        store(*args)
        raise Killed

    with monkeypatch.context() as patch:
        if moment == "while asking":
            amazon.fault = kill
        elif moment == "before the commit":
            patch.setattr(hints, "upsert_orders", upsert_then_die)
        else:
            patch.setattr(hints, "_store", store_then_die)
        with pytest.raises(Killed):
            fetch(account, amazon)
    amazon.fault = lambda number: None
    fetch(account, amazon)
    assert Order.objects.count() == count
    assert not OrderHint.objects.exists()


def test_when_the_rate_is_used_up_the_rest_waits_for_its_turn(account: SellerAccount) -> None:
    amazon = Orders(*map(an_order, numbers(50)))
    lock, left = threading.Lock(), [30]

    def limit(number: str) -> None:
        with lock:
            left[0] -= 1
            if left[0] < 0:
                raise spapi.LimitReached(2.0)

    amazon.fault = limit
    hear(account, *numbers(50))
    result = fetch(account, amazon)
    assert (result.asked, result.wait_seconds) == (30, 2.0)
    assert OrderHint.objects.due(NOON).count() == 20
    assert OrderSync.objects.get().hints_due_at == NOON + 2 * SECOND
    left[0] = 50
    fetch(account, amazon, at=NOON + 2 * SECOND)
    assert Order.objects.count() == 50


def test_an_order_that_amazon_does_not_know_rests_longer_each_time_and_is_parked(
    account: SellerAccount,
) -> None:
    amazon = Orders()
    hear(account)
    now = NOON
    for rest in RESTS:
        fetch(account, amazon, at=now)
        assert OrderHint.objects.get().due_at == now + rest
        fetch(account, amazon, at=now + rest - SECOND)
        now += rest
    fetch(account, amazon, at=now)
    hint = OrderHint.objects.parked().get()
    assert "no such order" in hint.error
    assert fetch(account, amazon, at=now + 30 * DAY).asked == 0
    assert len(amazon.asked) == len(RESTS) + 1
    amazon.orders[FIRST] = an_order()
    hear(account, at=now + 30 * DAY)
    assert fetch(account, amazon, at=now + 30 * DAY).counts == Counts(new=1)


def test_a_server_error_stops_the_run_and_is_never_given_up(account: SellerAccount) -> None:
    amazon = Orders(an_order(FIRST), an_order(SECOND_NUMBER))

    def fail(number: str) -> None:
        if number == FIRST:
            raise spapi.ServerError("InternalFailure", status=500)

    amazon.fault = fail
    hear(account, FIRST, SECOND_NUMBER)
    assert "InternalFailure" in fetch(account, amazon).error
    # the order for which Amazon fails does not keep the others waiting
    assert Order.objects.get().amazon_order_id == SECOND_NUMBER
    for turn in range(1, 20):
        fetch(account, amazon, at=NOON + turn * DAY)
    assert not OrderHint.objects.parked().exists()


def test_a_missing_role_marks_the_account_and_keeps_the_hints(account: SellerAccount) -> None:
    amazon = Orders(an_order())

    def deny(number: str) -> None:
        raise spapi.AccessDenied("Access to requested resource is denied.", status=403)

    amazon.fault = deny
    hear(account)
    assert fetch(account, amazon).asked == 0
    account.refresh_from_db()
    assert account.connection == Connection.ROLE_MISSING
    assert OrderHint.objects.get().attempts == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (an_order(SECOND_NUMBER), f"Amazon answered with the order {SECOND_NUMBER}."),
        (an_order(created_at=None, updated_at=None), "no date"),
    ],
)
def test_an_answer_that_cannot_be_this_order_is_not_stored(
    account: SellerAccount, answer: spapi.Order, words: str
) -> None:
    amazon = Orders()
    amazon.orders[FIRST] = answer
    hear(account)
    fetch(account, amazon)
    assert words in OrderHint.objects.get().error
    assert not Order.objects.exists()


def test_only_versions_that_are_not_here_need_asking(account: SellerAccount) -> None:
    upsert_orders(account, [an_order(updated_at=NOON)], seen_at=NOON)
    heard = {FIRST: NOON, SECOND_NUMBER: NOON}
    assert unknown_versions(account, heard) == {SECOND_NUMBER}
    assert unknown_versions(account, {FIRST: NOON - DAY}) == set()
    assert unknown_versions(account, {FIRST: NOON + SECOND}) == {FIRST}
    cancelled = OrderFacts(FIRST, updated_at=NOON + SECOND, fulfillment_status="CANCELLED")
    upsert_facts(account, [cancelled], door=DoorName.REPORTS, seen_at=NOON)
    assert unknown_versions(account, {FIRST: NOON - DAY}) == {FIRST}


def test_what_a_search_told_after_a_report_is_not_asked_for_again(account: SellerAccount) -> None:
    known, newer = an_order(order_id=FIRST), an_order(order_id=SECOND_NUMBER)

    def tell(door: DoorName, order: spapi.Order, at: Any) -> None:
        facts = OrderFacts(order.order_id, updated_at=at, purchased_at=at, marketplace_id=GERMANY)
        upsert_facts(account, [facts], door=door, seen_at=NOON)

    tell(DoorName.REPORTS, known, known.updated_at)
    tell(DoorName.REPORTS, newer, NOON)  # what the search tells of it is older than that
    upsert_orders(account, [known, newer], seen_at=NOON)
    amazon = Orders(known, newer)
    assert fetch(account, amazon).asked == 1
    assert amazon.asked == [SECOND_NUMBER]
    assert not OrderHint.objects.exists()
    # a person, or a notification, may want it asked again
    for door in (DoorName.CSV, DoorName.NOTIFICATIONS):
        note_hints(account, [FIRST], door, heard_at=NOON)
        assert fetch(account, amazon).asked == 1
