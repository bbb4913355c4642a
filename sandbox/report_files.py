"""What is in the reports: tab-delimited lines, one for each item, personal columns and all."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.basket import Item, basket
from sandbox.life import Life, Status
from sandbox.moments import DAY, to_text
from sandbox.ordered import Report
from sandbox.personal import report_columns
from sandbox.report_columns import BY_ORDER, BY_UPDATE, COLUMNS, FBA_RETURNS, MFN_RETURNS, SHIPMENTS
from sandbox.returns import reason, returned_at
from sandbox.words_v0 import STATUSES, sales_channel, service_level
from sandbox.world import Seller, World

JAPAN = "A1VC38T7YXB528"
_UNPAID = (Status.PENDING, Status.PENDING_AVAILABILITY)

Line = dict[str, Any]


def lives_of(world: World, seller: Seller, report: Report) -> list[Life]:
    """The orders that the report is about, oldest first."""

    def moment(life: Life) -> float | None:
        if report.report_type == BY_ORDER:
            return life.purchased
        if report.report_type == BY_UPDATE:
            return life.updated_at(report.at)
        if report.report_type == SHIPMENTS:
            return life.shipped if life.by_amazon else None
        wanted = life.by_amazon is (report.report_type == FBA_RETURNS)
        return returned_at(world, seller, life) if wanted else None

    return [
        life
        for life in world.orders_at(seller, report.at)
        if life.marketplace.id in report.marketplaces
        and (at := moment(life)) is not None
        and report.start <= at <= min(report.end, report.at)
    ]


def document_of(world: World, seller: Seller, report: Report) -> tuple[bytes, str]:
    """The document's bytes, and the charset that Amazon's storage names: Japan's is its own."""
    columns = COLUMNS[report.report_type]
    line_of = _LINES[report.report_type]
    lines = ["\t".join(columns)]
    for life in lives_of(world, seller, report):
        shared = {"order": world.order_id(seller, life), **report_columns(life)}
        for place, item in enumerate(basket(world, seller, life)):
            line = shared | line_of(world, seller, life, item, place, report.at)
            lines.append("\t".join(_cell(line.get(column, "")) for column in columns))
    text = "\r\n".join([*lines, ""])
    if all(market == JAPAN for market in report.marketplaces):
        return text.encode("cp932", "replace"), "Windows-31J"
    return text.encode(), "UTF-8"


def _cell(value: object) -> str:
    return str(value).replace("\t", " ").replace("\r", " ").replace("\n", " ")


def _moment(at: float) -> str:
    return to_text(int(at)).replace("Z", "+00:00")


def _price(item: Item, life: Life) -> str:
    amount = item.price * item.quantity
    return f"{amount:.0f}" if life.marketplace.currency == "JPY" else f"{amount:.2f}"


def _order_line(
    world: World, seller: Seller, life: Life, item: Item, place: int, at: float
) -> Line:
    status = life.status_at(at)
    word = "Cancelled" if status is Status.CANCELLED else STATUSES[status]
    sent = status is Status.SHIPPED or (status is Status.PARTIALLY_SHIPPED and place == 0)
    order_id = world.order_id(seller, life)
    line: Line = {
        "amazon-order-id": order_id,
        "merchant-order-id": order_id,
        "purchase-date": _moment(life.purchased),
        "last-updated-date": _moment(life.updated_at(at)),
        "order-status": word,
        "fulfillment-channel": "Amazon" if life.by_amazon else "Merchant",
        "sales-channel": sales_channel(life),
        "ship-service-level": service_level(life),
        "product-name": item.listing.title(life.marketplace),
        "sku": item.listing.sku,
        "asin": item.listing.asin,
        "item-status": "Shipped" if sent else "Cancelled" if word == "Cancelled" else "Unshipped",
        "quantity": item.quantity,
        "is-business-order": str("AMAZON_BUSINESS" in life.programs).lower(),
    }
    if status not in _UNPAID:
        line |= {"currency": life.marketplace.currency, "item-price": _price(item, life)}
    return line


def _shipment_line(
    world: World, seller: Seller, life: Life, item: Item, place: int, at: float
) -> Line:
    shipped = life.shipped or life.purchased
    # What Amazon counts its window from, in the middle; the report has one date.
    arrives = (life.promise[0] + life.promise[1]) // 2
    return {
        "amazon-order-id": world.order_id(seller, life),
        "shipment-id": f"D{life.number:08}",
        "shipment-item-id": f"D{item.item_id}",
        "amazon-order-item-id": item.item_id,
        "purchase-date": _moment(life.purchased),
        "payments-date": _moment(shipped),
        "shipment-date": _moment(shipped),
        "reporting-date": _moment(shipped + DAY / 24),
        "sku": item.listing.sku,
        "product-name": item.listing.title(life.marketplace),
        "quantity-shipped": item.quantity,
        "currency": life.marketplace.currency,
        "item-price": _price(item, life),
        "ship-service-level": service_level(life),
        "carrier": "AMZN",
        "tracking-number": f"TBA{life.number:012}",
        "estimated-arrival-date": _moment(arrives),
        "fulfillment-center-id": "XXX1",
        "fulfillment-channel": "AFN",
        "sales-channel": sales_channel(life),
    }


def _fba_return_line(
    world: World, seller: Seller, life: Life, item: Item, place: int, at: float
) -> Line:
    return {
        "return-date": _moment(returned_at(world, seller, life) or at),
        "order-id": world.order_id(seller, life),
        "sku": item.listing.sku,
        "asin": item.listing.asin,
        "fnsku": item.listing.asin,
        "product-name": item.listing.title(life.marketplace),
        "quantity": item.quantity,
        "fulfillment-center-id": "XXX1",
        "detailed-disposition": "SELLABLE",
        "reason": reason(life),
        "status": "Unit returned to inventory",
    }


def _mfn_return_line(
    world: World, seller: Seller, life: Life, item: Item, place: int, at: float
) -> Line:
    # This report writes days, as in 21-Sep-2026.
    asked = returned_at(world, seller, life) or int(at)
    return {
        "Order ID": world.order_id(seller, life),
        "Order date": _day(life.purchased),
        "Return request date": _day(asked),
        "Return request status": "Approved",
        "Amazon RMA ID": f"D{life.number:08}RRMA",
        "Currency code": life.marketplace.currency,
        "A-to-Z Claim": "N",
        "Is prime": "N",
        "ASIN": item.listing.asin,
        "Merchant SKU": item.listing.sku,
        "Item Name": item.listing.title(life.marketplace),
        "Return quantity": item.quantity,
        "Return Reason": reason(life),
        "Resolution": "StandardRefund",
        "Order Amount": _price(item, life),
        "Order quantity": item.quantity,
        "Refunded Amount": _price(item, life) if life.number % 2 else "",
    }


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d-%b-%Y")


_LINES: dict[str, Callable[[World, Seller, Life, Item, int, float], Line]] = {
    BY_UPDATE: _order_line,
    BY_ORDER: _order_line,
    SHIPMENTS: _shipment_line,
    FBA_RETURNS: _fba_return_line,
    MFN_RETURNS: _mfn_return_line,
}
