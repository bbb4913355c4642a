"""The list of orders: the page, its table alone for htmx, its counts, and one row."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from orders.forms import OrderFilterForm
from orders.models import Order
from orders.views.filters import OrderFilter
from orders.views.freshness import freshness
from orders.views.listing import (
    Tally,
    count_pill,
    count_pills,
    list_pager,
    read_list,
    tally_of_list,
)
from orders.views.rows import order_rows
from orders.views.selection import sign_all_matching
from sellers.models import Role
from solicit_dashboard.access import Reach, get_order, get_reach, get_user, single_value
from solicit_dashboard.keyset import Cursor, read_page
from solicit_dashboard.middleware import is_htmx, page_of_fragment


@require_safe
def order_list(request: HttpRequest) -> HttpResponse:
    """The orders that the address asks for; 400 with every fault of the address."""
    at = timezone.now()
    reach = get_reach(request)
    form = OrderFilterForm(request.GET, reach=reach)
    if not form.is_valid():
        if form.names_foreign_account():
            raise Http404
        context = {"form": form, "faults": form.sentences(), "has_accounts": bool(reach.roles)}
        return _answer(request, reach, context, status=400)
    filters = OrderFilter.from_form(form)
    cursor, page_note = _place(request, filters)
    narrowing = filters.narrow(filters.account_ids(reach))
    page = read_list(filters, narrowing, cursor, at=at)
    pills = count_pills(filters, narrowing, at=at)
    total = tally_of_list(page, next(pill.tally for pill in pills if pill.is_current))
    query = filters.query()
    context = {
        "form": form,
        "filters": filters,
        "query": query,
        "pills": pills,
        "rows": order_rows(page.ids, reach, at=at),
        "total": total,
        "pager": list_pager(page, filters, total),
        "headers": _headers(filters),
        "notes": [note for note in (filters.note, page_note) if note],
        "is_filtered": bool(narrowing) or filters.account_id is not None,
        "has_accounts": bool(reach.roles),
        "shows_account": len(narrowing.account_ids) > 1,
        "here": request.get_full_path(),
        "all_matching": _all_matching(request, filters, reach, total, at),
    }
    response = _answer(request, reach, context)
    if is_htmx(request):
        # The address without the fields that were left empty.
        place = request.GET.urlencode() if cursor is not None else query
        path = reverse("orders:list")
        response.headers["HX-Push-Url"] = f"{path}?{place}" if place else path
    return response


@require_safe
def order_counts(request: HttpRequest) -> HttpResponse:
    """The pills with their numbers, drawn again after a row has changed."""
    reach = get_reach(request)
    form = OrderFilterForm(request.GET, reach=reach)
    if not form.is_valid() or not is_htmx(request):
        return HttpResponseRedirect(reverse("orders:list"))
    filters = OrderFilter.from_form(form)
    narrowing = filters.narrow(filters.account_ids(reach))
    pills = count_pills(filters, narrowing, at=timezone.now())
    return render(request, "orders/_pills.html", {"pills": pills, "query": filters.query()})


@require_safe
def order_row(request: HttpRequest, account_id: int, number: str) -> HttpResponse:
    """One row of the list as it stands now; without htmx, the order's page."""
    order = get_order(request, account_id, number)
    if not is_htmx(request):
        path = f"{reverse('orders:list')}{order.account_id}/{order.amazon_order_id}/"
        return HttpResponseRedirect(path)
    return render_row(request, order)


def render_row(
    request: HttpRequest, order: Order, *, status: int = 200, toast: str = "", tone: str = "good"
) -> HttpResponse:
    """The row of this order, with a toast if there is something to say."""
    reach = get_reach(request)
    rows = order_rows([order.pk], reach, at=timezone.now())
    here = page_of_fragment(request)
    filters = OrderFilter.from_query(urlsplit(here).query, reach) or OrderFilter()
    context = {
        "rows": rows,
        "here": here or reverse("orders:list"),
        # the columns that the list has on which it stands
        "selectable": bool(filters.account_ids(reach, Role.OPERATOR)),
        "shows_account": len(filters.account_ids(reach)) > 1,
        "toast": toast,
        "tone": tone,
    }
    return render(request, "orders/_row_answer.html", context, status=status)


def _answer(
    request: HttpRequest, reach: Reach, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    if is_htmx(request):
        return render(request, "orders/_list_answer.html", context, status=status)
    context |= {
        "freshness": freshness(reach.accounts),
        "may_import": bool(reach.ids(Role.OPERATOR)),
    }
    return render(request, "orders/list.html", context, status=status)


def _place(request: HttpRequest, filters: OrderFilter) -> tuple[Cursor | None, str]:
    return read_page(
        single_value(request.GET, "after"),
        single_value(request.GET, "before"),
        single_value(request.GET, "page"),
        descending=filters.is_descending,
    )


def _headers(filters: OrderFilter) -> dict[str, dict[str, str]]:
    """For each sortable column of the pill: its address, its way now, and the way it would take."""
    headers = {}
    for sort in filters.pill.sorts:
        is_current = sort is filters.sort
        descending = not filters.is_descending if is_current else sort.descending
        query = filters.query(sort_name=sort.name, direction="desc" if descending else "asc")
        headers[sort.name] = {
            "url": f"{reverse('orders:list')}?{query}",
            "now": ("descending" if filters.is_descending else "ascending") if is_current else "",
            "arrow": ("↓" if filters.is_descending else "↑") if is_current else "",
        }
    return headers


def _all_matching(
    request: HttpRequest,
    filters: OrderFilter,
    reach: Reach,
    total: Tally,
    at: datetime,
) -> dict[str, Any] | None:
    """The field that selects all orders of the list which this person may send for."""
    sendable = filters.account_ids(reach, Role.OPERATOR)
    if not sendable:
        return None
    tally = total
    if sendable != filters.account_ids(reach):
        tally = count_pill(filters.pill, filters.narrow(sendable), at=at)
    number = tally.number if tally.is_exact else None
    token = sign_all_matching(get_user(request), filters.query(), number)
    return {"token": token, "tally": tally}
