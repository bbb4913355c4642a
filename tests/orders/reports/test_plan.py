"""Which reports are asked for: all at once when a manager says so, a few a day from then on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.models import AuditEvent, AuditKind
from orders.models import OrderReport, ReportStatus, ReportType
from orders.reports.plan import (
    DAILY,
    MOST_REPORTS,
    OVERLAP,
    begin_backfill,
    plan_backfill,
    plan_daily,
)
from sellers.models import Connection, SellerAccount
from tests.factories import GERMANY, AccountMarketplaceFactory, OrderReportFactory, UserFactory
from tests.orders.amazon import DAY, NOON

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def account() -> SellerAccount:
    place = AccountMarketplaceFactory()
    AccountMarketplaceFactory(account=place.account, marketplace_id="A13V1IB3VIYZZH")
    account: SellerAccount = place.account
    return account


def test_a_backfill_reaches_every_order_whose_window_may_be_open() -> None:
    plan = plan_backfill(NOON)
    assert len(plan) == 8 <= MOST_REPORTS
    for kind in (*DAILY, ReportType.BY_UPDATE):
        spans = sorted((one.data_start, one.data_end) for one in plan if one.report_type == kind)
        assert spans == [(NOON - 60 * DAY, NOON - 30 * DAY), (NOON - 30 * DAY, NOON)]
    assert plan[0].data_end == NOON  # the newest orders first


@pytest.mark.parametrize(("days", "reports"), [(45, 12), (365, 12)])
def test_a_backfill_is_never_more_than_amazon_takes_at_once(
    settings: object, days: int, reports: int
) -> None:
    settings.REVIEW_CLOSES_AFTER_DAYS = days  # type: ignore[attr-defined]
    assert len(plan_backfill(NOON)) == reports


def test_nothing_is_asked_for_before_somebody_says_so(account: SellerAccount) -> None:
    assert plan_daily(NOON) == 0
    assert not OrderReport.objects.exists()


def test_a_backfill_is_begun_once_and_written_down(account: SellerAccount) -> None:
    user = UserFactory()
    begun = begin_backfill(account, at=NOON, user=user)
    assert len(begun) == 8
    assert begin_backfill(account, at=NOON + HOUR, user=user) == []
    report = OrderReport.objects.filter(report_type=ReportType.SHIPMENTS).first()
    assert report is not None
    assert report.marketplace_ids == ["A13V1IB3VIYZZH", GERMANY]
    assert (report.status, report.due_at, report.approved_by) == ("wanted", NOON, user)
    assert report.is_backfill
    event = AuditEvent.objects.get(kind=AuditKind.BACKFILLED)
    assert (event.user, event.account_id, event.detail) == (user, account.pk, {"reports": 8})


def test_an_account_without_marketplaces_has_no_reports() -> None:
    place = AccountMarketplaceFactory()
    place.account.marketplaces.all().delete()
    assert begin_backfill(place.account, at=NOON) == []
    assert not AuditEvent.objects.exists()


def test_a_day_after_the_backfill_arrivals_and_returns_are_read_again(
    account: SellerAccount,
) -> None:
    begin_backfill(account, at=NOON)
    # not while it is under way, nor before its day has come
    assert plan_daily(NOON + DAY) == 0
    OrderReport.objects.update(status=ReportStatus.DONE, due_at=None)
    assert plan_daily(NOON + DAY - HOUR) == 0
    assert plan_daily(NOON + DAY) == 3
    assert plan_daily(NOON + DAY) == 0
    daily = OrderReport.objects.filter(is_backfill=False)
    assert {report.report_type for report in daily} == set(DAILY)
    for report in daily:
        assert (report.data_start, report.data_end) == (NOON - OVERLAP, NOON + DAY)


def test_what_failed_is_read_from_where_it_last_succeeded(account: SellerAccount) -> None:
    def ended(kind: ReportType, status: ReportStatus, days: int) -> None:
        OrderReportFactory(
            account=account,
            report_type=kind,
            status=status,
            due_at=None,
            planned_at=NOON - days * DAY,
            data_start=NOON - (days + 1) * DAY,
            data_end=NOON - days * DAY,
        )

    ended(ReportType.SHIPMENTS, ReportStatus.DONE, 1)
    ended(ReportType.FBA_RETURNS, ReportStatus.DONE, 40)
    ended(ReportType.FBA_RETURNS, ReportStatus.FAILED, 1)
    assert plan_daily(NOON) == 5
    reach = {
        kind: [
            (NOON - report.data_start).days
            for report in OrderReport.objects.filter(report_type=kind, planned_at=NOON)
        ]
        for kind in DAILY
    }
    assert reach[ReportType.SHIPMENTS] == [3]
    assert sorted(reach[ReportType.FBA_RETURNS]) == [30, 42]
    assert sorted(reach[ReportType.MFN_RETURNS]) == [30, 60]  # as far as a window may be open


def test_an_account_that_is_disconnected_rests(account: SellerAccount) -> None:
    begin_backfill(account, at=NOON)
    OrderReport.objects.update(status=ReportStatus.DONE, due_at=None)
    SellerAccount.objects.update(connection=Connection.DISCONNECTED)
    assert plan_daily(NOON + DAY) == 0
