"""What is imported, in words."""

from __future__ import annotations

from datetime import timedelta

from django import template

from orders.csv_import.plans import Plan
from orders.models import ImportKind
from solicit_dashboard.moments import span_words

register = template.Library()

_THINGS = {
    ImportKind.ORDERS: ("order", "orders"),
    ImportKind.EXCLUDED_ORDERS: ("order", "orders"),
    ImportKind.EXCLUDED_SKUS: ("SKU", "SKUs"),
    ImportKind.EXCLUDED_ASINS: ("ASIN", "ASINs"),
}


@register.filter
def things(plan: Plan) -> str:
    """How many of what it is about: "1,204 orders"."""
    one, many = _THINGS[plan.source.kind]
    return f"{plan.size:,} {one if plan.size == 1 else many}"


@register.filter
def span(length: timedelta) -> str:
    """A length of time in its largest fitting unit, rounded up to a minute."""
    return span_words(max(length + timedelta(seconds=59), timedelta(minutes=1)))
