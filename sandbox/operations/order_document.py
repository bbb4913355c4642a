"""One order as Orders 2026-01-01 shows it at a moment, with the data sets that were asked for."""

from typing import Any

from sandbox.basket import Item, basket
from sandbox.life import Life, Status
from sandbox.marketplaces import Marketplace
from sandbox.moments import DAY, HOUR, to_text
from sandbox.personal import buyer, payment, recipient, tax
from sandbox.randomness import draw
from sandbox.world import Seller, World

DATA_SETS = (
    "BUYER",
    "RECIPIENT",
    "PROCEEDS",
    "EXPENSE",
    "PROMOTION",
    "CANCELLATION",
    "FULFILLMENT",
    "PACKAGES",
    "TAX",
    "PAYMENT",
    "FULFILLMENT_ORDERS",
)
_UNPAID = (Status.PENDING, Status.PENDING_AVAILABILITY)
_CARRIERS = {"eu": "DPD", "na": "UPS", "fe": "Yamato Transport"}

Document = dict[str, Any]


def order_document(
    world: World, seller: Seller, life: Life, at: float, included: frozenset[str]
) -> Document:
    """The order at `at` (not before its purchase); personal data only when it was asked for.

    FBA orders carry `shipByWindow` but no `deliverByWindow`, FBM orders both, as Amazon's own
    examples have it. Prices are missing until the order is paid for.
    """
    status = life.status_at(at)
    items = basket(world, seller, life)
    document: Document = {
        "orderId": world.order_id(seller, life),
        "createdTime": to_text(life.purchased),
        "lastUpdatedTime": to_text(life.updated_at(at)),
        "programs": list(life.programs),
        "associatedOrders": _associated(world, seller, life),
        "salesChannel": _channel(life),
    }
    if "BUYER" in included:
        document["buyer"] = buyer(life)
    if "RECIPIENT" in included:
        document["recipient"] = recipient(life)
    if "PROCEEDS" in included and status not in _UNPAID:
        total = sum(item.price * item.quantity for item in items)
        document["proceeds"] = {"grandTotal": _money(total, life.marketplace)}
    if "TAX" in included:
        document["tax"] = tax(life)
    if "PAYMENT" in included and status not in _UNPAID:
        document["payment"] = payment(life)
    if "FULFILLMENT" in included:
        document["fulfillment"] = _fulfillment(life, status)
    document["orderItems"] = [
        _item(life, item, place, at, status, included) for place, item in enumerate(items)
    ]
    if "PACKAGES" in included and not life.by_amazon:
        packages = _packages(world, seller, life, items, at, status)
        if packages:
            document["packages"] = packages
    return document


def _associated(world: World, seller: Seller, life: Life) -> list[Document]:
    if life.replaces is None:
        return []
    original = world.order_id(seller, seller.orders[life.replaces])
    return [{"orderId": original, "associationType": "REPLACEMENT_ORIGINAL_ID"}]


def _channel(life: Life) -> Document:
    market = life.marketplace
    if life.on_amazon:
        name = market.name
        return {"channelName": "AMAZON", "marketplaceId": market.id, "marketplaceName": name}
    name = f"Non-Amazon {market.country}"
    return {"channelName": "NON_AMAZON", "marketplaceId": market.id, "marketplaceName": name}


def _fulfillment(life: Life, status: Status) -> Document:
    document: Document = {
        "fulfillmentStatus": status.value,
        "fulfilledBy": life.fulfilled_by,
        "fulfillmentServiceLevel": life.service,
    }
    if status not in _UNPAID:
        document["shipByWindow"] = _window(life.ship_by)
        if not life.by_amazon:
            document["deliverByWindow"] = _window(life.promise)
    return document


def _window(window: tuple[int, int]) -> Document:
    return {"earliestDateTime": to_text(window[0]), "latestDateTime": to_text(window[1])}


