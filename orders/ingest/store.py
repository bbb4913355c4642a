"""Orders, items and hints into their tables, many at once, in the database's own form.

The one place with SQL of its own: through model instances and `bulk_create` this takes five to ten
times as long. `preparation` brings values into the form in which the driver takes and gives them, so
that what came can be compared with what is there without making either into something else.
PostgreSQL takes one `INSERT … SELECT` from arrays, SQLite one prepared statement per row
(`executemany`), which is how each of them is fast. Everything here is inside a transaction that
holds `lock_orders_of`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import compress
from operator import itemgetter, ne
from typing import Any, TypeAlias

from django.db import connection
from django.db.models import Field, Model

from orders.ingest.rows import INGESTED_FIELDS, INGESTED_ITEM_FIELDS, SIDE_FIELDS, Values
from orders.models import Order, OrderHint, OrderItem

# What a new row has beside that, until somebody else says so.
_AT_FIRST: dict[str, Any] = {
    "is_returned": False,
    "is_refunded": False,
    "is_excluded": False,
    "solicitation": "",
}
_ORDER_FIELDS = (
    "account",
    "amazon_order_id",
    *INGESTED_FIELDS,
    "synced_at",
    "first_seen_at",
    *_AT_FIRST,
)
# What reports and files write of an order, beside that.
_PARTIAL_FIELDS = (
    "account",
    "amazon_order_id",
    *INGESTED_FIELDS,
    *SIDE_FIELDS,
    "synced_at",
    "first_seen_at",
    *(name for name in _AT_FIRST if name not in SIDE_FIELDS),
)
_HINT_FIELDS = (
    "account",
    "amazon_order_id",
    "doors",
    "heard_at",
    "renewals",
    "due_at",
    "attempts",
    "error",
    "parked_at",
)
_MOMENTS = tuple(place for place, name in enumerate(INGESTED_FIELDS) if name.endswith("_at"))
_AMOUNT = INGESTED_FIELDS.index("total_amount")
_PROGRAMS = INGESTED_FIELDS.index("programs")
_NUMBER = itemgetter(0)
_ITEM_FIELDS = ("order", "order_item_id", *INGESTED_ITEM_FIELDS)


def preparation() -> Callable[[Values], Values]:
    """What brings an order's values into the form in which this database's driver gives them.

    Items need none: their texts, whole numbers and yes or no are the same everywhere.
    """
    return _for_sqlite if connection.vendor == "sqlite" else _for_postgresql


def known_orders(account_id: int, numbers: Collection[str]) -> dict[str, tuple[int, Any, Values]]:
    """Of these orders those that are here: key, arrival of the FBA report, values; prepared."""
    columns = ", ".join(_read(Order, name) for name in ("fba_arrival_at", *INGESTED_FIELDS))
    rows = _select(
        f"SELECT amazon_order_id, id, {columns} FROM orders_order"  # noqa: S608 - our own names
        " WHERE account_id = %s AND amazon_order_id",
        numbers,
        account_id,
    )
    return {row[0]: (row[1], row[2], tuple(row[3:])) for row in rows}


def known_items(order_ids: Collection[int]) -> dict[int, dict[str, Values]]:
    """The items of these orders by order and number; values prepared."""
    columns = ", ".join(_read(OrderItem, name) for name in INGESTED_ITEM_FIELDS)
    items: dict[int, dict[str, Values]] = {}
    for row in _select(
        f"SELECT order_id, order_item_id, {columns} FROM orders_orderitem WHERE order_id",  # noqa: S608 - our own names
        order_ids,
    ):
        items.setdefault(row[0], {})[row[1]] = tuple(row[2:])
    return items


def write_orders(
    account_id: int, orders: Sequence[tuple[str, Values, Values | None]], *, seen_at: datetime
) -> None:
    """These orders (number, prepared values, and those that are here) stand in the table."""
    at = _moment(seen_at)
    rest = (at, at, *_AT_FIRST.values())
    # in the order of their numbers, so that two writers meet each other's rows in the same order
    orders = sorted(orders, key=_NUMBER)
    for renewed, those in _by_change(orders, INGESTED_FIELDS):
        rows = [(account_id, number, *values, *rest) for number, values, _known in those]
        _upsert(Order, _ORDER_FIELDS, 2, (*renewed, "synced_at"), rows)


def write_partial_orders(
    account_id: int, orders: Sequence[tuple[str, Values, Values]], *, seen_at: datetime
) -> None:
    """These orders (number, values, side facts, nothing prepared) stand in the table."""
    prepare = preparation()
    at = _moment(seen_at)
    rest = (at, at, *(value for name, value in _AT_FIRST.items() if name not in SIDE_FIELDS))
    rows = [
        (account_id, number, *prepare(values), *map(_moment, side), *rest)
        for number, values, side in sorted(orders, key=lambda order: order[0])
    ]
    _upsert(Order, _PARTIAL_FIELDS, 2, (*INGESTED_FIELDS, *SIDE_FIELDS, "synced_at"), rows)


def write_hints(
    account_id: int, hints: Sequence[tuple[str, list[str], int, datetime]], *, heard_at: datetime
) -> None:
    """These hints (order number, doors, renewals, due moment) stand in the table, as not tried."""
    at = _moment(heard_at)
    rows = [
        (account_id, number, json.dumps(doors), at, renewals, _moment(due_at), 0, "", None)
        for number, doors, renewals, due_at in sorted(hints)
    ]
    _upsert(OrderHint, _HINT_FIELDS, 2, _HINT_FIELDS[2:], rows)


def keys_of(account_id: int, numbers: Collection[str]) -> dict[str, int]:
    """The keys of these orders, by number."""
    return dict(
        _select(
            "SELECT amazon_order_id, id FROM orders_order"
            " WHERE account_id = %s AND amazon_order_id",
            numbers,
            account_id,
        )
    )


def write_items(items: Sequence[tuple[tuple[int, str], Values, Values | None]]) -> None:
    """These items (order's key and number, prepared values, and those that are here) are written."""
    for renewed, those in _by_change(items, INGESTED_ITEM_FIELDS):
        rows = [(*key, *values) for key, values, _known in those]
        _upsert(OrderItem, _ITEM_FIELDS, 2, renewed, rows)


def delete_items(items: Collection[tuple[int, str]]) -> None:
    """These items (order's key, number) are gone."""
    if items:
        with connection.cursor() as cursor:
            cursor.executemany(
                "DELETE FROM orders_orderitem WHERE order_id = %s AND order_item_id = %s",
                list(items),
            )


_Change: TypeAlias = tuple[Any, Values, Values | None]


def _by_change(
    changes: Sequence[_Change], names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Sequence[_Change]]]:
    """The changes (key, values, those that are here), together with the names of what differs.

    SQLite writes every index anew of which a column is set, whether or not it differs. PostgreSQL
    writes the whole row anyway, and is better off with one statement.
    """
    if connection.vendor != "sqlite":
        yield names, changes
        return
    alike: dict[tuple[bool, ...], list[_Change]] = {}
    everything = (True,) * len(names)
    for change in changes:
        _key, values, known = change
        differs = everything if known is None else tuple(map(ne, values, known))
        alike.setdefault(differs, []).append(change)
    for differs, those in alike.items():
        yield tuple(compress(names, differs)), those


