"""Orders as the client hands them over, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import spapi
from tests.factories import GERMANY

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def an_item(**fields: Any) -> spapi.OrderItem:
    """One item, shipped; the fields given differ."""
    facts: dict[str, Any] = {
        "order_item_id": "00000000000001",
        "asin": "B000000001",
        "sku": "MUG-1",
        "title": "Enamel mug",
        "quantity": 1,
        "quantity_fulfilled": 1,
        "programs": (),
        "cancellation_requested": False,
        "cancelled": False,
    }
    return spapi.OrderItem(**facts | fields)


def an_order(order_id: str = "302-0000001-0000001", **fields: Any) -> spapi.Order:
    """A shipped seller-fulfilled order with a promise; the fields given differ."""
    facts: dict[str, Any] = {
        "order_id": order_id,
        "created_at": NOON - 20 * DAY,
        "updated_at": NOON - 18 * DAY,
        "marketplace_id": GERMANY,
        "channel_name": "AMAZON",
        "programs": (),
        "associated_orders": (),
        "fulfillment_status": "SHIPPED",
        "fulfilled_by": "MERCHANT",
        "service_level": "STANDARD",
        "ship_by": spapi.TimeWindow(NOON - 19 * DAY, NOON - 18 * DAY),
        "deliver_by": spapi.TimeWindow(NOON - 16 * DAY, NOON - 14 * DAY),
        "packages": (),
        "total": spapi.Money(Decimal("24.90"), "EUR"),
        "items": (an_item(),),
    }
    return spapi.Order(**facts | fields)
