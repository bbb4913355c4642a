"""Where the palette leads that Ctrl K opens: to an order, to writing to its buyer, to a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import Context
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from orders.models import Order
from orders.numbers import parse_order_number
from solicit_dashboard.access import get_reach, single_value
from solicit_dashboard.templatetags.dashboard import nav_links

WRITE = "write"
MOST_CHARACTERS = 200


@require_safe
def palette(request: HttpRequest) -> HttpResponse:
    """To the order of that number, with `to=write` to what may be written to its buyer.

    What is no number, or of no order that this person sees, is the name of a page, or else is
    looked for among the orders.
    """
    given = single_value(request.GET, "q").strip()[:MOST_CHARACTERS]
    number = parse_order_number(given)
    if number is not None:
        orders = Order.objects.filter(
            account_id__in=get_reach(request).ids(), amazon_order_id=number
        )
        accounts = list(orders.order_by().values_list("account_id", flat=True)[:2])
        if len(accounts) == 1:
            is_written = single_value(request.GET, "to") == WRITE
            place = "messaging:messages" if is_written else "orders:detail"
            return redirect(place, accounts[0], number)
    for link in nav_links(Context({"request": request})):
        if given.casefold() == link.label.casefold():
            return redirect(link.url)
    return redirect(f"{reverse('orders:list')}?{urlencode({'q': number or given})}")