def _upsert(
    model: type[Model],
    names: tuple[str, ...],
    keys: int,
    renewed: tuple[str, ...],
    rows: list[Values],
) -> None:
    """The rows stand in the table; of those that are known by the first `keys` columns, `renewed`."""
    if not rows:
        return
    columns = [_column(model, name) for name in names]
    renewal = ", ".join(
        f"{column} = excluded.{column}" for column in (_column(model, name) for name in renewed)
    )
    insert = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)})"
    conflict = f" ON CONFLICT ({', '.join(columns[:keys])}) DO UPDATE SET {renewal}"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"{insert} VALUES ({places}){conflict}", rows)
            return
        arrays = ", ".join(f"%s::{_type(model, name)}[]" for name in names)
        cursor.execute(
            f"{insert} SELECT * FROM unnest({arrays}) AS incoming{conflict}",  # noqa: S608 - names of columns
            [_array(column) for column in zip(*rows, strict=True)],
        )


def _array(values: Iterable[Any]) -> str:
    """PostgreSQL's literal of an array; the driver's own way takes ten times as long."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = value if value.__class__ is str else str(value)
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _select(sql: str, among: Collection[Any], *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of the statement, which ends before `IN (…)`."""
    if not among:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            places = ", ".join(["%s"] * len(among))
            cursor.execute(f"{sql} IN ({places})", [*parameters, *among])
        else:
            cursor.execute(f"{sql} = ANY(%s)", [*parameters, list(among)])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _for_sqlite(values: Values) -> Values:
    changed = list(values)
    for place in _MOMENTS:
        moment = changed[place]
        if moment is not None:
            changed[place] = _text_of(moment)
    amount = changed[_AMOUNT]
    if amount is not None:
        changed[_AMOUNT] = float(amount)
    changed[_PROGRAMS] = _as_json(tuple(changed[_PROGRAMS]))
    return tuple(changed)


@lru_cache(maxsize=1024)
def _as_json(words: tuple[str, ...]) -> str:
    return json.dumps(words)


def _moment(value: Any) -> Any:
    """The value as it is, a moment in the form that the driver takes."""
    if connection.vendor == "sqlite" and isinstance(value, datetime):
        return _text_of(value.astimezone(UTC))
    return value


def _text_of(moment: datetime) -> str:
    """The moment (in UTC) as Django keeps it in SQLite: without saying so."""
    return str(moment)[:-6]


def _for_postgresql(values: Values) -> Values:
    programs = values[_PROGRAMS]
    written = json.dumps(programs, ensure_ascii=False) if programs else "[]"
    return (*values[:_PROGRAMS], written, *values[_PROGRAMS + 1 :])


@cache
def _field(model: type[Model], name: str) -> Field[Any, Any]:
    field = model._meta.get_field(name)
    assert isinstance(field, Field)
    return field


def _column(model: type[Model], name: str) -> str:
    return str(_field(model, name).column)


def _read(model: type[Model], name: str) -> str:
    """The column as it is selected: on SQLite as it is kept, past the driver's own conversion."""
    column, kind = _column(model, name), _type(model, name)
    if connection.vendor == "sqlite" and kind == "datetime":
        return f"CAST({column} AS TEXT)"
    return f"{column} + 0" if connection.vendor == "sqlite" and kind == "bool" else column


def _type(model: type[Model], name: str) -> str:
    return _field(model, name).db_type(connection) or ""
