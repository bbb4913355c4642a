"""Orders are read page by page, and no fault at any page makes a gap."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

import spapi
from orders.ingest import poll
from orders.ingest.due import take_due
from orders.ingest.hints import fetch_hinted
from orders.ingest.poll import EVERY, SyncResult, sync_orders
from orders.ingest.search import OVERLAP
from orders.ingest.sources import INCLUDED_DATA, WITHOUT_FULFILLMENT
from orders.ingest.upsert import Counts
from orders.models import Door, Order, OrderHint, OrderItem, OrderSync
from sellers.models import Connection, SellerAccount
from tests.factories import (
    AccountMarketplaceFactory,
    OrderSyncFactory,
    SellerAccountFactory,
)
from tests.orders.amazon import DAY, NOON, an_order
from tests.orders.fake_amazon import FakeAmazon

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """As if the process had ended: nothing in the code catches it."""


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory()


def numbers(count: int) -> list[str]:
    return [f"302-{number:07d}-{number:07d}" for number in range(count)]


def world(count: int, page_size: int = 2) -> FakeAmazon:
    return FakeAmazon(
        *(
            an_order(order_id, updated_at=NOON - DAY - index * MINUTE)
            for index, order_id in enumerate(numbers(count))
        ),
        page_size=page_size,
    )


def run(account: SellerAccount, amazon: FakeAmazon, **options: Any) -> SyncResult:
    return sync_orders(account, client=amazon.client, now=amazon.now, **options)


def sync_of(account: SellerAccount) -> OrderSync:
    return OrderSync.objects.get(account=account)


def door_of(account: SellerAccount) -> Door:
    return Door.objects.get(account=account, door="polling")


def stored() -> list[str]:
    return list(Order.objects.order_by("amazon_order_id").values_list("amazon_order_id", flat=True))


def test_all_pages_are_read_and_the_cursor_stands_at_amazons_moment(
    account: SellerAccount,
) -> None:
    amazon = world(5)
    result = run(account, amazon)
    assert result == SyncResult(Counts(new=5), pages=3, finished=True)
    assert stored() == numbers(5)
    sync = sync_of(account)
    assert sync.updated_after == NOON - 2 * MINUTE
    assert sync.due_at == NOON + EVERY
    assert (sync.next_token, sync.pages, sync.search_after) == ("", 0, None)
    door = door_of(account)
    assert (door.last_worked_at, door.newest_heard_at, door.error) == (NOON, NOON - DAY, "")


def test_only_data_without_the_buyer_are_asked_for_and_parameters_stay_the_same(
    account: SellerAccount,
) -> None:
    amazon = world(5)
    run(account, amazon)
    assert {call["data"] for call in amazon.calls} == {INCLUDED_DATA}
    assert not {"BUYER", "RECIPIENT", "TAX", "PAYMENT"} & set(INCLUDED_DATA)
    assert len({call["after"] for call in amazon.calls}) == 1
    assert [call["token"] for call in amazon.calls] == [None, "token-0", "token-1"]


def test_the_first_run_reaches_every_order_whose_window_may_be_open(
    account: SellerAccount,
) -> None:
    amazon = world(1)
    run(account, amazon)
    assert amazon.calls[0]["after"] == NOON - 60 * DAY


def test_the_next_run_begins_a_little_before_the_cursor_and_finds_what_changed(
    account: SellerAccount,
) -> None:
    amazon = world(3)
    run(account, amazon)
    amazon.now += EVERY
    amazon.orders[1] = an_order(
        numbers(3)[1], updated_at=NOON + MINUTE, fulfillment_status="CANCELLED"
    )
    result = run(account, amazon)
    assert amazon.calls[-1]["after"] == NOON - 2 * MINUTE - OVERLAP
    assert result.counts == Counts(changed=1)
    assert sync_of(account).updated_after == amazon.now - 2 * MINUTE


@pytest.mark.parametrize("page", range(4))
@pytest.mark.parametrize("moment", ["before the call", "after the upsert", "after the commit"])
def test_a_kill_at_any_page_leaves_no_gap_and_the_next_run_goes_on(
    account: SellerAccount, monkeypatch: pytest.MonkeyPatch, page: int, moment: str
) -> None:
    amazon = world(7)
    reached = 0

    def kill_at(number: int) -> None:
        if number == page:
            raise Killed

    def take_then_die(*args: Any, **kwargs: Any) -> Counts:
        nonlocal reached
        counts = original(*args, **kwargs)
        reached += 1
        if reached == page + 1:
            raise Killed
        return counts

    original = poll.upsert_orders
    options: dict[str, Any] = {}
    if moment == "before the call":
        amazon.before = kill_at
    elif moment == "after the upsert":
        monkeypatch.setattr(poll, "upsert_orders", take_then_die)
    else:
        options["on_page"] = lambda result: kill_at(result.pages - 1)
    with pytest.raises(Killed):
        run(account, amazon, **options)
    amazon.before = lambda number: None
    monkeypatch.setattr(poll, "upsert_orders", original)
    was_last = moment == "after the commit" and page == 3
    committed = page + (moment == "after the commit")
    assert stored() == numbers(7)[: 2 * committed]
    assert (sync_of(account).updated_after is not None) == was_last

    calls = len(amazon.calls)
    assert run(account, amazon).finished
    assert stored() == numbers(7)
    if not was_last:
        # it went on: no page that was committed is asked for again
        assert len(amazon.calls) - calls == 4 - committed
    assert sync_of(account).updated_after == NOON - 2 * MINUTE


def test_many_kills_at_random_lose_nothing(account: SellerAccount) -> None:
    chance = random.Random(60)
    amazon = world(40)

    def sometimes(number: int) -> None:
        if chance.random() < 0.4:
            raise Killed

    amazon.before = sometimes
    for _attempt in range(500):
        amazon.now += MINUTE
        try:
            if run(account, amazon).finished:
                break
        except Killed:
            continue
    assert stored() == numbers(40)


@pytest.mark.parametrize("moves_on", [False, True])
def test_an_order_that_changes_during_a_search_is_found_by_the_next(
    account: SellerAccount, moves_on: bool
) -> None:
    amazon = world(4)
    amazon.moves_on = moves_on

    def change(number: int) -> None:
        if number == 1:
            amazon.now += 30 * MINUTE
            amazon.orders.append(an_order("302-9999999-9999999", updated_at=NOON + MINUTE))

    amazon.before = change
    run(account, amazon)
    assert sync_of(account).updated_after == NOON - 2 * MINUTE
    amazon.now += EVERY
    run(account, amazon)
    assert "302-9999999-9999999" in stored()


@pytest.mark.parametrize(
    ("error", "wait"),
    [(spapi.LimitReached(42.0), 42.0), (spapi.Throttled(status=429), 180.0)],
)
def test_a_used_up_rate_is_waited_for_by_due_at_and_not_by_sleeping(
    account: SellerAccount, error: spapi.SpApiError, wait: float
) -> None:
    amazon = world(5)

    def refuse(number: int) -> None:
        if number == 1:
            raise error

    amazon.before = refuse
    result = run(account, amazon)
    assert result == SyncResult(Counts(new=2), pages=1, wait_seconds=wait)
    sync = sync_of(account)
    assert sync.due_at == NOON + timedelta(seconds=wait)
    assert (door_of(account).error, door_of(account).last_worked_at) == ("", None)
    amazon.now += timedelta(seconds=wait)
    assert run(account, amazon) == SyncResult(Counts(new=3), pages=2, finished=True)


def test_a_run_of_some_pages_is_due_again_at_once(account: SellerAccount) -> None:
    amazon = world(5)
    result = run(account, amazon, max_pages=2)
    assert (result.pages, result.finished) == (2, False)
    assert sync_of(account).due_at == NOON
    assert run(account, amazon, max_pages=2).finished


@pytest.mark.parametrize(
    ("error", "connection"),
    [
        (spapi.ServerError("boom", status=503), Connection.CONNECTED),
        (spapi.NoAnswer("deadline"), Connection.CONNECTED),
        (spapi.TokenServiceUnavailable("away"), Connection.CONNECTED),
        (
            spapi.InvalidGrant("revoked", lwa_error="invalid_grant", needs_reconnect=True),
            Connection.RECONNECT,
        ),
        (
            spapi.AccessDenied("Access to requested resource is denied.", status=403),
            Connection.ROLE_MISSING,
        ),
        (
            spapi.AccessDenied(
                "Access to requested resource is denied.",
                status=403,
                details="The access token you provided is revoked, malformed or invalid.",
            ),
            Connection.RECONNECT,
        ),
    ],
)
def test_an_error_is_said_and_the_account_marked_when_it_is_about_the_connection(
    account: SellerAccount, error: spapi.SpApiError, connection: Connection
) -> None:
    amazon = world(5)

    def fail(number: int) -> None:
        if number == 1:
            raise error

    amazon.before = fail
    result = run(account, amazon)
    sync = sync_of(account)
    assert error.message in result.error
    assert (door_of(account).error, door_of(account).error_at) == (result.error, NOON)
    assert sync.due_at is not None
    assert sync.due_at > NOON
    account.refresh_from_db()
    assert account.connection == connection
    assert stored() == numbers(2)

    amazon.before = lambda number: None
    assert run(account, amazon).finished
    assert (door_of(account).error, door_of(account).error_at) == ("", None)


def test_a_repeated_token_stops_the_search(account: SellerAccount) -> None:
    amazon = world(9)
    amazon.name_token = lambda token: "always the same"
    result = run(account, amazon)
    assert "same next page twice" in result.error
    assert len(amazon.calls) == 2
    assert door_of(account).error == result.error
    assert sync_of(account).updated_after is None


@pytest.mark.parametrize("full", [False, True])
def test_a_search_of_too_many_pages_is_made_in_spans(
    account: SellerAccount, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    monkeypatch.setattr(poll, "MOST_PAGES", 3)
    amazon = FakeAmazon(
        *(
            an_order(order_id, updated_at=NOON - (1 + 40 * full) * index * DAY - MINUTE * 5)
            for index, order_id in enumerate(numbers(18))
        )
    )
    if full:
        # what was read before does not count, and does not come back
        OrderSyncFactory(account=account, updated_after=NOON - DAY)
    assert run(account, amazon, full=full).finished
    assert stored() == numbers(18)
    sync = sync_of(account)
    assert (sync.updated_after, sync.search_until) == (NOON - 2 * MINUTE, None)
    spans = sorted({(call["after"], call.get("until", NOON)) for call in amazon.calls})
    assert len(spans) > 4
    # the next one is short enough, and asks for no span
    amazon.now += EVERY
    run(account, amazon)
    assert "until" not in amazon.calls[-1]


def test_a_kill_between_two_spans_leaves_no_gap(
    account: SellerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "MOST_PAGES", 3)
    chance = random.Random(3)
    amazon = FakeAmazon(
        *(
            an_order(order_id, updated_at=NOON - index * DAY - MINUTE * 5)
            for index, order_id in enumerate(numbers(30))
        )
    )

    def sometimes(number: int) -> None:
        if chance.random() < 0.3:
            raise Killed

    amazon.before = sometimes
    for _attempt in range(200):
        try:
            if run(account, amazon).finished:
                break
        except Killed:
            continue
    assert stored() == numbers(30)


def test_orders_that_all_changed_at_once_are_too_many_and_an_alarm(
    account: SellerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "MOST_PAGES", 3)
    amazon = FakeAmazon(*(an_order(number, updated_at=NOON - DAY) for number in numbers(9)))
    result = run(account, amazon)
    assert "more than 3 pages" in result.error
    assert door_of(account).error == result.error
    assert len(amazon.calls) < 60


def test_where_amazon_refuses_the_dates_they_come_from_version_0(account: SellerAccount) -> None:
    amazon = world(5)
    reference = SellerAccountFactory()
    run(reference, amazon)
    amazon.without_fulfillment = True
    assert run(account, amazon) == SyncResult(Counts(new=5), pages=3, finished=True)
    assert [call["data"] for call in amazon.calls[3:]] == [INCLUDED_DATA] + 3 * [
        WITHOUT_FULFILLMENT
    ]
    mine = Order.objects.filter(account=account)
    assert set(mine.values_list("fixed_refusal", flat=True)) == {"partial"}
    assert fetch_hinted(account, client=amazon.client, now=NOON).counts == Counts(changed=5)
    assert not OrderHint.objects.exists()

    def facts(of: SellerAccount) -> list[dict[str, Any]]:
        hidden = {"id", "account_id", "first_seen_at"}
        rows = Order.objects.filter(account=of).order_by("amazon_order_id").values()
        return [{k: v for k, v in row.items() if k not in hidden} for row in rows]

    assert facts(account) == facts(reference)
    # the same for a day, then the first way is tried again
    amazon.now += EVERY
    run(account, amazon)
    assert amazon.calls[-1]["data"] == WITHOUT_FULFILLMENT
    amazon.without_fulfillment = False
    amazon.now += DAY
    run(account, amazon)
    assert amazon.calls[-1]["data"] == INCLUDED_DATA
    assert sync_of(account).way == 0


def test_where_amazon_refuses_every_search_version_0_serves_alone(account: SellerAccount) -> None:
    AccountMarketplaceFactory(account=account)
    amazon = world(5)

    def refuse(number: int) -> None:
        raise spapi.BadRequest("InvalidInput", status=400)

    amazon.before = refuse
    assert run(account, amazon).finished
    fetch_hinted(account, client=amazon.client, now=NOON)
    assert stored() == numbers(5)
    assert OrderItem.objects.count() == 5
    assert set(Order.objects.values_list("fixed_refusal", flat=True)) == {""}


def test_unknown_words_and_unreadable_entries_are_counted(account: SellerAccount) -> None:
    amazon = FakeAmazon(
        an_order(numbers(1)[0], fulfillment_status="NEW", unknown_words=("fulfillmentStatus=NEW",)),
        an_order("3" * 40),
    )
    run(account, amazon)
    assert door_of(account).counters == {
        "unreadable": 1,
        "unknown_words": {"fulfillmentStatus=NEW": 1},
    }


def test_twenty_accounts_stay_far_below_the_rate(account: SellerAccount) -> None:
    rate, burst = (getattr(spapi.OPERATIONS["searchOrders"], name) for name in ("rate", "burst"))
    amazon = world(3)
    accounts = [account, *(SellerAccountFactory() for _ in range(19))]
    moments: dict[int, list[Any]] = {one.pk: [] for one in accounts}
    for _look in range(3 * 6):
        for one in take_due(amazon.now):
            before = len(amazon.calls)
            run(one, amazon)
            moments[one.pk] += [amazon.now] * (len(amazon.calls) - before)
        amazon.now += EVERY / 2
    for calls in moments.values():
        assert 9 <= len(calls) <= 11
        # a bucket of that rate is never found empty
        tokens, last = float(burst), NOON
        for at in calls:
            tokens = min(burst, tokens + (at - last).total_seconds() * rate) - 1
            last = at
            assert tokens >= burst - 3


def test_a_token_of_a_megabyte_is_not_sent_back(account: SellerAccount) -> None:
    amazon = world(9)
    amazon.name_token = lambda token: token * 200_000
    assert "characters long" in run(account, amazon).error
    assert len(amazon.calls) == 1


def test_an_empty_page_with_a_token_is_read_over(account: SellerAccount) -> None:
    amazon = world(3, page_size=2)
    empty_first = amazon.search_orders

    def search(**parameters: Any) -> spapi.OrderPage:
        page = empty_first(**parameters)
        if parameters["pagination_token"] is None:
            return spapi.OrderPage((), page.next_token, page.last_updated_before, None)
        return page

    amazon.search_orders = search  # type: ignore[method-assign]
    assert run(account, amazon).pages == 2


def test_the_moment_asked_for_is_written_in_whole_seconds(account: SellerAccount) -> None:
    amazon = world(3)
    amazon.now += timedelta(microseconds=123_456)
    run(account, amazon)
    assert {call["after"].microsecond for call in amazon.calls} == {0}


def test_a_token_that_is_too_old_is_not_used_again(account: SellerAccount) -> None:
    amazon = world(5)
    run(account, amazon, max_pages=1)
    amazon.now += timedelta(hours=24)
    assert run(account, amazon).finished
    assert amazon.calls[1] == {
        "after": NOON - 60 * DAY,
        "data": INCLUDED_DATA,
        "token": None,
    }
    assert stored() == numbers(5)


def test_a_long_search_goes_on_while_each_page_is_fresh(account: SellerAccount) -> None:
    amazon = world(6)
    for _page in range(2):
        run(account, amazon, max_pages=1)
        amazon.now += timedelta(hours=20)
    assert run(account, amazon).finished
    assert [call["token"] for call in amazon.calls] == [None, "token-0", "token-1"]


def test_a_token_that_amazon_no_longer_takes_begins_the_search_again(
    account: SellerAccount,
) -> None:
    amazon = world(5)
    run(account, amazon, max_pages=1)
    amazon.forget_tokens()
    result = run(account, amazon)
    assert (result.finished, result.error) == (True, "")
    assert amazon.calls[2]["after"] == amazon.calls[0]["after"]
    assert stored() == numbers(5)


def test_a_request_that_amazon_calls_bad_is_not_repeated_for_ever(account: SellerAccount) -> None:
    amazon = world(5)

    def refuse(number: int) -> None:
        raise spapi.BadRequest("InvalidInput", status=400)

    amazon.before = refuse
    assert "InvalidInput" in run(account, amazon).error
    assert [call["data"] for call in amazon.calls] == [INCLUDED_DATA, WITHOUT_FULFILLMENT]
    assert sync_of(account).way == 0


def test_full_reads_all_that_amazon_keeps(account: SellerAccount) -> None:
    amazon = world(3)
    amazon.orders.append(an_order("302-9999999-9999999", updated_at=NOON - 400 * DAY))
    run(account, amazon)
    assert len(stored()) == 3
    run(account, amazon, full=True)
    assert len(stored()) == 4
    assert sync_of(account).updated_after == NOON - 2 * MINUTE


def test_a_search_that_read_nothing_yet_is_not_forgotten(account: SellerAccount) -> None:
    amazon = world(1)
    amazon.orders.append(an_order("302-9999999-9999999", updated_at=NOON - 400 * DAY))

    def refuse(number: int) -> None:
        if number == 0:
            raise spapi.LimitReached(10.0)

    amazon.before = refuse
    assert run(account, amazon, full=True).wait_seconds == 10
    assert run(account, amazon).finished
    assert len(stored()) == 2


def test_since_does_not_move_the_cursor_over_a_gap(account: SellerAccount) -> None:
    OrderSyncFactory(account=account, updated_after=NOON - 10 * DAY)
    amazon = FakeAmazon(
        an_order(numbers(2)[0], updated_at=NOON - 5 * DAY),
        an_order(numbers(2)[1], updated_at=NOON - DAY),
    )
    run(account, amazon, since=NOON - 2 * DAY)
    assert stored() == numbers(2)[1:]
    assert sync_of(account).updated_after == NOON - 10 * DAY
    run(account, amazon)
    assert stored() == numbers(2)


def test_since_before_the_cursor_never_moves_it_back(account: SellerAccount) -> None:
    amazon = world(3)
    OrderSyncFactory(account=account, updated_after=NOON - MINUTE)
    run(account, amazon, since=NOON - 30 * DAY)
    assert sync_of(account).updated_after == NOON - MINUTE


def test_a_since_in_the_future_asks_for_the_last_two_minutes(account: SellerAccount) -> None:
    amazon = world(3)
    assert run(account, amazon, since=NOON + DAY).error == ""
    assert amazon.calls[0]["after"] == NOON - 2 * MINUTE


def test_the_cursor_does_not_run_ahead_of_our_clock(account: SellerAccount) -> None:
    amazon = world(1)
    ours = NOON - timedelta(hours=1)
    sync_orders(account, client=amazon.client, now=ours)
    assert sync_of(account).updated_after == ours


def test_two_runs_at_once_do_not_undo_each_other(account: SellerAccount) -> None:
    amazon = world(9)
    inner: list[SyncResult] = []

    def overtake(number: int) -> None:
        if number == 2:
            inner.append(run(account, amazon))

    amazon.before = overtake
    outer = run(account, amazon)
    assert inner[0].finished
    assert "Another run" in outer.error
    assert stored() == numbers(9)
    assert sync_of(account).updated_after == NOON - 2 * MINUTE


def test_progress_is_told_page_by_page(account: SellerAccount) -> None:
    told: list[tuple[int, bool]] = []
    run(account, world(5), on_page=lambda result: told.append((result.pages, result.finished)))
    assert told == [(1, False), (2, False), (3, True)]
