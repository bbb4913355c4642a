"""The two steps by which a file comes in: what it would do, then, confirmed, doing it.

Between the two nothing is kept here: the page carries the plan, signed for the person who made it.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from django.core import signing
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orders.csv_import.carry_out import carry_out
from orders.csv_import.plans import Plan, imported_before
from orders.csv_import.reading import Reading
from orders.csv_import.text import LARGEST_FILE, too_large
from orders.models import OrderHint, OrderImport
from sellers.models import Connection, Role, SellerAccount
from solicit_dashboard.access import get_account, get_user, single_value
from solicit_dashboard.bodies import limit_body
from solicit_dashboard.errors import error_page
from spapi.operations import GET_ORDER

# The file, or the plan that was made of it, and what a form has besides.
LARGEST_BODY = LARGEST_FILE + 256 * 1024
GOOD_FOR_SECONDS = 3600
TOO_OLD = "This page is too old. Bring the file once more."
CUT_OFF = "The upload was cut off before its end. Nothing was imported. Try again."

limited_body = limit_body(LARGEST_BODY, too_large())


def require_whole_body(request: HttpRequest) -> None:
    """The form came to its end, for which its last field stands; else BadRequest."""
    if single_value(request.POST, "end") != "1":
        raise BadRequest(CUT_OFF)


def posted_account(request: HttpRequest) -> SellerAccount:
    """The account that the form names, if this person may send for it."""
    given = single_value(request.POST, "account")
    if not (given.isascii() and given.isdigit() and len(given) < 20):
        raise BadRequest("account: this is no account of the list. Reload and choose again.")
    return get_account(request, int(given), Role.OPERATOR)


def show_plan(
    request: HttpRequest, account: SellerAccount, reading: Reading, plan: Plan, *, back: str
) -> HttpResponse:
    """The page that says what would happen; its form leads back to the address of this request."""
    payload = {"account": account.pk, "key": str(uuid4()), "plan": plan.to_plain()}
    waiting = OrderHint.objects.filter(account=account, parked_at=None).count()
    context = {
        "account": account,
        "reading": reading,
        "checked": reading.checked,
        "plan": plan,
        "more_faults": reading.checked.bad - len({one.line for one in reading.checked.faults}),
        "before": imported_before(account, plan.source),
        "is_connected": account.connection == Connection.CONNECTED,
        "takes": timedelta(seconds=(plan.size + waiting) / GET_ORDER.rate),
        "token": signing.dumps(payload, salt=_salt(request), compress=True) if plan.size else "",
        "here": request.path,
        "back": back,
    }
    response = render(request, "orders/imports/check.html", context)
    # Not no-store: the answer of a form has no address, so the back button needs it kept.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def confirm_plan(request: HttpRequest) -> OrderImport | HttpResponse:
    """What the posted page promised is done; or the page that says why not."""
    try:
        payload = signing.loads(
            single_value(request.POST, "plan"), salt=_salt(request), max_age=GOOD_FOR_SECONDS
        )
    except signing.BadSignature:
        raise BadRequest(TOO_OLD) from None
    account = get_account(request, payload["account"], Role.OPERATOR)
    plan = Plan.from_plain(payload["plan"])
    if plan.source.bad_rows and not single_value(request.POST, "skip_bad_rows"):
        sentence = f"{plan.source.bad_rows:,} rows are bad. Mend the file, or choose to skip them."
        return error_page(request, 409, "Nothing was imported", sentence)
    return carry_out(
        account, plan, user=get_user(request), at=timezone.now(), client_key=UUID(payload["key"])
    )


def _salt(request: HttpRequest) -> str:
    """A plan is good for the person and the page that it was made for."""
    return f"orders.import.{get_user(request).pk}.{request.path}"
