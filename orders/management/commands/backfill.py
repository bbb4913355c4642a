"""manage.py backfill"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orders.models import OrderReport, ReportStatus
from orders.reports.due import read_due_reports
from orders.reports.plan import begin_backfill
from sellers.models import SellerAccount

LOOK_SECONDS = 2.0


class Command(BaseCommand):
    help = (
        "Read the orders of one account whose window may be open, the arrival of its FBA orders "
        "and its returns, from Amazon's reports. Nothing is sent because of it. The worker does "
        "the reading; with --wait it is done here. Reports that are under way go on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", type=int, metavar="ID", required=True)
        parser.add_argument("--wait", action="store_true", help="until all of them have ended")

    def handle(self, *args: Any, **options: Any) -> None:
        account = SellerAccount.objects.filter(pk=options["account"]).first()
        if account is None:
            raise CommandError(f"There is no account {options['account']}.", returncode=2)
        if not account.refresh_token:
            raise CommandError(f"Account {account.pk} is disconnected.", returncode=1)
        reports = OrderReport.objects.filter(account=account)
        begun = begin_backfill(account, at=timezone.now())
        if not begun and not reports.under_way().exists():
            raise CommandError(f"Account {account.pk} has no marketplaces.", returncode=1)
        if options["wait"]:
            while reports.under_way().exists():
                if not read_due_reports(timezone.now, lambda: False):
                    time.sleep(LOOK_SECONDS)
        newest = reports.order_by("-planned_at").values_list("planned_at", flat=True)[:1]
        shown = list(reports.filter(planned_at__in=newest).order_by("pk"))
        for report in shown:
            self.stdout.write(_in_words(report))
        if any(report.status == ReportStatus.FAILED for report in shown):
            raise SystemExit(1)


def _in_words(report: OrderReport) -> str:
    words = (
        f"{report.get_report_type_display()}, {report.data_start:%Y-%m-%d} to "
        f"{report.data_end:%Y-%m-%d}: {report.get_status_display().lower()}"
    )
    if report.lines:
        words += f", {report.lines} orders"
    return f"{words}. {report.error}".rstrip()
