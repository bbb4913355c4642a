"""ORDER_CHANGE notifications: which changes of orders there were, and how Amazon words them.

A message about a shipped order is as bare as a real one that Amazon has published (2025-12): no
dates, no counts, no programs, no postal code. All others are as full as the example in the
schema, personal data and all. Neither names an ASIN.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.basket import Item, basket
from sandbox.life import Life, Status
from sandbox.moments import to_exact_text
from sandbox.personal import postal_code
from sandbox.post import Subscription
from sandbox.randomness import draw, identifier
from sandbox.words_v0 import STATUSES, channel
from sandbox.world import Seller, World

STATUS_CHANGE = "OrderStatusChange"
BUYER_CHANGE = "BuyerRequestedChange"
_REASONS = {STATUS_CHANGE: "Order Status Change", BUYER_CHANGE: "Buyer Requested Cancel"}
_PROGRAMS = {"AMAZON_BUSINESS": "Business", "PRIME": "Prime"}
LONGEST_WAY = 60
"""Seconds after a change within which its notification is sent."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an order `at` a moment, told at `published` (seconds since 1970)."""

    life: Life
    kind: str
    at: int
    published: float


def changes(world: World, seller: Seller, after: float, until: float) -> list[Change]:
    """The seller's changes that were published after the one moment and up to the other."""
    found = [
        change
        for life in world.orders_at(seller, until)
        if life.updates[-1] + LONGEST_WAY > after
        for change in _of_order(world, seller, life)
        if after < change.published <= until
    ]
    return sorted(found, key=lambda change: (change.published, change.life.number))


def _of_order(world: World, seller: Seller, life: Life) -> Iterator[Change]:
    chance = draw(world.plan.seed, "notifications", seller.number, life.number)
    for at, _ in life.statuses:
        yield Change(life, STATUS_CHANGE, at, at + chance.uniform(2, LONGEST_WAY))
    if life.cancel_asked is not None:
        asked = life.cancel_asked
        yield Change(life, BUYER_CHANGE, asked, asked + chance.uniform(2, LONGEST_WAY))


def envelope(
    world: World, seller: Seller, change: Change, subscription: Subscription
) -> dict[str, Any]:
    """The notification, as `OrderChangeNotification.json` of Amazon's models has it."""
    key = ("notification", subscription.subscription_id, change.life.number, change.kind, change.at)
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": subscription.payload_version,
        "EventTime": to_exact_text(change.published - 1.5),
        "Payload": {
            "OrderChangeNotification": {
                "NotificationLevel": "OrderLevel",
                "SellerId": seller.selling_partner_id,
                "AmazonOrderId": world.order_id(seller, change.life),
                "OrderChangeType": change.kind,
                "OrderChangeTrigger": {
                    "TimeOfOrderChange": to_exact_text(change.at),
                    "ChangeReason": _REASONS[change.kind],
                },
                "Summary": _summary(world, seller, change),
            }
        },
        "NotificationMetadata": {
            "ApplicationId": world.application_id,
            "SubscriptionId": subscription.subscription_id,
            "PublishTime": to_exact_text(change.published),
            "NotificationId": identifier(draw(world.plan.seed, *key)),
        },
    }


def _summary(world: World, seller: Seller, change: Change) -> dict[str, Any]:
    life, status = change.life, change.life.status_at(change.at)
    bare = status is Status.SHIPPED
    items = basket(world, seller, life)
    summary: dict[str, Any] = {
        "MarketplaceId": life.marketplace.id,
        "OrderStatus": STATUSES[status],
        "PurchaseDate": to_exact_text(life.purchased),
        "DestinationPostalCode": None if bare else postal_code(life),
        "FulfillmentType": channel(life),
        "OrderType": "StandardOrder",
    }
    if not bare:
        summary |= _details(change, status, items)
    programs = [word for name, word in _PROGRAMS.items() if name in life.programs]
    if life.replaces is not None:
        programs.append("Replacement")
    summary |= {"OrderPrograms": [] if bare else programs, "ShippingPrograms": []}
    summary["OrderItems"] = [
        {
            "OrderItemId": item.item_id,
            "SellerSKU": item.listing.sku,
            "SupplySourceId": None,
            "Quantity": item.quantity,
        }
        | ({} if bare else _item_details(change, status, place, item))
        for place, item in enumerate(items)
    ]
    return summary


def _details(change: Change, status: Status, items: tuple[Item, ...]) -> dict[str, Any]:
    life = change.life
    sent = items[0].quantity if status is Status.PARTIALLY_SHIPPED else 0
    details: dict[str, Any] = {
        "NumberOfItemsShipped": sent,
        "NumberOfItemsUnshipped": sum(item.quantity for item in items) - sent,
        "ElectronicInvoiceStatus": "NotRequired",
    }
    if not life.by_amazon:
        names = ("EarliestShipDate", "LatestShipDate", "EarliestDeliveryDate", "LatestDeliveryDate")
        moments = map(to_exact_text, (*life.ship_by, *life.promise))
        details |= zip(names, moments, strict=True)
    if change.kind == BUYER_CHANGE:
        details["CancelNotifyDate"] = to_exact_text(change.at)
    return details


def _item_details(change: Change, status: Status, place: int, item: Item) -> dict[str, Any]:
    life, asked = change.life, change.life.cancel_asked
    gone = status is Status.PARTIALLY_SHIPPED and place == 0
    details: dict[str, Any] = {
        "OrderItemStatus": "Shipped" if gone else "Unshipped",
        "QuantityShipped": item.quantity if gone else 0,
        "IsBuyerRequestedCancel": asked is not None and asked <= change.at,
    }
    if not life.by_amazon:
        earliest, latest = map(to_exact_text, life.promise)
        details |= {"ItemEarliestDeliveryDate": earliest, "ItemLatestDeliveryDate": latest}
    return details
