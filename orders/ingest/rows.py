"""An order as Amazon tells it, made into values for our tables: cleaned, cut to size, no buyer.

Hot code: a back-fill brings a hundred thousand orders. Values stand in tuples, in the order of
INGESTED_FIELDS and INGESTED_ITEM_FIELDS; making model instances of them would take several times
as long as the database takes to store them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

import spapi
from orders.dates import delivery_window
from orders.models import Order, OrderItem
from orders.states import FulfillmentStatus, WindowSource

Values: TypeAlias = tuple[Any, ...]

# The columns of an order that the orders API decides.
INGESTED_FIELDS = (
    "marketplace_id",
    "fulfillment_status",
    "fulfilled_by",
    "service_level",
    "programs",
    "purchased_at",
    "amazon_updated_at",
    "earliest_delivery_at",
    "latest_delivery_at",
    "window_source",
    "quantity",
    "total_amount",
    "total_currency",
    "is_sold_on_amazon",
    "is_cancelled",
    "is_replacement",
    "is_business",
    "is_partial",
    "original_order_id",
)
# Those of which it tells nothing: they come by reports, and stay whatever it says.
SIDE_FIELDS = (
    "fba_arrival_at",
    "is_returned",
    "returned_looked_at",
    "is_refunded",
    "refunded_looked_at",
)
INGESTED_ITEM_FIELDS = (
    "asin",
    "sku",
    "title",
    "quantity",
    "quantity_shipped",
    "is_subscribe_and_save",
)

NON_AMAZON = "NON_AMAZON"
BUSINESS = "AMAZON_BUSINESS"
SUBSCRIBE_AND_SAVE = "SUBSCRIBE_AND_SAVE"
REPLACES = frozenset({"REPLACEMENT_ORIGINAL_ID", "EXCHANGE_ORIGINAL_ID"})
LARGEST_INTEGER = 2**31 - 1
CENT = Decimal("0.01")
LARGEST_AMOUNT = Decimal(10) ** 12

# PostgreSQL refuses NUL and nothing can encode half a surrogate pair; other control characters
# would only harm a terminal or a CSV.
_CONTROL = re.compile(r"[\x01-\x1f\x7f]+")
_CANCELLED = FulfillmentStatus.CANCELLED.value
_MARKETPLACES = frozenset(spapi.MARKETPLACES)


def order_values(order: spapi.Order) -> tuple[str, Values] | None:
    """The order's number and its values; None when it cannot be one (no usable number or date)."""
    number = clean_text(order.order_id, 100)
    updated_at = order.updated_at or order.created_at
    if not number or len(number) > _NUMBER_LENGTH or updated_at is None:
        return None
    window = delivery_window(order)
    original = _original_order_id(order) if order.associated_orders else ""
    amount, currency = _amount(order.total)
    return number, (
        _word(order.marketplace_id, _MARKETPLACE_LENGTH),
        _word(order.fulfillment_status, _STATUS_LENGTH),
        _word(order.fulfilled_by, _FULFILLED_BY_LENGTH),
        _word(order.service_level, _SERVICE_LEVEL_LENGTH),
        [_word(program, 40) for program in order.programs],
        _utc(order.created_at or updated_at),
        _utc(updated_at),
        _utc(window.earliest) if window else None,
        _utc(window.latest) if window else None,
        window.source.value if window else "",
        min(sum(_count(item.quantity) for item in order.items), LARGEST_INTEGER),
        amount,
        currency,
        order.marketplace_id in _MARKETPLACES and order.channel_name != NON_AMAZON,
        order.fulfillment_status == _CANCELLED
        or (bool(order.items) and all(item.cancelled for item in order.items)),
        bool(original),
        BUSINESS in order.programs,
        False,
        original,
    )


def order_row(account_id: int, order: spapi.Order, seen_at: datetime) -> Order | None:
    """The row of this order, not saved; None when it cannot be one."""
    read = order_values(order)
    if read is None:
        return None
    number, values = read
    row = Order(account_id=account_id, amazon_order_id=number, synced_at=seen_at)
    for name, value in zip(INGESTED_FIELDS, values, strict=True):
        setattr(row, name, value)
    return row


def item_values(order: spapi.Order) -> dict[str, Values]:
    """The values of its items by their numbers; of a number that is named twice the last counts."""
    return {
        clean_text(item.order_item_id, _ITEM_NUMBER_LENGTH): (
            _word(item.asin, _ASIN_LENGTH),
            _word(item.sku, _SKU_LENGTH),
            _word(item.title, _TITLE_LENGTH),
            _count(item.quantity),
            _count(item.quantity_fulfilled),
            SUBSCRIBE_AND_SAVE in item.programs,
        )
        for item in order.items
    }


def settle_window(row: Order) -> None:
    """The row's delivery dates are the best that are known of it: Amazon's, FBA report's, ours.

    The row comes with the dates of the newest version and with `fba_arrival_at`, so that it ends
    the same whichever of the two came first.
    """
    if row.fba_arrival_at is not None and row.window_source != WindowSource.AMAZON:
        row.earliest_delivery_at = row.latest_delivery_at = row.fba_arrival_at
        row.window_source = WindowSource.FBA_REPORT


def clean_text(value: str | None, limit: int) -> str:
    """The text as the database can keep it and a page can show it, at most `limit` characters."""
    if not value:
        return ""
    if value.isascii() and value.isprintable():
        return value.strip()[:limit]
    text = value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(" ", text).strip()[:limit]


# The same few words stand in thousands of orders.
_word = lru_cache(maxsize=8192)(clean_text)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _original_order_id(order: spapi.Order) -> str:
    for associated in order.associated_orders:
        if associated.association_type in REPLACES:
            return clean_text(associated.order_id, _ORIGINAL_LENGTH) or "unknown"
    return ""


def _amount(total: spapi.Money | None) -> tuple[Decimal | None, str]:
    if total is None or not total.amount.is_finite() or abs(total.amount) >= LARGEST_AMOUNT:
        return None, ""
    return total.amount.quantize(CENT), _word(total.currency, _CURRENCY_LENGTH)


def _count(quantity: int | None) -> int:
    return min(max(quantity or 0, 0), LARGEST_INTEGER)


def _length(model: type[Order] | type[OrderItem], name: str) -> int:
    length = getattr(model._meta.get_field(name), "max_length", None)
    assert length is not None
    return int(length)


_NUMBER_LENGTH = _length(Order, "amazon_order_id")
_MARKETPLACE_LENGTH = _length(Order, "marketplace_id")
_STATUS_LENGTH = _length(Order, "fulfillment_status")
_FULFILLED_BY_LENGTH = _length(Order, "fulfilled_by")
_SERVICE_LEVEL_LENGTH = _length(Order, "service_level")
_CURRENCY_LENGTH = _length(Order, "total_currency")
_ORIGINAL_LENGTH = _length(Order, "original_order_id")
_ITEM_NUMBER_LENGTH = _length(OrderItem, "order_item_id")
_ASIN_LENGTH = _length(OrderItem, "asin")
_SKU_LENGTH = _length(OrderItem, "sku")
_TITLE_LENGTH = _length(OrderItem, "title")
