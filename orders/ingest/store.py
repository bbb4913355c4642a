"""Rows of orders and items into their tables, many at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from orders.ingest.rows import INGESTED_ITEM_FIELDS
from orders.models import Order, OrderItem


def store_orders(rows: Sequence[Order], fields: Collection[str]) -> None:
    """The rows stand in the table and know their `pk`; of those that stood there only `fields` change."""
    rows = sorted(rows, key=lambda row: row.amazon_order_id)  # two writers meet in one order
    for row in rows:
        row.pk = None  # found by its number
    Order.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["account", "amazon_order_id"],
        update_fields=[*fields, "synced_at"],
    )


def store_items(items: Sequence[OrderItem]) -> None:
    """The items stand in the table; each knows its order's `order_id`."""
    OrderItem.objects.bulk_create(
        items,
        update_conflicts=True,
        unique_fields=["order", "order_item_id"],
        update_fields=list(INGESTED_ITEM_FIELDS),
    )
