"""Orders v0, read into the values of 2026-01-01: for where that one fails, until 2027-03-27.

Amazon switches v0 off then (https://developer-docs.amazon.com/sp-api/changelog/
new-introducing-the-orders-api-v2026-01-01). To be rid of it, delete this module, its base class in
`client`, its three rows in `operations` and what follows from that. What corresponds to what:
https://developer-docs.amazon.com/sp-api/docs/orders-api-migration-guide.

v0 tells nothing of packages. It tells of a cancelled order, not of its items, so that all of them
count as cancelled.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from spapi.api import Api
from spapi.operations import GET_ORDER_ITEMS_V0, GET_ORDER_V0, GET_ORDERS_V0
from spapi.reading import known_word
from spapi.texts import amount, clean, moment, part, parts, text, whole_number
from spapi.types import (
    AssociatedOrder,
    Money,
    Order,
    OrderItem,
    OrderItemPage,
    OrderPage,
    TimeWindow,
)
from spapi.writing import moments, query_text

_STATUSES = {"Canceled": "CANCELLED"}
_CHANNELS = {"AFN": "AMAZON", "MFN": "MERCHANT"}
_FLAGS = {
    "IsBusinessOrder": "AMAZON_BUSINESS",
    "IsIBA": "INVOICE_BY_AMAZON",
    "IsISPU": "IN_STORE_PICK_UP",
    "IsPremiumOrder": "PREMIUM",
    "IsPrime": "PRIME",
}
_OF_THE_ITEM = ("SUBSCRIBE_AND_SAVE", "TRANSPARENCY")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class OrdersV0Api(Api):
    """https://developer-docs.amazon.com/sp-api/docs/orders-api-v0-reference"""

    def get_orders_v0(
        self,
        marketplace_ids: Collection[str],
        *,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
        last_updated_after: datetime | str | None = None,
        last_updated_before: datetime | str | None = None,
        order_statuses: Collection[str] = (),
        max_results_per_page: int = 100,
        next_token: str | None = None,
    ) -> OrderPage:
        """One page of the orders created, or updated, after the moment given, without their items.

        Exactly one of `created_after` and `last_updated_after`; 1 to 50 marketplaces. The statuses
        are v0's words (`Shipped`). A page's token goes with the same arguments, as it came.
        """
        if (created_after is None) == (last_updated_after is None):
            raise ValueError("give exactly one of created_after and last_updated_after")
        if not 1 <= len(marketplace_ids) <= 50:
            raise ValueError("give 1 to 50 marketplaces")
        query = query_text(
            MarketplaceIds=marketplace_ids,
            CreatedAfter=moments(created_after),
            CreatedBefore=moments(created_before),
            LastUpdatedAfter=moments(last_updated_after),
            LastUpdatedBefore=moments(last_updated_before),
            OrderStatuses=order_statuses,
            MaxResultsPerPage=[str(max_results_per_page)],
            NextToken=[next_token] if next_token is not None else [],
        )
        return self._ask(GET_ORDERS_V0, read_page_v0, query=query)

    def get_order_v0(self, order_id: str) -> Order:
        """The order without its items; `with_items` joins them to it."""
        return self._ask(GET_ORDER_V0, read_order_v0, GET_ORDER_V0.url_path(order_id=order_id))

    def get_order_items_v0(self, order_id: str, *, next_token: str | None = None) -> OrderItemPage:
        """One page of the order's items."""
        path = GET_ORDER_ITEMS_V0.url_path(order_id=order_id)
        query = query_text(NextToken=[next_token] if next_token is not None else [])
        return self._ask(GET_ORDER_ITEMS_V0, read_items_v0, path, query)


def with_items(order: Order, pages: Collection[OrderItemPage]) -> Order:
    """The order with the items of all these pages, as Orders 2026-01-01 would show it."""
    cancelled = order.fulfillment_status == "CANCELLED"
    items = [replace(item, cancelled=cancelled) for page in pages for item in page.items]
    programs = [*order.programs, *(word for page in pages for word in page.order_programs)]
    unknown = [*order.unknown_words, *(word for page in pages for word in page.unknown_words)]
    return replace(
        order,
        items=tuple(items),
        programs=tuple(dict.fromkeys(programs)),
        unknown_words=tuple(dict.fromkeys(unknown)),
    )


def read_page_v0(document: object) -> OrderPage | None:
    """The page of orders in an answer of getOrders; None if it is no such answer."""
    payload = part(document, "payload")
    entries = payload.get("Orders")
    if not isinstance(entries, list):
        return None
    orders = tuple(order for entry in entries if (order := _order(entry)) is not None)
    return OrderPage(
        orders=orders,
        next_token=text(payload, "NextToken"),
        last_updated_before=moment(payload.get("LastUpdatedBefore")),
        created_before=moment(payload.get("CreatedBefore")),
        unreadable=len(entries) - len(orders),
    )


