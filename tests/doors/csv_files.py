"""By CSV alone: what a seller has of the orders, in files of all the forms that are read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

from django.utils import timezone

import spapi
from orders.csv_import.carry_out import carry_out
from orders.csv_import.plans import plan_orders
from orders.csv_import.reading import read_file
from orders.ingest.sources import INCLUDED_DATA
from orders.models import ImportKind
from tests.doors.stage import Stage

ROWS_OF_A_FILE = 100
COLUMNS = (
    "amazon-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "marketplace-id",
    "ship-service-level",
    "buyer-name",
)
AGO = timedelta(days=1)

Row = tuple[str, ...]


def by_csv(stage: Stage, chance: Random) -> Iterator[None]:
    """Every order twice, in any order: as it is, as it was a day before, or its number alone.

    Each file is a step, in an encoding and with a separator of its own, and comes in twice.
    """
    rows: list[Row] = []
    for order in _orders(stage):
        rows += [_row(order), chance.choice([_earlier(order), (order.order_id,)])]
    chance.shuffle(rows)
    files = [
        _file(rows[start : start + ROWS_OF_A_FILE], chance)
        for start in range(0, len(rows), ROWS_OF_A_FILE)
        for _copy in range(2)
    ]
    chance.shuffle(files)
    for raw in files:
        reading = read_file(raw, ImportKind.ORDERS, "orders.csv")
        assert reading.checked.bad == 0, reading.checked.faults
        plan = plan_orders(stage.account, reading.checked, reading.source, among=[stage.account.pk])
        carry_out(stage.account, plan, user=None, at=timezone.now(), client_key=uuid4())
        yield


def _orders(stage: Stage) -> Iterator[spapi.Order]:
    """Every order as the seller can see it at Amazon, by a way that leaves no trace with us."""
    token = None
    while True:
        page = stage.client.search_orders(
            last_updated_after=stage.since, included_data=INCLUDED_DATA, pagination_token=token
        )
        yield from page.orders
        token = page.next_token
        if not token:
            return


def _row(order: spapi.Order) -> Row:
    return (
        order.order_id,
        _moment(order.created_at),
        _moment(order.updated_at),
        order.fulfillment_status or "",
        order.fulfilled_by or "",
        order.marketplace_id or "",
        order.service_level or "",
        "Canary Buyer",
    )


def _earlier(order: spapi.Order) -> Row:
    updated_at = order.updated_at - AGO if order.updated_at else None
    values = list(_row(order))
    values[2:4] = [_moment(updated_at), "Pending"]
    return tuple(values)


def _moment(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment else ""


def _file(rows: Sequence[Row], chance: Random) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=chance.choice(",;\t"), lineterminator=chance.choice(["\n", "\r\n", "\r"])
    )
    writer.writerow(COLUMNS)
    writer.writerows(row + ("",) * (len(COLUMNS) - len(row)) for row in rows)
    return text.getvalue().encode(chance.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
