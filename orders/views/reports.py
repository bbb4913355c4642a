"""The reports of an account: what a back-fill would read, what was read, and what failed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from messaging.clock import read_database_clock
from orders.models import OrderReport, ReportStatus
from orders.reports.plan import begin_backfill, may_backfill, plan_backfill
from orders.states import Tone
from sellers.models import Connection, Role
from solicit_dashboard.access import get_account, get_reach, get_user, log_ignored_fields

PAGE = "orders:reports"
MOST_SHOWN = 30
_TONES = {
    ReportStatus.DONE: Tone.GOOD,
    ReportStatus.EMPTY: Tone.QUIET,
    ReportStatus.FAILED: Tone.BAD,
}


@require_safe
def reports(request: HttpRequest, account_id: int) -> HttpResponse:
    """What would be read now if a manager says so, and the newest reports."""
    account = get_account(request, account_id)
    newest = OrderReport.objects.filter(account=account).select_related("approved_by")[:MOST_SHOWN]
    is_connected = account.connection == Connection.CONNECTED
    context = {
        "account": account,
        "is_connected": is_connected,
        "may_manage": get_reach(request).may(account.pk, Role.MANAGER),
        "plan": plan_backfill(read_database_clock()) if may_backfill(account) else [],
        "reports": [
            (report, _TONES.get(ReportStatus(report.status), Tone.BUSY)) for report in newest
        ],
    }
    return render(request, "orders/reports.html", context)


@require_POST
def read(request: HttpRequest, account_id: int) -> HttpResponse:
    """The reports of the open window are asked for, unless some are under way."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, [])
    begun = begin_backfill(account, at=read_database_clock(), user=get_user(request))
    if begun:
        messages.success(
            request,
            f"{len(begun)} reports of {account.name} are asked for. Nothing is sent because of them.",
        )
    else:
        messages.info(
            request, f"{account.name} has reports under way, or no marketplaces to read them of."
        )
    return redirect(PAGE, account.pk)
