"""Reads a report with the database of the environment; started by `benchmarks.ingest_report` alone.

The database must be empty. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

import django

django.setup()

# Models can be imported only now.
from django.core.management import call_command  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.database import database_version  # noqa: E402
from benchmarks.report_figures import ReportFigures  # noqa: E402
from orders.models import Order, OrderReport, ReportStatus, ReportType  # noqa: E402
from orders.reports.due import read_due_reports  # noqa: E402
from sellers.models import Application, SellerAccount  # noqa: E402
from spapi import Unlimited  # noqa: E402

_DAY = timedelta(days=1)


def main() -> int:
    """Reads, prints how long it took and how much memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--amazon", required=True)
    parser.add_argument("--lines", type=int, required=True)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    report = _report()
    at_first = _peak_mb()
    started = time.perf_counter()
    with override_settings(SPAPI_ENDPOINT=options.amazon, LWA_ENDPOINT=options.amazon):
        while report.due_at is not None:
            # the clock waits for nothing, and no turn is over before its step
            now = max(timezone.now(), report.due_at)
            read_due_reports(_standing(now), lambda: False, limiter_of=lambda _: Unlimited())
            report.refresh_from_db()
    if report.status != ReportStatus.DONE:
        raise RuntimeError(report.error)
    figures = ReportFigures(
        database=database_version(),
        lines=options.lines,
        orders=Order.objects.count(),
        seconds=round(time.perf_counter() - started, 1),
        peak_mb=_peak_mb(),
        at_first_mb=at_first,
    )
    print(json.dumps(asdict(figures)))
    return 0


def _report() -> OrderReport:
    application = Application.objects.create(
        name="Benchmark", client_id="benchmark", client_secret="benchmark"
    )
    account = SellerAccount.objects.create(
        name="Benchmark",
        selling_partner_id="A1BENCHMARK",
        region="eu",
        application=application,
        refresh_token="Atzr|benchmark",
    )
    now = timezone.now()
    return OrderReport.objects.create(
        account=account,
        report_type=ReportType.BY_UPDATE,
        marketplace_ids=["A1PA6795UKMFR9"],
        data_start=now - 30 * _DAY,
        data_end=now,
        planned_at=now,
        is_backfill=True,
        due_at=now,
    )


def _standing(now: datetime) -> Callable[[], datetime]:
    return lambda: now


def _peak_mb() -> float:
    """The most memory that this process has held, in MB (10^6 bytes; Linux counts in KiB)."""
    scale = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6, 1)


if __name__ == "__main__":
    sys.exit(main())
