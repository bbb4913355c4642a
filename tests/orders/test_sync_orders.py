"""manage.py sync_orders against Amazon on this machine."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from orders.models import Door, Order, OrderItem, OrderSync
from sandbox.testing import Running, running
from sellers.clients import account_key
from sellers.models import SellerAccount
from sellers.services import connect_account
from solicit_dashboard.ratelimit import RedisLimiter
from solicit_dashboard.redis import get_redis
from spapi import OPERATIONS
from tests.sellers.conftest import keys_of

ORDERS = 130


@pytest.fixture
def amazon(redis_empty: None) -> Iterator[Running]:
    with (
        running(orders=ORDERS, sellers=2) as amazon,
        override_settings(SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url),
    ):
        yield amazon


@pytest.fixture
def accounts(amazon: Running, db: None) -> list[SellerAccount]:
    return [connect_account(**keys_of(seller)) for seller in amazon.sellers]


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    call_command("sync_orders", json=True, **options)
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_all_accounts_are_read_and_counted(
    accounts: list[SellerAccount], amazon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    document = run(capsys, full=True)
    assert (document["new"], document["changed"], document["unchanged"]) == (2 * ORDERS, 0, 0)
    assert [(one["id"], one["pages"], one["finished"]) for one in document["accounts"]] == [
        (account.pk, 2, True) for account in accounts
    ]
    assert Order.objects.count() == 2 * ORDERS
    again = run(capsys, full=True)
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 2 * ORDERS)
    assert amazon.stats()["throttled"] == 0


def test_what_amazon_knows_of_the_buyer_is_never_fetched(
    accounts: list[SellerAccount], capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, full=True)
    rows = repr(list(Order.objects.values())) + repr(list(OrderItem.objects.values()))
    for word in ("buyer", "recipient", "address", "@", "postal"):
        assert word not in rows.lower()


def test_one_account_alone_and_since_a_date(
    accounts: list[SellerAccount], capsys: pytest.CaptureFixture[str]
) -> None:
    document = run(capsys, account=accounts[1].pk, since="2020-01-01")
    assert [one["id"] for one in document["accounts"]] == [accounts[1].pk]
    # further back than the first run's own reach: the cursor stands
    assert OrderSync.objects.get().updated_after is not None


def test_words_for_a_person(
    accounts: list[SellerAccount], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sync_orders", full=True)
    assert f"{ORDERS} new, 0 changed, 0 unchanged." in capsys.readouterr().out


@pytest.mark.django_db
@pytest.mark.parametrize(
    "options",
    [{"account": 999}, {"since": "01/02/2026"}, {"since": "2026-13-01"}],
)
def test_wrong_use_ends_with_2(options: dict[str, Any]) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("sync_orders", **options)
    assert refusal.value.returncode == 2


def test_a_failure_ends_with_1_and_is_said(
    accounts: list[SellerAccount], amazon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    amazon.set_faults(
        [
            {
                "operation": "searchOrders",
                "seller": accounts[0].selling_partner_id,
                "do": {"kind": "status", "status": 500},
            }
        ]
    )
    with pytest.raises(SystemExit) as ended:
        call_command("sync_orders", full=True, json=True)
    document = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert "500" in document["accounts"][0]["error"]
    assert document["accounts"][1]["new"] == ORDERS


@pytest.mark.django_db
def test_wait_goes_on_when_the_rate_allows(
    redis_empty: None, capsys: pytest.CaptureFixture[str]
) -> None:
    factor = 20 / OPERATIONS["searchOrders"].rate  # twenty calls a second
    with (
        running(orders=ORDERS, sellers=1, rate_factor=factor) as amazon,
        override_settings(
            SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url, SPAPI_RATE_FACTOR=factor
        ),
    ):
        account = connect_account(**keys_of(amazon.sellers[0]))
        limiter = RedisLimiter(account_key(account.selling_partner_id, account.region))
        limiter.answered(OPERATIONS["searchOrders"], 429, None)  # nothing left
        document = run(capsys, full=True, wait=True)
    assert document["new"] == ORDERS
    assert document["accounts"][0]["finished"]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_kills_in_the_middle_of_reading_lose_no_order(
    process_environment: dict[str, str], redis_empty: None
) -> None:
    chance = random.Random(60)
    with (
        running(orders=1_500, sellers=1, latency_ms=15) as amazon,
        override_settings(SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url),
    ):
        addresses = {"SPAPI_ENDPOINT": amazon.url, "LWA_ENDPOINT": amazon.url}
        account = connect_account(**keys_of(amazon.sellers[0]))
        command = [sys.executable, "manage.py", "sync_orders", "--account", str(account.pk)]
        kills = 0
        for reach in (["--full"], []):
            before = Order.objects.count()
            process = subprocess.Popen([*command, *reach], env=process_environment | addresses)
            # once it has begun to store, it dies at some moment of the next pages
            while process.poll() is None and Order.objects.count() == before:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.08))
            process.kill()
            kills += process.wait() == -signal.SIGKILL
        get_redis().flushall()  # the kills used up the bucket, which is not the question here
        call_command("sync_orders")
        sync = OrderSync.objects.get()
        known = set(Order.objects.values_list("pk", flat=True))
        call_command("sync_orders", full=True)
    assert kills == 2
    assert (Door.objects.get().error, sync.next_token) == ("", "")
    assert sync.updated_after is not None
    missed = Order.objects.exclude(pk__in=known).filter(amazon_updated_at__lt=sync.updated_after)
    assert not missed.exists()
    assert len(known) > 1_490  # all but those of the last two minutes
    assert not Order.objects.filter(items=None).exists()
