"""Orders, marketplaces and restricted tokens out of Amazon's answers, by an allow-list and tolerantly.

Words (https://github.com/amzn/selling-partner-api-models/blob/main/models/orders-api-model/
orders_2026-01-01.json) are open sets: an unknown one is kept and reported, never refused.
"""

from collections.abc import Mapping
from datetime import datetime

from spapi.texts import amount, clean, moment, part, parts, text, whole_number
from spapi.tokens import AccessToken, issued_token
from spapi.types import (
    AssociatedOrder,
    MarketplaceParticipation,
    Money,
    Order,
    OrderItem,
    OrderPage,
    Package,
    TimeWindow,
)

_WORDS: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "channelName": "AMAZON NON_AMAZON",
        "programs": (
            "AMAZON_BAZAAR AMAZON_BUSINESS AMAZON_EASY_SHIP AMAZON_HAUL DELIVERY_BY_AMAZON"
            " FBM_SHIP_PLUS INVOICE_BY_AMAZON IN_STORE_PICK_UP PREMIUM PREORDER PRIME"
        ),
        "orderItems.programs": "TRANSPARENCY SUBSCRIBE_AND_SAVE",
        "associationType": "REPLACEMENT_ORIGINAL_ID EXCHANGE_ORIGINAL_ID",
        "fulfillmentStatus": (
            "PENDING_AVAILABILITY PENDING UNSHIPPED PARTIALLY_SHIPPED SHIPPED CANCELLED"
            " UNFULFILLABLE"
        ),
        "fulfilledBy": "AMAZON MERCHANT",
        "fulfillmentServiceLevel": (
            "EXPEDITED FREE_ECONOMY NEXT_DAY PRIORITY SAME_DAY SECOND_DAY SCHEDULED STANDARD"
        ),
        "packageStatus": "PENDING IN_TRANSIT SHIPPED DELIVERED CANCELLED UNDELIVERABLE",
        "detailedStatus": (
            "PENDING_SCHEDULE PENDING_PICK_UP PENDING_DROP_OFF LABEL_CANCELLED PICKED_UP"
            " DROPPED_OFF AT_ORIGIN_FC AT_DESTINATION_FC DELIVERED REJECTED_BY_BUYER UNDELIVERABLE"
            " RETURNING_TO_SELLER RETURNED_TO_SELLER LOST OUT_FOR_DELIVERY DAMAGED"
        ),
    }.items()
}


def read_page(document: object) -> OrderPage | None:
    """The page of orders in an answer of searchOrders; None if it is no such answer."""
    if not isinstance(document, Mapping) or not isinstance(document.get("orders"), list):
        return None
    entries = document["orders"]
    orders = tuple(order for entry in entries if (order := read_order(entry)) is not None)
    return OrderPage(
        orders=orders,
        next_token=text(part(document, "pagination"), "nextToken"),
        last_updated_before=moment(document.get("lastUpdatedBefore")),
        created_before=moment(document.get("createdBefore")),
        unreadable=len(entries) - len(orders),
    )


def read_order(entry: object) -> Order | None:
    """The order in an entry; None if the entry names no order id."""
    if not isinstance(entry, Mapping) or not (order_id := text(entry, "orderId")):
        return None
    unknown: list[str] = []
    channel = part(entry, "salesChannel")
    fulfillment = part(entry, "fulfillment")
    return Order(
        order_id=order_id,
        created_at=moment(entry.get("createdTime")),
        updated_at=moment(entry.get("lastUpdatedTime")),
        marketplace_id=text(channel, "marketplaceId"),
        channel_name=_word(channel, "channelName", unknown),
        programs=_words(entry, "programs", "programs", unknown),
        associated_orders=tuple(
            AssociatedOrder(other, _word(link, "associationType", unknown))
            for link in parts(entry, "associatedOrders")
            if (other := text(link, "orderId"))
        ),
        fulfillment_status=_word(fulfillment, "fulfillmentStatus", unknown),
        fulfilled_by=_word(fulfillment, "fulfilledBy", unknown),
        service_level=_word(fulfillment, "fulfillmentServiceLevel", unknown),
        ship_by=_window(fulfillment, "shipByWindow"),
        deliver_by=_window(fulfillment, "deliverByWindow"),
        packages=tuple(_package(one, unknown) for one in parts(entry, "packages")),
        total=_money(part(part(entry, "proceeds"), "grandTotal")),
        items=tuple(
            item for one in parts(entry, "orderItems") if (item := _item(one, unknown)) is not None
        ),
        unknown_words=tuple(dict.fromkeys(unknown)),
    )


