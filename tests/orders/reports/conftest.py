"""A seller at Amazon on this machine, whose reports are read by a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils import timezone

from orders.models import OrderReport
from orders.reports.due import read_due_reports
from orders.reports.plan import begin_backfill
from sandbox.testing import Running, running
from sellers.models import SellerAccount
from sellers.services import connect_account
from spapi import Unlimited
from tests.orders.amazon import NOON
from tests.sellers.conftest import keys_of

TURN = timedelta(seconds=30)


@dataclass
class Reading:
    """One account's reports at a sandbox; time passes by turns alone, for both."""

    amazon: Running
    account: SellerAccount
    copies: Path
    now: datetime = NOON

    def begin(self) -> list[OrderReport]:
        """A back-fill is begun."""
        return begin_backfill(self.account, at=self.now)

    def turn(self, wait: timedelta = TURN) -> int:
        """A turn of the worker, after so much time; returns how many steps were done."""
        self.now += wait
        self.set_clock()
        return read_due_reports(
            lambda: self.now, lambda: False, limiter_of=lambda account: Unlimited()
        )

    def set_clock(self) -> None:
        """At Amazon it is as late as here."""
        self.amazon.set_clock_offset((self.now - timezone.now()).total_seconds())

    def finish(self, wait: timedelta = TURN) -> None:
        """Turns until all reports have ended."""
        for _turn in range(100):
            if not OrderReport.objects.under_way().exists():
                return
            self.turn(wait)
        raise AssertionError(list(OrderReport.objects.values("report_type", "status", "error")))


@pytest.fixture
def reading(redis_empty: None, tmp_path: Path) -> Iterator[Reading]:
    """One seller in Europe with 120 orders of the 120 days before NOON, and it is NOON."""
    offset = (NOON - timezone.now()).total_seconds()
    with (
        running(
            orders=120,
            sellers=1,
            rate_factor=1000,
            epoch=int(NOON.timestamp()),
            clock_offset_s=offset,
        ) as amazon,
        override_settings(SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url, DATA_DIR=tmp_path),
    ):
        account = connect_account(**keys_of(amazon.sellers[0]))
        yield Reading(amazon, account, tmp_path / "reports")
