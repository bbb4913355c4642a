"""Each account's orders are read when their time has come, and by one worker only."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

import spapi
from orders.ingest import due
from orders.ingest.due import sync_due_accounts, take_due
from orders.ingest.poll import EVERY, SyncResult
from orders.models import OrderSync
from orders.tasks import sync_due
from sellers.models import SellerAccount
from solicit_dashboard.ratelimit import RedisLimiter
from tests.factories import OrderSyncFactory, SellerAccountFactory
from tests.orders.amazon import NOON

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
