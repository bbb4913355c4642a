"""manage.py backfill against Amazon on this machine, and killed in the midst of it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from orders.ingest.due import sync_account
from orders.management.commands import backfill
from orders.models import Order, OrderReport, ReportStatus
from orders.reports.due import read_due_reports
from orders.reports.plan import begin_backfill
from sandbox.testing import running
from sellers.services import connect_account
from spapi import Unlimited
from tests.factories import AccountMarketplaceFactory, SellerAccountFactory
from tests.orders.reports.conftest import Reading
from tests.orders.reports.conftest import reading as reading
from tests.sellers.conftest import keys_of


@pytest.mark.django_db
def test_it_begins_a_backfill_that_the_worker_reads(
    reading: Reading, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("backfill", account=reading.account.pk)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 8
    assert told[0].startswith("Orders by last change, ")
    assert told[0].endswith(": to be asked for.")
    assert OrderReport.objects.filter(due_at__lte=timezone.now()).count() == 8


@pytest.mark.django_db
def test_with_wait_it_reads_to_the_end_and_says_what_failed(
    reading: Reading, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, second, *_others] = reading.begin()
    OrderReport.objects.exclude(pk__in=[first.pk, second.pk]).delete()
    OrderReport.objects.filter(pk=second.pk).update(
        status=ReportStatus.FAILED, due_at=None, error="Amazon refused the report."
    )
    monkeypatch.setattr(backfill, "read_due_reports", lambda clock, stops: reading.turn())
    with pytest.raises(SystemExit) as ended:
        call_command("backfill", account=reading.account.pk, wait=True)
    assert ended.value.code == 1
    told = capsys.readouterr().out.splitlines()
    assert ": read, " in told[0]
    assert told[0].endswith(" orders.")
    assert told[1].endswith(": failed. Amazon refused the report.")


@pytest.mark.django_db
def test_what_cannot_be_read_is_said() -> None:
    none = SellerAccountFactory()
    gone = AccountMarketplaceFactory(account=SellerAccountFactory(refresh_token="")).account
    for account, words in (
        (none.pk, "no marketplaces"),
        (gone.pk, "disconnected"),
        (0, "no account"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("backfill", account=account)


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_kills_in_the_middle_of_a_backfill_lose_no_order(
    process_environment: dict[str, str], redis_empty: None, settings: Any, tmp_path: Any
) -> None:
    chance = random.Random(9)
    with running(orders=300, sellers=1, rate_factor=1000, latency_ms=5) as amazon:
        addresses = {"SPAPI_ENDPOINT": amazon.url, "LWA_ENDPOINT": amazon.url}
        settings.SPAPI_ENDPOINT = settings.LWA_ENDPOINT = amazon.url
        settings.DATA_DIR = tmp_path
        account = connect_account(**keys_of(amazon.sellers[0]))
        now = timezone.now()
        begun = begin_backfill(account, at=now)
        environment = process_environment | addresses | {"DATA_DIR": str(tmp_path)}
        environment |= {"SPAPI_RATE_FACTOR": "1000"}
        command = [sys.executable, "manage.py", "backfill", "--account", str(account.pk), "--wait"]
        kills = 0
        for round_number in range(3):
            # as if all waits were over, and the claims of who died
            OrderReport.objects.under_way().update(due_at=timezone.now())
            amazon.set_clock_offset(30.0 * round_number)
            before = stands()
            process = subprocess.Popen(command, env=environment)
            while process.poll() is None and stands() == before:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            kills += process.wait() == -signal.SIGKILL
        read_to_the_end(amazon)
        assert kills == 3
        known = set(Order.objects.values_list("pk", flat=True))
        ended = set(OrderReport.objects.values_list("status", flat=True))
        assert ended <= {ReportStatus.DONE, ReportStatus.EMPTY}
        since = min(report.data_start for report in begun)
        assert sync_account(account, now=timezone.now(), full=True, limiter=Unlimited()).finished
    told = Order.objects.filter(amazon_updated_at__gte=since, amazon_updated_at__lt=now)
    assert set(told.values_list("pk", flat=True)) <= known
    assert len(known) > 120


def stands() -> list[Any]:
    return list(OrderReport.objects.order_by("pk").values_list("status", "position"))


def read_to_the_end(amazon: Any) -> None:
    for turn in range(200):
        if not OrderReport.objects.under_way().exists():
            return
        OrderReport.objects.under_way().update(due_at=timezone.now())
        amazon.set_clock_offset(100.0 + turn)
        read_due_reports(timezone.now, lambda: False)
    raise AssertionError(list(OrderReport.objects.values_list("status", "error")))
