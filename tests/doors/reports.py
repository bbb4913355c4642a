"""By reports alone: from Amazon's files, asked for, fetched and read step by step.

What only reports tell of orders (arrivals, returns) comes in by `arrivals_and_returns`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from django.utils import timezone

from orders.models import OrderReport, ReportStatus, ReportType
from orders.reports.copies import copy_path
from orders.reports.due import read_due_reports
from orders.reports.plan import LONGEST_SPAN, Wanted, begin_backfill
from spapi import Unlimited
from tests.doors.stage import Stage

MADE = 7.0  # seconds after which the sandbox has made a report
RETURNS_AND_ARRIVALS = (ReportType.SHIPMENTS, ReportType.FBA_RETURNS, ReportType.MFN_RETURNS)


def by_reports(stage: Stage, chance: Random) -> Iterator[None]:
    """Every order twice, by its last change and by its purchase, reports and lines in any order."""
    return _read(stage, chance, (ReportType.BY_UPDATE, ReportType.BY_ORDER), _one_step)


def arrivals_and_returns(stage: Stage, chance: Random) -> Iterator[None]:
    """When FBA orders should have arrived, and what was returned."""
    return _read(stage, chance, RETURNS_AND_ARRIVALS, lambda: _never)


def _read(
    stage: Stage,
    chance: Random,
    kinds: tuple[ReportType, ...],
    stopping: Callable[[], Callable[[], bool]],
) -> Iterator[None]:
    now = timezone.now()
    wanted = [Wanted(kind, *span) for kind in kinds for span in _spans(stage.since, now)]
    begun = begin_backfill(stage.account, at=now, wanted=wanted)
    assert len(begun) == len(wanted)
    _shuffle(chance)
    reports = OrderReport.objects.filter(pk__in=[report.pk for report in begun])
    waited = 0
    while reports.under_way().exists():
        _shuffle_lines(chance)
        if not read_due_reports(timezone.now, stopping(), limiter_of=lambda _: Unlimited()):
            # all wait for Amazon, which is told that it is later
            waited += 1
            assert waited < 10, list(reports.values("status", "error"))
            ahead = stage.amazon.time()["offset_s"]
            stage.amazon.set_clock_offset(ahead + MADE)
            _shuffle(chance)
        yield
    assert not reports.filter(status=ReportStatus.FAILED).exists(), list(reports.values("error"))


def _spans(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = start.replace(microsecond=0)
    while start < end:
        until = min(start + LONGEST_SPAN, end.replace(microsecond=0) + timedelta(seconds=1))
        yield start, until
        start = until


def _shuffle(chance: Random) -> None:
    """All reports under way are due, in any order."""
    for report in OrderReport.objects.under_way():
        due_at = timezone.now() - timedelta(seconds=chance.random())
        OrderReport.objects.filter(pk=report.pk).update(due_at=due_at)


def _shuffle_lines(chance: Random) -> None:
    """The lines of reports that are about to be read stand in any order."""
    for report in OrderReport.objects.filter(status=ReportStatus.PARSING, position=0, lines=0):
        path = copy_path(report)
        lines = path.read_bytes().splitlines(keepends=True)
        chance.shuffle(lines)
        path.write_bytes(b"".join(lines))


def _never() -> bool:
    return False


def _one_step() -> Callable[[], bool]:
    """Lets one step begin, and ends it at the first occasion."""
    answers = iter([False])
    return lambda: next(answers, True)
