"""The numbers in the charts of the first page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from messaging.states import Status
from sellers.models import SellerAccount
from solicit_dashboard.overview_charts import DAYS, ends_by_day, window_calendars
from tests.factories import OrderFactory, OutgoingActionFactory, SellerAccountFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> SellerAccount:
    account: SellerAccount = SellerAccountFactory(name="Nordwind")
    return account


def test_the_chart_tells_each_day_how_it_ended(account: SellerAccount) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for status, at in (
        (Status.SENT, now),
        (Status.SENT, now.replace(hour=0)),
        (Status.REFUSED, now),
        (Status.PROBABLY_SENT, now),
        (Status.EXPIRED, now - timedelta(days=1)),
        (Status.QUEUED, now),
        (Status.SENT, now.replace(hour=0) - timedelta(days=29)),
        (Status.SENT, now.replace(hour=0) - timedelta(days=29, microseconds=1)),
    ):
        OutgoingActionFactory(order__account=account, status=status, status_at=at, created_at=at)
    OutgoingActionFactory(status=Status.SENT, status_at=now, created_at=now)
    chart = ends_by_day([account.pk], now)
    assert len(chart.rows) == DAYS
    assert [row.values for row in chart.rows if row.total] == [[1, 0, 0], [0, 0, 1], [2, 1, 1]]
    assert chart.rows[0].values == [1, 0, 0]
    assert [total for _series, total in chart.totals] == [3, 1, 2]


def test_the_calendars_tell_when_windows_close_and_open(account: SellerAccount) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def order(earliest: datetime, latest: datetime, **fields: object) -> None:
        OrderFactory(
            account=account, earliest_delivery_at=earliest, latest_delivery_at=latest, **fields
        )

    day = timedelta(days=1)
    order(now - 20 * day, now - 18 * day)  # closes on 2 December, has opened
    order(now - 2 * day, now + 3 * day)  # opens on 23 November, closes after the 30 days
    order(now - 40 * day, now - 31 * day)  # over
    order(now - 20 * day, now - 18 * day, is_returned=True)
    OutgoingActionFactory(
        order__account=account,
        order__earliest_delivery_at=now - 20 * day,
        order__latest_delivery_at=now - 18 * day,
    )
    close, open_ = window_calendars([account.pk], now)
    assert {cell.day.isoformat(): cell.value for cell in close.cells if cell.value} == {
        "2026-12-02": 1
    }
    assert {cell.day.isoformat(): cell.value for cell in open_.cells if cell.value} == {
        "2026-11-23": 1
    }
