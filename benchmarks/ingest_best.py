"""The fastest way in which the database takes rows that are ready: what ours is held against.

Imported once Django is set up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Field

from orders.models import Order, OrderItem


def columns(model: type[Order] | type[OrderItem]) -> list[Field[Any, Any]]:
    """The columns that are written: all but the key and what the database works out."""
    return [
        field for field in model._meta.concrete_fields if not (field.primary_key or field.generated)
    ]


def ready(rows: Sequence[Order | OrderItem]) -> list[tuple[Any, ...]]:
    """The rows as the driver takes them."""
    fields = columns(type(rows[0]))
    return [
        tuple(field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields)
        for row in rows
    ]


def write_at_best(orders: list[tuple[Any, ...]], items: list[tuple[Any, ...]]) -> None:
    """All of it in one transaction. Of an item the first value is its order's number."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            _by_copy(orders, items)
        else:
            _by_executemany(orders, items)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _by_copy(orders: list[tuple[Any, ...]], items: list[tuple[Any, ...]]) -> None:
    order_names = [field.column for field in columns(Order)]
    item_names = [field.column for field in columns(OrderItem)]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE new_orders ON COMMIT DROP AS"
            f" SELECT {', '.join(order_names)} FROM orders_order LIMIT 0"
        )
        cursor.execute(
            "CREATE TEMPORARY TABLE new_items ON COMMIT DROP AS"
            f" SELECT ''::varchar AS number, {', '.join(item_names[1:])}"
            " FROM orders_orderitem LIMIT 0"
        )
        for table, rows in (("new_orders", orders), ("new_items", items)):
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        cursor.execute(
            f"INSERT INTO orders_order ({', '.join(order_names)}) SELECT * FROM new_orders"
            f" ON CONFLICT (account_id, amazon_order_id) DO UPDATE SET {_set(order_names[2:])}"
        )
        cursor.execute(
            f"INSERT INTO orders_orderitem ({', '.join(item_names)})"
            f" SELECT o.id, {', '.join('n.' + name for name in item_names[1:])} FROM new_items n"
            " JOIN orders_order o ON o.amazon_order_id = n.number"
            f" ON CONFLICT (order_id, order_item_id) DO UPDATE SET {_set(item_names[2:])}"
        )


def _by_executemany(orders: list[tuple[Any, ...]], items: list[tuple[Any, ...]]) -> None:
    order_names = [field.column for field in columns(Order)]
    item_names = [field.column for field in columns(OrderItem)]
    account_id = orders[0][0]
    with connection.cursor() as wrapped:
        cursor = wrapped.cursor.cursor if hasattr(wrapped.cursor, "cursor") else wrapped.cursor
        plain = cursor.connection.cursor()
        plain.executemany(
            f"INSERT INTO orders_order ({', '.join(order_names)})"
            f" VALUES ({', '.join('?' * len(order_names))})"
            f" ON CONFLICT (account_id, amazon_order_id) DO UPDATE SET {_set(order_names[2:])}",
            orders,
        )
        plain.executemany(
            f"INSERT INTO orders_orderitem ({', '.join(item_names)})"
            f" VALUES ((SELECT id FROM orders_order WHERE account_id = {int(account_id)}"
            f" AND amazon_order_id = ?), {', '.join('?' * (len(item_names) - 1))})"
            f" ON CONFLICT (order_id, order_item_id) DO UPDATE SET {_set(item_names[2:])}",
            items,
        )


def _set(names: Sequence[str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in names)