def _item(entry: Mapping[str, object], unknown: list[str]) -> OrderItem | None:
    item_id = text(entry, "orderItemId")
    if not item_id:
        return None
    product = part(entry, "product")
    cancellation = part(entry, "cancellation")
    return OrderItem(
        order_item_id=item_id,
        asin=text(product, "asin"),
        sku=text(product, "sellerSku"),
        title=text(product, "title"),
        quantity=whole_number(entry.get("quantityOrdered")),
        quantity_fulfilled=whole_number(part(entry, "fulfillment").get("quantityFulfilled")),
        programs=_words(entry, "programs", "orderItems.programs", unknown),
        # An empty object says as much as a full one: Amazon sends it only if there is a request.
        cancellation_requested=isinstance(cancellation.get("cancellationRequest"), Mapping),
        cancelled=isinstance(cancellation.get("cancellationExecution"), Mapping),
    )


def _package(entry: Mapping[str, object], unknown: list[str]) -> Package:
    status = part(entry, "packageStatus")
    return Package(
        status=_word(status, "status", unknown, known_as="packageStatus"),
        detailed_status=_word(status, "detailedStatus", unknown),
        shipped_at=moment(entry.get("shipTime")),
    )


def read_participations(document: object) -> tuple[MarketplaceParticipation, ...] | None:
    """The marketplaces in an answer of getMarketplaceParticipations; None if it is none."""
    if not isinstance(document, Mapping) or not isinstance(document.get("payload"), list):
        return None
    found = []
    for entry in parts(document, "payload"):
        marketplace = part(entry, "marketplace")
        participation = part(entry, "participation")
        if marketplace_id := text(marketplace, "id"):
            found.append(
                MarketplaceParticipation(
                    marketplace_id=marketplace_id,
                    country=text(marketplace, "countryCode"),
                    name=text(marketplace, "name"),
                    currency=text(marketplace, "defaultCurrencyCode"),
                    language=text(marketplace, "defaultLanguageCode"),
                    domain=text(marketplace, "domainName"),
                    store_name=text(entry, "storeName"),
                    participating=participation.get("isParticipating") is True,
                    suspended_listings=participation.get("hasSuspendedListings") is True,
                )
            )
    return tuple(found)


def known_word(word: str, name: str, unknown: list[str]) -> str:
    """The word itself; one that Amazon's model does not list is added to `unknown`."""
    if word not in _WORDS[name]:
        unknown.append(f"{name}={word}")
    return word


def _word(
    value: Mapping[str, object], name: str, unknown: list[str], known_as: str = ""
) -> str | None:
    word = text(value, name)
    name = known_as or name
    return known_word(word, name, unknown) if word else None


def _words(
    value: Mapping[str, object], name: str, known_as: str, unknown: list[str]
) -> tuple[str, ...]:
    listed = value.get(name)
    texts = [text for one in listed if (text := clean(one))] if isinstance(listed, list) else []
    return tuple(known_word(word, known_as, unknown) for word in texts)


def _window(value: Mapping[str, object], name: str) -> TimeWindow | None:
    ends = part(value, name)
    earliest, latest = moment(ends.get("earliestDateTime")), moment(ends.get("latestDateTime"))
    return TimeWindow(earliest, latest) if earliest or latest else None


def _money(value: Mapping[str, object]) -> Money | None:
    number, currency = amount(value.get("amount")), text(value, "currencyCode")
    return Money(number, currency) if number is not None and currency else None


def read_restricted_token(document: object, asked_at: datetime) -> AccessToken | None:
    """The restricted data token that was asked for at that moment (aware); None if there is none."""
    if not isinstance(document, Mapping):
        return None
    return issued_token(document.get("restrictedDataToken"), document.get("expiresIn"), asked_at)