def _item(
    life: Life, item: Item, place: int, at: float, status: Status, included: frozenset[str]
) -> Document:
    market = life.marketplace
    product: Document = {
        "asin": item.listing.asin,
        "title": item.listing.title(market),
        "sellerSku": item.listing.sku,
        "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
    }
    document: Document = {
        "orderItemId": item.item_id,
        "quantityOrdered": item.quantity,
        "programs": ["SUBSCRIBE_AND_SAVE"] if life.subscribed else [],
        "product": product,
    }
    if status not in _UNPAID:
        product["price"] = {"unitPrice": _money(item.price, market)}
        if "PROCEEDS" in included:
            total = _money(item.price * item.quantity, market)
            document["proceeds"] = {
                "proceedsTotal": total,
                "breakdowns": [{"type": "ITEM", "subtotal": total}],
            }
    if "EXPENSE" in included and market.country == "JP":
        points = int(item.price * item.quantity / 100)
        money = _money(points, market)
        granted = {"pointsNumber": points, "pointsMonetaryValue": money}
        document["expense"] = {"pointsCost": {"pointsGranted": granted}}
    if "PROMOTION" in included and life.number % 10 == 0:
        promotion = {"promotionId": f"{market.country}-SAVE-{life.number % 90 + 10}"}
        document["promotion"] = {"breakdowns": [promotion]}
    if "CANCELLATION" in included:
        cancellation = _cancellation(life, at, status)
        if cancellation:
            document["cancellation"] = cancellation
    if "FULFILLMENT" in included:
        sent = _sent(status, place) * item.quantity
        left = 0 if status in (Status.CANCELLED, Status.UNFULFILLABLE) else item.quantity - sent
        document["fulfillment"] = {"quantityFulfilled": sent, "quantityUnfulfilled": left}
    return document


def _sent(status: Status, place: int) -> bool:
    """Whether the item at this place has left: of a parted order only the first has."""
    return status is Status.SHIPPED or (status is Status.PARTIALLY_SHIPPED and place == 0)


def _cancellation(life: Life, at: float, status: Status) -> Document:
    document: Document = {}
    if life.cancel_asked is not None and life.cancel_asked <= at:
        request = {"requester": "BUYER", "cancelReason": "NO_LONGER_NEEDED"}
        document["cancellationRequest"] = request
    if status is Status.CANCELLED:
        reason = "CUSTOMER_REQUEST" if life.cancelled_by == "BUYER" else "NO_INVENTORY"
        execution = {"cancelledBy": life.cancelled_by, "cancelReason": reason}
        document["cancellationExecution"] = execution
    return document


def _packages(
    world: World, seller: Seller, life: Life, items: tuple[Item, ...], at: float, status: Status
) -> list[Document]:
    """What has left so far, in one parcel or, for a parted order, in two."""
    departures = [
        since
        for since, kind in life.statuses
        if kind in (Status.PARTIALLY_SHIPPED, Status.SHIPPED) and since <= at
    ]
    chance = draw(world.plan.seed, "packages", seller.number, life.number)
    carrier = _CARRIERS[life.marketplace.region]
    parted = any(kind is Status.PARTIALLY_SHIPPED for _, kind in life.statuses)
    packages = []
    for number, left in enumerate(departures):
        inside = items[:1] if parted and number == 0 else items[1:] if parted else items
        packages.append(
            {
                "packageReferenceId": str(number + 1),
                "createdTime": to_text(left - 2 * HOUR),
                "packageStatus": _package_status(life, left, at),
                "carrier": carrier,
                "shipTime": to_text(left),
                "shippingService": f"{carrier} {life.service.replace('_', ' ').title()}",
                "trackingNumber": f"{chance.randrange(10**13, 10**14)}",
                "packageItems": [
                    {"orderItemId": item.item_id, "quantity": item.quantity} for item in inside
                ],
            }
        )
    return packages


def _package_status(life: Life, left: int, at: float) -> Document:
    """`detailedStatus` comes with every second order only (models issue 5127: often missing)."""
    status, detail = "IN_TRANSIT", "AT_DESTINATION_FC"
    if at < left + DAY / 2:
        status, detail = "SHIPPED", "PICKED_UP"
    if life.delivered is not None and life.delivered <= at:
        status, detail = "DELIVERED", "DELIVERED"
        if life.undeliverable:
            status, detail = "UNDELIVERABLE", "RETURNED_TO_SELLER"
    return {"status": status, "detailedStatus": detail} if life.number % 2 else {"status": status}


def _money(amount: float, market: Marketplace) -> Document:
    text = f"{amount:.0f}" if market.currency == "JPY" else f"{amount:.2f}"
    return {"amount": text, "currencyCode": market.currency}
