"""Measures upserts with the database of the environment; started by `benchmarks.ingest` alone.

The database must be empty. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import django

django.setup()

# Models can be imported only now.
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

import spapi  # noqa: E402
from benchmarks.database import database_version  # noqa: E402
from benchmarks.ingest_best import ready, write_at_best  # noqa: E402
from benchmarks.ingest_figures import Speed, Speeds  # noqa: E402
from orders.ingest.rows import INGESTED_ITEM_FIELDS, item_values, order_row  # noqa: E402
from orders.ingest.upsert import upsert_orders  # noqa: E402
from orders.models import Order, OrderItem  # noqa: E402
from sellers.models import Application, SellerAccount  # noqa: E402

# The fastest of so many counts: what else the machine does only ever slows it down.
ROUNDS = 3
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def main() -> int:
    """Writes the same orders in both ways, prints how fast."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, required=True)
    number = parser.parse_args().orders
    call_command("migrate", verbosity=0)
    application = Application.objects.create(name="Benchmark", client_id="benchmark")
    account = SellerAccount.objects.create(
        name="Benchmark", selling_partner_id="A1BENCHMARK", region="eu", application=application
    )
    new, changed = list(make_orders(number, 0)), list(make_orders(number, 1))
    best: list[list[float]] = []
    ours: list[list[float]] = []
    for _round in range(ROUNDS):
        # one after the other, so that whatever else the machine does meets both
        best.append([_at_best(account, orders) for orders in (new, changed)])
        _empty()
        ours.append([_ours(account, orders) for orders in (new, changed, changed)])
        items = OrderItem.objects.count()
        _empty()
    best_new, best_changed = map(max, zip(*best, strict=True))
    ours_new, ours_changed, ours_same = map(max, zip(*ours, strict=True))
    speeds = [
        Speed("new", ours_new, best_new),
        Speed("changed", ours_changed, best_changed),
        Speed("as they were", ours_same, 0),
    ]
    print(json.dumps(asdict(Speeds(database_version(), number, items, speeds))))
    return 0


def make_orders(number: int, version: int) -> Iterator[spapi.Order]:
    """So many orders in this version, one in three with two items; the same at every call.

    They come in the order of their time, as from Amazon, and are spread over sixty days.
    """
    for index in range(number):
        created_at = NOW - 1440 * HOUR * (number - index) / number
        yield spapi.Order(
            order_id=f"302-{index * 7919 % 10_000_019:07d}-{index:07d}",
            created_at=created_at,
            updated_at=created_at + HOUR * (24 + version),
            marketplace_id="A1PA6795UKMFR9",
            channel_name="AMAZON",
            programs=("PRIME",) if index % 2 else (),
            associated_orders=(),
            fulfillment_status="SHIPPED" if version else "UNSHIPPED",
            fulfilled_by="MERCHANT" if index % 3 else "AMAZON",
            service_level="STANDARD",
            ship_by=spapi.TimeWindow(created_at, created_at + 24 * HOUR),
            deliver_by=spapi.TimeWindow(created_at + 48 * HOUR, created_at + 96 * HOUR),
            packages=(),
            total=spapi.Money(Decimal(index % 9000 + 100) / 100, "EUR"),
            items=tuple(_item(index, place, version) for place in range(1 + (index % 3 == 0))),
        )


def _item(index: int, place: int, version: int) -> spapi.OrderItem:
    return spapi.OrderItem(
        order_item_id=f"{index * 2 + place:014d}",
        asin=f"B0{index % 997:08d}",
        sku=f"SKU-{index % 997}",
        title="Enamel mug, 350 ml, with a handle of wood",
        quantity=1 + place,
        quantity_fulfilled=(1 + place) * version,
        programs=(),
        cancellation_requested=False,
        cancelled=False,
    )


def _at_best(account: SellerAccount, orders: list[spapi.Order]) -> float:
    rows = [row for order in orders if (row := order_row(account.pk, order, NOW))]
    names = [order.order_id for order in orders for _item in order.items]
    items = [
        (number, *row[1:])
        for number, row in zip(
            names, ready([row for order in orders for row in _item_rows(order)]), strict=True
        )
    ]
    prepared = ready(rows)
    _settle()
    started = time.perf_counter()
    write_at_best(prepared, items)
    return round(len(orders) / (time.perf_counter() - started), 1)


def _settle() -> None:
    """What is held in memory to be written is not gone through while it is written."""
    gc.collect()
    gc.freeze()


def _item_rows(order: spapi.Order) -> Iterator[OrderItem]:
    for number, values in item_values(order).items():
        facts = dict(zip(INGESTED_ITEM_FIELDS, values, strict=True))
        yield OrderItem(order_item_id=number, **facts)


def _ours(account: SellerAccount, orders: list[spapi.Order]) -> float:
    _settle()
    started = time.perf_counter()
    upsert_orders(account, orders, seen_at=NOW)
    return round(len(orders) / (time.perf_counter() - started), 1)


def _empty() -> None:
    for model in (OrderItem, Order):
        model.objects.all()._raw_delete(model.objects.db)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")


if __name__ == "__main__":
    sys.exit(main())
