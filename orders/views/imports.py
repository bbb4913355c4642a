"""Orders and order numbers by CSV: the page, what a file would do, and doing it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from orders.csv_import.columns import ORDERS
from orders.csv_import.plans import plan_orders
from orders.csv_import.reading import read_file
from orders.csv_import.text import FileRefusedError
from orders.models import ImportKind, OrderImport
from orders.views.upload_forms import OrdersForm
from orders.views.uploads import (
    confirm_plan,
    limited_body,
    posted_account,
    require_whole_body,
    show_plan,
)
from sellers.models import Role
from solicit_dashboard.access import (
    get_reach,
    log_ignored_fields,
    require_some_account,
    single_value,
)

FIELDS = ("account", "text", "file", "end", "plan", "skip_bad_rows")
SHOWN_IMPORTS = 20


@require_http_methods(["GET", "HEAD", "POST"])
@limited_body
def import_orders(request: HttpRequest) -> HttpResponse:
    """The page; a form with a file gets what that would do, and its form in turn does it.

    422 with what is wrong with the file as a whole; 400 when the upload was cut off.
    """
    if request.method != "POST":
        require_some_account(request, get_reach(request), Role.OPERATOR)
        return _page(request, _form(request, is_bound=False), status=200)
    log_ignored_fields(request, FIELDS)
    require_whole_body(request)
    if single_value(request.POST, "plan"):
        done = confirm_plan(request)
        if isinstance(done, HttpResponse):
            return done
        messages.success(request, _in_words(done))
        return redirect("orders:import")
    account = posted_account(request)
    single_value(request.POST, "text")
    form = _form(request, is_bound=True)
    if form.is_valid():
        raw, name = form.content()
        try:
            reading = read_file(raw, ImportKind.ORDERS, name)
        except FileRefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            among = get_reach(request).ids()
            plan = plan_orders(account, reading.checked, reading.source, among=among)
            return show_plan(request, account, reading, plan, back=reverse("orders:import"))
    return _page(request, form, status=422)


def _form(request: HttpRequest, *, is_bound: bool) -> OrdersForm:
    reach = get_reach(request)
    accounts = [account for account in reach.accounts if reach.may(account.pk, Role.OPERATOR)]
    return OrdersForm(request if is_bound else None, accounts=accounts)


def _page(request: HttpRequest, form: OrdersForm, *, status: int) -> HttpResponse:
    imports = (
        OrderImport.objects.filter(account_id__in=get_reach(request).ids(), kind=ImportKind.ORDERS)
        .select_related("account", "made_by")
        .order_by("-pk")[:SHOWN_IMPORTS]
    )
    context = {
        "form": form,
        "imports": imports,
        "columns": [column.name for column in ORDERS.columns],
    }
    return render(request, "orders/imports/import.html", context, status=status)


def _in_words(done: OrderImport) -> str:
    left_out = f" Bad rows that were left out: {done.bad_rows:,}." if done.bad_rows else ""
    return (
        f"{done.file_name}: orders that are new: {done.new:,}, that were here: {done.known:,}."
        f"{left_out} Amazon is being asked for them."
    )
