"""What has come in, field by field, and where two such sets of tables differ."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.apps import apps
from django.core import serializers

from orders.models import Order, OrderItem

# By which way and when we came to know: that may differ. So may what our own sending writes.
PROVENANCE = {"window_source", "synced_at", "first_seen_at"}
NOT_COMPARED = {"id", *PROVENANCE, "returned_looked_at", "refunded_looked_at"}

Row = dict[str, Any]
Tables = dict[str, Row]


def read_tables() -> Tables:
    """Every order by its number, with its items."""
    found: Tables = {}
    for row in Order.objects.values():
        number = row.pop("amazon_order_id")
        found[number] = {name: value for name, value in row.items() if name not in NOT_COMPARED}
        found[number]["items"] = []
    items = OrderItem.objects.select_related("order").order_by("order_id", "order_item_id")
    for item in items.values("order__amazon_order_id", *_item_fields()):
        found[item.pop("order__amazon_order_id")]["items"].append(item)
    return found


def unchanged_since(tables: list[Tables], moment: datetime) -> set[str]:
    """The orders that Amazon has not changed after the moment (UTC), in whichever table."""
    numbers = {number for table in tables for number in table}
    moved = {
        number
        for table in tables
        for number, row in table.items()
        if row["amazon_updated_at"] > moment
    }
    return numbers - moved


def differences(expected: Tables, found: Tables, numbers: set[str]) -> list[str]:
    """A line for every field of these orders that is not the same."""
    lines = []
    for number in sorted(numbers):
        if number not in expected or number not in found:
            lines.append(f"{number}: {'missing' if number in expected else 'not expected'}")
            continue
        lines += [
            f"{number}.{name}: {expected[number][name]!r}, not {found[number][name]!r}"
            for name in expected[number]
            if expected[number][name] != found[number][name]
        ]
    return lines


def stored_text() -> str:
    """Every row of every table, to look for what must not be there."""
    rows = [row for model in apps.get_models() for row in model._default_manager.all()]
    return str(serializers.serialize("json", rows))


def _item_fields() -> list[str]:
    return [
        field.attname
        for field in OrderItem._meta.concrete_fields
        if field.attname not in ("id", "order_id")
    ]
