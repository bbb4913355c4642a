"""The connection doctor of an account: one line for each thing that can be wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from messaging.clock import read_database_clock
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import get_account
from solicit_dashboard.doctor.checks import (
    ACCOUNT_CHECKS,
    CHECKS,
    INSTALLATION_CHECKS,
    Check,
    Line,
    examine,
)
from solicit_dashboard.doctor.visit import Visit
from solicit_dashboard.middleware import is_htmx


@require_safe
def doctor(request: HttpRequest, account_id: int) -> HttpResponse:
    """The page with all lines; each looks for itself, or all at once with `?now=1`."""
    account = get_account(request, account_id, Role.MANAGER)
    asked = tuple(CHECKS.values()) if request.GET.get("now") == "1" else ()
    return _page(request, account, asked)


@require_safe
def line(request: HttpRequest, account_id: int, check: str) -> HttpResponse:
    """One line, looked at now; without htmx the page in which it is the only one."""
    account = get_account(request, account_id, Role.MANAGER)
    found = CHECKS.get(check)
    if found is None:
        raise Http404
    if not is_htmx(request):
        return _page(request, account, (found,))
    context = {"account": account, "line": _look(account, (found,))[found.key]}
    return render(request, "sellers/_doctor_line.html", context)


def _page(request: HttpRequest, account: SellerAccount, asked: tuple[Check, ...]) -> HttpResponse:
    known = _look(account, asked)
    parts: list[tuple[str, Sequence[Check]]] = [
        (f"{account.name} and Amazon", ACCOUNT_CHECKS),
        ("This installation", INSTALLATION_CHECKS),
    ]
    context = {
        "account": account,
        "parts": [
            (title, [known.get(check.key, Line(check)) for check in checks])
            for title, checks in parts
        ],
        "is_live": not asked,
    }
    return render(request, "sellers/doctor.html", context)


def _look(account: SellerAccount, checks: tuple[Check, ...]) -> dict[str, Line]:
    visit = Visit(account, read_database_clock()) if checks else None
    return {found.check.key: found for found in examine(checks, visit)}
