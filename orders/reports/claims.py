"""Who does a report's next step: one worker at a time, by conditional UPDATEs of its row.

A claim moves `due_at` ahead; whatever the step finds is written only while the row still has that
moment. So a killed worker's report is due again in a few minutes, and a worker that was slow
writes nothing over what another one did meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from orders.doors import door_failed, door_worked
from orders.locking import lock_orders_of
from orders.models import (
    ENDED,
    OrderReport,
    OrderReportQuerySet,
    OrderSync,
    ReportStatus,
    ReportType,
)
from orders.states import DoorName
from solicit_dashboard.conflicts import repeats_on_conflict

# Longer than any step takes.
CLAIM = timedelta(minutes=5)
_STATE = (
    "report_type",
    "status",
    "due_at",
    "asked_at",
    "report_id",
    "document_id",
    "polls",
    "attempts",
    "failures",
    "position",
    "lines",
    "counters",
    "error",
    "ended_at",
)
_RETURNS = frozenset({ReportType.FBA_RETURNS, ReportType.MFN_RETURNS})


def claim(report: OrderReport, now: datetime) -> bool:
    """The report's next step is ours; False when somebody else took it. `now` is UTC."""
    until = now + CLAIM
    if not claimed(report).update(due_at=until):
        return False
    report.due_at = until
    return True


def claimed(report: OrderReport) -> OrderReportQuerySet:
    """The report's row, or none when it is no longer as we claimed it."""
    return OrderReport.objects.filter(pk=report.pk, due_at=report.due_at)


def move(report: OrderReport, status: ReportStatus, due_at: datetime) -> bool:
    """The row says what `report` says, in that state and due then; False if the claim was lost."""
    rows = claimed(report)
    report.status, report.due_at = status, due_at
    return _write(report, rows)


def end(report: OrderReport, status: ReportStatus, now: datetime, error: str = "") -> bool:
    """The report has ended so; False if the claim was lost. `now` is UTC.

    When it is the last of those planned with it, the door worked, or did not for that reason, and
    after the reports of returns we know until when we looked for returns.
    """
    return _end(report, claimed(report), status, now, error)


@repeats_on_conflict
def _end(
    report: OrderReport,
    rows: OrderReportQuerySet,
    status: ReportStatus,
    now: datetime,
    error: str,
) -> bool:
    with transaction.atomic():
        lock_orders_of(report.account_id)
        report.status, report.due_at, report.ended_at = status, None, now
        report.error = error
        if not _write(report, rows):
            return False
        plan = list(
            OrderReport.objects.filter(account=report.account_id, planned_at=report.planned_at)
        )
        if all(one.status in ENDED for one in plan):
            _end_plan(report, plan, now)
    return True


def _end_plan(report: OrderReport, plan: Sequence[OrderReport], now: datetime) -> None:
    failed = [one for one in plan if one.status == ReportStatus.FAILED]
    if failed:
        sentence = f"{failed[0].get_report_type_display()}: {failed[0].error}"
        door_failed(report.account, DoorName.REPORTS, at=now, error=sentence)
    else:
        door_worked(report.account, DoorName.REPORTS, at=now)
    returns = [one for one in plan if one.report_type in _RETURNS]
    if {one.report_type for one in returns} != _RETURNS or any(one in failed for one in returns):
        return
    looked_at = max(one.data_end for one in returns)
    OrderSync.objects.filter(account=report.account_id).exclude(
        returns_looked_at__gt=looked_at
    ).update(returns_looked_at=looked_at)


def _write(report: OrderReport, rows: OrderReportQuerySet) -> bool:
    return bool(rows.update(**{name: getattr(report, name) for name in _STATE}))
