"""Notifications as Amazon sends them, for tests."""

from __future__ import annotations

import json
from typing import Any

from orders.models import NotificationSubscription
from orders.notifications.taking import Message

ORDER = "303-1234567-1234567"
# A buyer as no word of ours may keep them.
BUYER = {
    "BuyerName": "Canary Buyer",
    "BuyerEmail": "canary-buyer@example.com",
    "ShippingAddress": {"AddressLine1": "Canary Street 7", "PostalCode": "CANARY-4711"},
    "TaxId": "CANARY-TAX-99",
}


def document(
    subscription: NotificationSubscription | None = None,
    order: str = ORDER,
    *,
    key: str = "d0e9e693-c3ad-4373-979f-ed4ec98dd746",
    status: str = "Shipped",
    changed: str | None = "2026-03-10T12:00:00.000Z",
    **envelope: Any,
) -> dict[str, Any]:
    """One about a change of the order, of this subscription; fields of the envelope may differ."""
    seller = subscription.account.selling_partner_id if subscription else "A3TH9S8BH6GOGM"
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": "2026-03-10T12:00:01.109Z",
        "Payload": {
            "OrderChangeNotification": {
                "NotificationLevel": "OrderLevel",
                "SellerId": seller,
                "AmazonOrderId": order,
                "OrderChangeType": "OrderStatusChange",
                "OrderChangeTrigger": {
                    "TimeOfOrderChange": changed,
                    "ChangeReason": "Order Status Change",
                },
                "Summary": {
                    "MarketplaceId": "A1PA6795UKMFR9",
                    "OrderStatus": status,
                    "DestinationPostalCode": "CANARY-4711",
                    "FulfillmentType": "MFN",
                    "OrderItems": [{"OrderItemId": "1", "SellerSKU": "MUG-1", "Quantity": 1}],
                    **BUYER,
                },
            }
        },
        "NotificationMetadata": {
            "ApplicationId": "app-id",
            "SubscriptionId": subscription.subscription_id if subscription else "s-1",
            "PublishTime": "2026-03-10T12:00:02.000Z",
            "NotificationId": key,
        },
    } | envelope


def change_of(told: dict[str, Any]) -> dict[str, Any]:
    """The part that is about the order."""
    change: dict[str, Any] = told["Payload"]["OrderChangeNotification"]
    return change


def message(told: object, *, number: int = 1, received: int = 1) -> Message:
    """As the queue hands it out."""
    body = told if isinstance(told, str) else json.dumps(told)
    return Message(f"message-{number}", f"receipt-{number}", body, received)
