"""Each account's orders are read when their time has come, and by one worker only."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

import spapi
from orders import tasks
from orders.ingest import due
from orders.ingest.due import sync_due_accounts, take_due
from orders.ingest.hints import FetchResult
from orders.ingest.poll import EVERY, SyncResult
from orders.models import Door, OrderSync
from orders.states import DoorName
from orders.tasks import fetch_hinted_due, sync_due
from sellers.models import SellerAccount
from solicit_dashboard.ratelimit import RedisLimiter
from tests.factories import (
    DoorFactory,
    OrderHintFactory,
    OrderSyncFactory,
    SellerAccountFactory,
)
from tests.orders.amazon import DAY, NOON

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def test_new_and_due_accounts_are_taken_and_the_others_left() -> None:
    new = SellerAccountFactory()
    due_now = OrderSyncFactory(due_at=NOON).account
    OrderSyncFactory(due_at=NOON + MINUTE)
    paused = SellerAccountFactory(paused=True)
    OrderSyncFactory(due_at=NOON, account=SellerAccountFactory(needs_reconnect=True))
    OrderSyncFactory(due_at=NOON, account=SellerAccountFactory(disconnected=True))
    assert set(take_due(NOON)) == {new, due_now, paused}
    assert list(take_due(NOON)) == []
    assert OrderSync.objects.get(account=new).due_at == NOON + EVERY


def test_an_account_whose_reader_died_is_due_again_in_twenty_minutes() -> None:
    OrderSyncFactory(due_at=NOON)
    assert len(list(take_due(NOON))) == 1
    assert list(take_due(NOON + EVERY - MINUTE)) == []
    assert len(list(take_due(NOON + EVERY))) == 1


def test_while_notifications_work_orders_are_searched_every_six_hours() -> None:
    account = OrderSyncFactory(due_at=NOON).account
    polling = DoorFactory(account=account, last_worked_at=NOON)
    told = DoorFactory(account=account, door=DoorName.NOTIFICATIONS)

    def searches(hours: int, heard_at: datetime) -> int:
        now, count = heard_at, 0
        while now < heard_at + timedelta(hours=hours):
            Door.objects.filter(pk=told.pk).update(last_worked_at=min(now, NOON + DAY))
            for _account in take_due(now):
                Door.objects.filter(pk=polling.pk).update(last_worked_at=now)
                count += 1
            now += EVERY / 2
        return count

    assert searches(24, NOON) == 4
    # they fall silent: back to every 20 minutes
    Door.objects.filter(pk=polling.pk).update(last_worked_at=NOON + DAY)
    assert searches(2, NOON + DAY) in {5, 6}


@pytest.mark.parametrize("trouble", [{"error": "The queue is gone."}, {"last_worked_at": None}])
def test_notifications_that_do_not_work_save_no_search(trouble: dict[str, Any]) -> None:
    account = OrderSyncFactory(due_at=NOON).account
    DoorFactory(account=account, last_worked_at=NOON - EVERY)
    told = {"last_worked_at": NOON, **trouble}
    DoorFactory(account=account, door=DoorName.NOTIFICATIONS, **told)
    assert list(take_due(NOON)) == [account]


def test_a_search_under_way_goes_on_whatever_notifications_tell() -> None:
    account = OrderSyncFactory(due_at=NOON, search_after=NOON - DAY).account
    DoorFactory(account=account, last_worked_at=NOON - EVERY)
    DoorFactory(account=account, door=DoorName.NOTIFICATIONS, last_worked_at=NOON)
    assert list(take_due(NOON)) == [account]


def test_what_was_heard_of_is_asked_for_account_by_account(
    monkeypatch: pytest.MonkeyPatch, redis_empty: None, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, rests, away = (OrderHintFactory(due_at=NOON).account for _ in range(4))
    OrderHintFactory(due_at=NOON + MINUTE)
    OrderHintFactory(due_at=NOON, parked_at=NOON)
    OrderSyncFactory(account=rests, hints_due_at=NOON + MINUTE)
    SellerAccount.objects.filter(pk=away.pk).update(connection="disconnected")
    asked: list[SellerAccount] = []

    def fetch(account: SellerAccount, **options: Any) -> FetchResult:
        asked.append(account)
        if account == first:
            raise RuntimeError("the database went away")
        return FetchResult(asked=3, error="Amazon said no.")

    monkeypatch.setattr(due, "fetch_hinted", fetch)
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOON)
    assert due.fetch_hinted_due_accounts(lambda: NOON, lambda: False) == 3
    assert "the database went away" in caplog.text
    assert "Amazon said no." in caplog.text
    fetch_hinted_due()
    assert asked == 2 * [first, second]


@pytest.mark.django_db(transaction=True)
def test_many_beats_at_once_take_each_account_once() -> None:
    for _number in range(5):
        OrderSyncFactory(due_at=NOON)
    taken: list[SellerAccount] = []
    start = threading.Barrier(6)

    def beat() -> None:
        start.wait(10)
        taken.extend(take_due(NOON))
        connections.close_all()

    threads = [threading.Thread(target=beat) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 5


def test_one_accounts_failure_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = [OrderSyncFactory(due_at=NOON).account for _number in range(3)]
    read = []

    def read_orders(account: SellerAccount, **options: Any) -> SyncResult:
        if account == accounts[0]:
            raise RuntimeError("the database went away")
        read.append((account, options["now"], options["max_pages"]))
        return SyncResult(error="Amazon said no." if account == accounts[1] else "")

    monkeypatch.setattr(due, "sync_account", read_orders)
    assert sync_due_accounts(lambda: NOON, lambda: False) == 2
    assert read == [(account, NOON, due.PAGES_PER_TURN) for account in accounts[1:]]
    assert "Amazon said no." in caplog.text
    assert "the database went away" in caplog.text


def test_a_worker_that_is_told_to_stop_gives_its_account_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _number in range(3):
        OrderSyncFactory(due_at=NOON)
    read: list[SellerAccount] = []

    def read_orders(account: SellerAccount, **options: Any) -> SyncResult:
        read.append(account)
        return SyncResult()

    monkeypatch.setattr(due, "sync_account", read_orders)
    assert sync_due_accounts(lambda: NOON, lambda: bool(read)) == 1
    assert len(list(take_due(NOON))) == 2


def test_an_account_is_read_within_its_own_rate(
    monkeypatch: pytest.MonkeyPatch, redis_empty: None
) -> None:
    account = SellerAccountFactory(region="eu", selling_partner_id="A1")
    limiters: list[spapi.Limiter] = []
    monkeypatch.setattr(due, "client_for", lambda account, limiter: limiters.append(limiter))
    monkeypatch.setattr(due, "sync_orders", lambda account, **options: SyncResult(finished=True))
    assert due.sync_account(account, now=NOON).finished
    limiter = limiters[0]
    assert isinstance(limiter, RedisLimiter)
    for _call in range(20):
        limiter.acquire(spapi.OPERATIONS["searchOrders"])
    with pytest.raises(spapi.LimitReached):
        RedisLimiter("eu:A1").acquire(spapi.OPERATIONS["searchOrders"])


def test_the_task_reads_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    OrderSyncFactory(due_at=NOON)
    read = []
    monkeypatch.setattr(
        due, "sync_account", lambda account, **options: read.append(account) or SyncResult()
    )
    sync_due()
    assert len(read) == 1
