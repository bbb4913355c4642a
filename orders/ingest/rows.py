"""An order as Amazon tells it, made into our rows: cleaned, cut to size, and without the buyer."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import spapi
from orders.dates import delivery_window
from orders.models import Order, OrderItem
from orders.states import FulfillmentStatus, WindowSource

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


def order_row(account_id: int, order: spapi.Order, seen_at: datetime) -> Order | None:
    """The row of this order, not saved; None when it cannot be one (no usable number)."""
    number = clean_text(order.order_id, 100)
    updated_at = order.updated_at or order.created_at
    if not number or len(number) > _longest("amazon_order_id") or updated_at is None:
        return None
    window = delivery_window(order)
    original = _original_order_id(order)
    amount = _amount(order.total)
    return Order(
        account_id=account_id,
        amazon_order_id=number,
        marketplace_id=_order_text("marketplace_id", order.marketplace_id),
        fulfillment_status=_order_text("fulfillment_status", order.fulfillment_status),
        fulfilled_by=_order_text("fulfilled_by", order.fulfilled_by),
        service_level=_order_text("service_level", order.service_level),
        programs=[clean_text(program, 40) for program in order.programs],
        purchased_at=(order.created_at or updated_at).astimezone(UTC),
        amazon_updated_at=updated_at.astimezone(UTC),
        earliest_delivery_at=window.earliest.astimezone(UTC) if window else None,
        latest_delivery_at=window.latest.astimezone(UTC) if window else None,
        window_source=window.source if window else "",
        quantity=min(sum(_count(item.quantity) for item in order.items), LARGEST_INTEGER),
        total_amount=amount,
        total_currency=""
        if amount is None or order.total is None
        else _order_text("total_currency", order.total.currency),
        is_sold_on_amazon=order.marketplace_id in spapi.MARKETPLACES
        and order.channel_name != NON_AMAZON,
        is_cancelled=order.fulfillment_status == FulfillmentStatus.CANCELLED
        or (bool(order.items) and all(item.cancelled for item in order.items)),
        is_replacement=bool(original),
        is_business=BUSINESS in order.programs,
        original_order_id=original,
        synced_at=seen_at,
    )


def settle_window(row: Order) -> None:
    """The row's delivery dates are the best that are known of it: Amazon's, FBA report's, ours.

    The row comes with the dates of the newest version and with `fba_arrival_at`, so that it ends
    the same whichever of the two came first.
    """
    if row.fba_arrival_at is not None and row.window_source != WindowSource.AMAZON:
        row.earliest_delivery_at = row.latest_delivery_at = row.fba_arrival_at
        row.window_source = WindowSource.FBA_REPORT


def item_rows(order: spapi.Order) -> list[OrderItem]:
    """The rows of its items, not saved and not yet tied to an order; each item number once."""
    rows: dict[str, OrderItem] = {}
    for item in order.items:
        number = _item_text("order_item_id", item.order_item_id)
        rows[number] = OrderItem(
            order_item_id=number,
            asin=_item_text("asin", item.asin),
            sku=_item_text("sku", item.sku),
            title=_item_text("title", item.title),
            quantity=_count(item.quantity),
            quantity_shipped=_count(item.quantity_fulfilled),
            is_subscribe_and_save=SUBSCRIBE_AND_SAVE in item.programs,
        )
    return list(rows.values())


def clean_text(value: str | None, limit: int) -> str:
    """The text as the database can keep it and a page can show it, at most `limit` characters."""
    if not value:
        return ""
    text = value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(" ", text).strip()[:limit]


def _original_order_id(order: spapi.Order) -> str:
    for associated in order.associated_orders:
        if associated.association_type in REPLACES:
            return _order_text("original_order_id", associated.order_id) or "unknown"
    return ""


def _amount(total: spapi.Money | None) -> Decimal | None:
    if total is None or not total.amount.is_finite() or abs(total.amount) >= LARGEST_AMOUNT:
        return None
    return total.amount.quantize(CENT)


def _count(quantity: int | None) -> int:
    return min(max(quantity or 0, 0), LARGEST_INTEGER)


def _longest(field: str) -> int:
    return _ORDER_LENGTHS[field]


def _order_text(field: str, value: str | None) -> str:
    return clean_text(value, _ORDER_LENGTHS[field])


def _item_text(field: str, value: str | None) -> str:
    return clean_text(value, _ITEM_LENGTHS[field])


_ORDER_LENGTHS = {
    field.name: field.max_length for field in Order._meta.fields if field.max_length is not None
}
_ITEM_LENGTHS = {
    field.name: field.max_length for field in OrderItem._meta.fields if field.max_length is not None
}
