"""Which reports are asked for: a back-fill when a person approves it, then a few every day.

Reading asks nobody for a review. Still a back-fill waits for a manager, as everything does that is
begun for an account; from then on arrivals and returns are read once a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, OuterRef, Subquery

from audit.models import AuditKind
from audit.services import record_event
from orders.ingest.search import first_reach
from orders.locking import lock_orders_of
from orders.models import SUCCEEDED, OrderReport, ReportType
from sellers.models import SellerAccount

# createReport lets 15 through at once and one a minute after them (Reports API 2021-06-30).
MOST_REPORTS = 15
# No source of Amazon's names the longest span of a report; 30 days are commonly said, and the FBA
# shipments take a month (https://developer-docs.amazon.com/sp-api/docs/report-type-values-fba).
LONGEST_SPAN = timedelta(days=30)
MOST_MARKETPLACES = 25  # of one report
BACKFILLED = (
    ReportType.BY_UPDATE,
    ReportType.SHIPMENTS,
    ReportType.FBA_RETURNS,
    ReportType.MFN_RETURNS,
)
DAILY = BACKFILLED[1:]
EVERY = timedelta(hours=24)
# A shipment is told hours after it left, rarely a day later.
OVERLAP = timedelta(days=2)


@dataclass(frozen=True)
class Wanted:
    """A report to be asked for; moments in UTC."""

    report_type: ReportType
    data_start: datetime
    data_end: datetime


def plan_backfill(now: datetime) -> list[Wanted]:
    """What tells of every order whose window may be open at that moment (UTC), newest spans first.

    At most 15 reports, as many as Amazon takes at once; what is older than they reach is left out.
    """
    spans = list(_spans(first_reach(now), now))
    wanted = [Wanted(kind, start, end) for start, end in spans for kind in BACKFILLED]
    return wanted[: MOST_REPORTS - MOST_REPORTS % len(BACKFILLED)]


def may_backfill(account: SellerAccount) -> bool:
    """Whether none of its reports is under way."""
    return not OrderReport.objects.filter(account=account).under_way().exists()


def begin_backfill(
    account: SellerAccount,
    *,
    at: datetime,
    user: User | None = None,
    wanted: list[Wanted] | None = None,
) -> list[OrderReport]:
    """The reports of a back-fill are due, in the name of this person (None: the command line).

    Those of `plan_backfill(at)`, unless others are given. Empty while reports are under way.
    `at` is in UTC.
    """
    with transaction.atomic():
        lock_orders_of(account.pk)
        if not may_backfill(account):
            return []
        reports = _create(account, wanted or plan_backfill(at), at, user, is_backfill=True)
        if reports:
            record_event(
                AuditKind.BACKFILLED,
                user=user,
                account_id=account.pk,
                subject=account.name,
                reports=len(reports),
            )
    return reports


def plan_daily(now: datetime) -> int:
    """The daily reports of every account whose day has come (UTC) are due; returns how many."""
    newest = OrderReport.objects.filter(account=OuterRef("pk")).order_by("-planned_at")
    begun = (
        SellerAccount.objects.reachable()
        .annotate(planned_at=Subquery(newest.values("planned_at")[:1]))
        .filter(planned_at__lte=now - EVERY)
    )
    return sum(_plan_day(account, now) for account in begun)


def _plan_day(account: SellerAccount, now: datetime) -> int:
    with transaction.atomic():
        lock_orders_of(account.pk)
        planned = OrderReport.objects.filter(account=account, planned_at__gt=now - EVERY)
        if planned.exists() or not may_backfill(account):
            return 0
        reached = dict(
            OrderReport.objects.filter(account=account, status__in=SUCCEEDED)
            .order_by()
            .values_list("report_type")
            .annotate(Max("data_end"))
        )
        wanted, reach = [], first_reach(now)
        for kind in DAILY:
            since = max(reached.get(kind, reach) - OVERLAP, reach)
            wanted += [Wanted(kind, start, end) for start, end in _spans(since, now)]
        return len(_create(account, wanted[:MOST_REPORTS], now, None, is_backfill=False))


def _create(
    account: SellerAccount,
    wanted: list[Wanted],
    at: datetime,
    user: User | None,
    *,
    is_backfill: bool,
) -> list[OrderReport]:
    marketplaces = sorted(account.marketplaces.values_list("marketplace_id", flat=True))
    if not marketplaces:
        return []
    return OrderReport.objects.bulk_create(
        OrderReport(
            account=account,
            report_type=one.report_type,
            marketplace_ids=marketplaces[:MOST_MARKETPLACES],
            data_start=one.data_start,
            data_end=one.data_end,
            planned_at=at,
            is_backfill=is_backfill,
            approved_by=user,
            due_at=at,
        )
        for one in wanted
    )


def _spans(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time between the two in whole seconds and in spans that a report takes, newest first."""
    start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    while end > start:
        begin = max(start, end - LONGEST_SPAN)
        yield begin, end
        end = begin