def read_order_v0(document: object) -> Order | None:
    """The order in an answer of getOrder; None if it names no order id."""
    return _order(part(document, "payload"))


def read_items_v0(document: object) -> OrderItemPage | None:
    """The page of items in an answer of getOrderItems; None if it is no such answer."""
    payload = part(document, "payload")
    if not isinstance(payload.get("OrderItems"), list):
        return None
    unknown: list[str] = []
    of_the_order: list[str] = []
    items = [_item(entry, of_the_order, unknown) for entry in parts(payload, "OrderItems")]
    return OrderItemPage(
        tuple(item for item in items if item is not None),
        text(payload, "NextToken"),
        tuple(dict.fromkeys(of_the_order)),
        tuple(dict.fromkeys(unknown)),
    )


def _order(entry: object) -> Order | None:
    if not isinstance(entry, Mapping) or not (order_id := text(entry, "AmazonOrderId")):
        return None
    unknown: list[str] = []
    programs = [word for flag, word in _FLAGS.items() if entry.get(flag) is True]
    if entry.get("OrderType") == "Preorder":
        programs.append("PREORDER")
    replaced = text(entry, "ReplacedOrderId")
    total = part(entry, "OrderTotal")
    number, currency = amount(total.get("Amount")), text(total, "CurrencyCode")
    return Order(
        order_id=order_id,
        created_at=moment(entry.get("PurchaseDate")),
        updated_at=moment(entry.get("LastUpdateDate")),
        marketplace_id=text(entry, "MarketplaceId"),
        channel_name=_channel_name(text(entry, "SalesChannel")),
        programs=tuple(programs),
        associated_orders=(
            (AssociatedOrder(replaced, "REPLACEMENT_ORIGINAL_ID"),) if replaced else ()
        ),
        fulfillment_status=_word(entry, "OrderStatus", "fulfillmentStatus", unknown, _STATUSES),
        fulfilled_by=_word(entry, "FulfillmentChannel", "fulfilledBy", unknown, _CHANNELS),
        service_level=_word(
            entry, "ShipmentServiceLevelCategory", "fulfillmentServiceLevel", unknown, {}
        ),
        ship_by=_window(entry, "EarliestShipDate", "LatestShipDate"),
        deliver_by=_window(entry, "EarliestDeliveryDate", "LatestDeliveryDate"),
        packages=(),
        total=Money(number, currency) if number is not None and currency else None,
        items=(),
        unknown_words=tuple(unknown),
    )


def _item(
    entry: Mapping[str, object], of_the_order: list[str], unknown: list[str]
) -> OrderItem | None:
    if not (item_id := text(entry, "OrderItemId")):
        return None
    programs = ["TRANSPARENCY"] if entry.get("IsTransparency") is True else []
    listed = part(entry, "AmazonPrograms").get("Programs")
    for word in (clean(one) for one in listed) if isinstance(listed, list) else ():
        if word in _OF_THE_ITEM:
            programs.append(known_word(word, "orderItems.programs", unknown))
        elif word:
            of_the_order.append(known_word(word, "programs", unknown))
    asked = part(entry, "BuyerRequestedCancel")
    return OrderItem(
        order_item_id=item_id,
        asin=text(entry, "ASIN"),
        sku=text(entry, "SellerSKU"),
        title=text(entry, "Title"),
        quantity=whole_number(entry.get("QuantityOrdered")),
        quantity_fulfilled=whole_number(entry.get("QuantityShipped")),
        programs=tuple(dict.fromkeys(programs)),
        # A text in the model, `"true"`.
        cancellation_requested=text(asked, "IsBuyerRequestedCancel") == "true"
        or asked.get("IsBuyerRequestedCancel") is True,
        cancelled=False,
    )


def _channel_name(sales_channel: str | None) -> str | None:
    if sales_channel is None:
        return None
    return "AMAZON" if sales_channel.lower().startswith("amazon.") else "NON_AMAZON"


def _word(
    entry: Mapping[str, object],
    name: str,
    known_as: str,
    unknown: list[str],
    others: Mapping[str, str],
) -> str | None:
    """v0's word in the form of 2026-01-01: `SecondDay` is `SECOND_DAY`."""
    word = text(entry, name)
    if not word:
        return None
    return known_word(others.get(word) or _CAPITAL.sub("_", word).upper(), known_as, unknown)


def _window(entry: Mapping[str, object], earliest: str, latest: str) -> TimeWindow | None:
    start, end = moment(entry.get(earliest)), moment(entry.get(latest))
    return TimeWindow(start, end) if start or end else None
