"""Orders and marketplaces: what is read, what is never read, and that nothing can break it."""

import dataclasses
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spapi.notifications import read_destinations, read_subscriptions
from spapi.orders_v0 import read_items_v0, read_order_v0, read_page_v0
from spapi.reading import read_order, read_page, read_participations
from spapi.reports import read_report, read_reports
from spapi.types import AssociatedOrder, Money, OrderItem, Package, TimeWindow

MODELS = Path(__file__).parent.parent / "data" / "models"
ORDER: dict = {
    "orderId": "902-1",
    "orderAliases": [{"aliasId": "SECRET-alias", "aliasType": "SELLER_ORDER_ID"}],
    "createdTime": "2026-01-01T10:00:00Z",
    "lastUpdatedTime": "2026-01-02T11:00:00.5+02:00",
    "programs": ["PRIME", "AMAZON_BUSINESS"],
    "associatedOrders": [{"orderId": "902-0", "associationType": "REPLACEMENT_ORIGINAL_ID"}],
    "salesChannel": {"channelName": "AMAZON", "marketplaceId": "A1", "marketplaceName": "X"},
    "buyer": {"buyerName": "SECRET-name", "buyerEmail": "SECRET-mail"},
    "recipient": {"deliveryAddress": {"name": "SECRET-recipient", "city": "SECRET-city"}},
    "proceeds": {"grandTotal": {"amount": "29.90", "currencyCode": "EUR"}},
    "payment": {"paymentExecutions": [{"paymentMethod": "SECRET-payment"}]},
    "tax": {"taxRegistrations": [{"legalName": "SECRET-tax"}]},
    "fulfillment": {
        "fulfillmentStatus": "SHIPPED",
        "fulfilledBy": "MERCHANT",
        "fulfillmentServiceLevel": "STANDARD",
        "shipByWindow": {"latestDateTime": "2026-01-03T00:00:00Z"},
        "deliverByWindow": {
            "earliestDateTime": "2026-01-05T00:00:00Z",
            "latestDateTime": "2026-01-07T23:59:59Z",
        },
    },
    "orderItems": [
        {
            "orderItemId": "item-1",
            "quantityOrdered": 2,
            "programs": ["SUBSCRIBE_AND_SAVE"],
            "product": {
                "asin": "B01",
                "title": "A title",
                "sellerSku": "SKU-1",
                "customization": {"customizedUrl": "SECRET-url"},
            },
            "fulfillment": {
                "quantityFulfilled": 1,
                "packing": {"giftOption": {"giftMessage": "SECRET-gift"}},
            },
            "cancellation": {"cancellationRequest": {"requester": "BUYER"}},
        }
    ],
    "packages": [
        {
            "packageReferenceId": "1",
            "packageStatus": {"status": "DELIVERED", "detailedStatus": "DELIVERED"},
            "shipTime": "2026-01-03T08:00:00Z",
            "trackingNumber": "SECRET-tracking",
            "shipFromAddress": {"name": "SECRET-from"},
        }
    ],
}


def at(day: int, hour: int, minute: int = 0, second: int = 0, micro: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, second, micro, tzinfo=UTC)


def test_order_is_read_whole() -> None:
    order = read_order(ORDER)
    assert order is not None
    assert dataclasses.asdict(order) == {
        "order_id": "902-1",
        "created_at": at(1, 10),
        "updated_at": at(2, 9, micro=500_000),
        "marketplace_id": "A1",
        "channel_name": "AMAZON",
        "programs": ("PRIME", "AMAZON_BUSINESS"),
        "associated_orders": (
            dataclasses.asdict(AssociatedOrder("902-0", "REPLACEMENT_ORIGINAL_ID")),
        ),
        "fulfillment_status": "SHIPPED",
        "fulfilled_by": "MERCHANT",
        "service_level": "STANDARD",
        "ship_by": dataclasses.asdict(TimeWindow(None, at(3, 0))),
        "deliver_by": dataclasses.asdict(TimeWindow(at(5, 0), at(7, 23, 59, 59))),
        "packages": (dataclasses.asdict(Package("DELIVERED", "DELIVERED", at(3, 8))),),
        "total": dataclasses.asdict(Money(Decimal("29.90"), "EUR")),
        "items": (
            dataclasses.asdict(
                OrderItem(
                    "item-1", "B01", "SKU-1", "A title", 2, 1, ("SUBSCRIBE_AND_SAVE",), True, False
                )
            ),
        ),
        "unknown_words": (),
    }
    assert order.created_at is not None
    assert order.created_at.tzinfo is UTC


def test_nothing_about_the_buyer_is_read() -> None:
    assert "SECRET" in json.dumps(ORDER)
    assert "SECRET" not in repr(read_order(ORDER))


def test_unknown_words_are_kept_and_named() -> None:
    order = read_order(
        {
            **ORDER,
            "programs": ["PRIME", "NEW_PROGRAM", "NEW_PROGRAM"],
            "salesChannel": {"channelName": "SHOP"},
            "fulfillment": {
                "fulfillmentStatus": "INVOICE_UNCONFIRMED",
                "fulfilledBy": "ROBOT",
                "fulfillmentServiceLevel": "DRONE",
            },
            "associatedOrders": [{"orderId": "1", "associationType": "COPY_ID"}],
            "packages": [{"packageStatus": {"status": "MELTED", "detailedStatus": "SUNK"}}],
            "orderItems": [{"orderItemId": "1", "programs": ["GIFTED"]}],
        }
    )
    assert order is not None
    assert order.fulfillment_status == "INVOICE_UNCONFIRMED"
    assert order.programs == ("PRIME", "NEW_PROGRAM", "NEW_PROGRAM")
    assert order.unknown_words == (
        "channelName=SHOP",
        "programs=NEW_PROGRAM",
        "associationType=COPY_ID",
        "fulfillmentStatus=INVOICE_UNCONFIRMED",
        "fulfilledBy=ROBOT",
        "fulfillmentServiceLevel=DRONE",
        "packageStatus=MELTED",
        "detailedStatus=SUNK",
        "orderItems.programs=GIFTED",
    )


def test_missing_is_none_and_empty() -> None:
    order = read_order({"orderId": "1"})
    assert order is not None
    filled = {name: value for name, value in dataclasses.asdict(order).items() if value}
    assert filled == {"order_id": "1"}
    assert order.deliver_by is None
    assert order.items == ()
    assert order.total is None


def test_text_that_a_database_refuses_is_mended() -> None:
    item = {
        "orderItemId": "1",
        "product": {"title": "A\x00 broken \ud83d pair", "sellerSku": "\x00"},
    }
    order = read_order({"orderId": "1\x00", "orderItems": [item]})
    assert order is not None
    assert order.order_id == "1"
    (read,) = order.items
    assert read.title == "A broken ? pair"
    assert read.sku is None
    assert read.title.encode()


def test_long_title_is_kept_whole() -> None:
    order = read_order(
        {"orderId": "1", "orderItems": [{"orderItemId": "1", "product": {"title": "x" * 5000}}]}
    )
    assert order is not None
    assert len(order.items[0].title or "") == 5000


@pytest.mark.parametrize(
    ("money", "read"),
    [
        ({"amount": "19940", "currencyCode": "JPY"}, Money(Decimal(19940), "JPY")),
        ({"amount": 5.5, "currencyCode": "EUR"}, Money(Decimal("5.5"), "EUR")),
        ({"amount": "-1.25", "currencyCode": "EUR"}, Money(Decimal("-1.25"), "EUR")),
        ({"amount": "1e999999", "currencyCode": "EUR"}, None),
        ({"amount": "NaN", "currencyCode": "EUR"}, None),
        ({"amount": "1,50", "currencyCode": "EUR"}, None),
        ({"amount": True, "currencyCode": "EUR"}, None),
        ({"amount": "1.50"}, None),
        ("1.50 EUR", None),
        (None, None),
    ],
)
def test_total_is_exact_or_none(money: object, read: Money | None) -> None:
    order = read_order({"orderId": "1", "proceeds": {"grandTotal": money}})
    assert order is not None
    assert order.total == read


@pytest.mark.parametrize(
    ("cancellation", "requested", "cancelled"),
    [
        (None, False, False),
        ({}, False, False),
        ({"cancellationRequest": {}}, True, False),
        ({"cancellationExecution": {"cancelledBy": "SELLER"}}, False, True),
        ({"cancellationRequest": {"requester": "BUYER"}, "cancellationExecution": {}}, True, True),
        ({"cancellationRequest": None}, False, False),
    ],
)
def test_cancellation_is_there_or_not(
    cancellation: object, requested: bool, cancelled: bool
) -> None:
    order = read_order(
        {"orderId": "1", "orderItems": [{"orderItemId": "1", "cancellation": cancellation}]}
    )
    assert order is not None
    (item,) = order.items
    assert (item.cancellation_requested, item.cancelled) == (requested, cancelled)


@pytest.mark.parametrize("entry", [None, [], "1", 1, {}, {"orderId": ""}, {"orderId": 7}])
def test_entry_without_an_order_id_is_no_order(entry: object) -> None:
    assert read_order(entry) is None


@pytest.mark.parametrize("document", [None, [], {}, {"orders": None}, {"orders": {}}, "orders"])
def test_document_without_a_list_of_orders_is_no_page(document: object) -> None:
    assert read_page(document) is None


def test_empty_page_with_a_token_goes_on() -> None:
    page = read_page({"orders": [], "pagination": {"nextToken": "t"}})
    assert page is not None
    assert (page.orders, page.next_token, page.unreadable) == ((), "t", 0)


def test_last_page_has_no_token() -> None:
    for pagination in ({}, {"nextToken": None}, {"nextToken": ""}, None):
        page = read_page({"orders": [], "pagination": pagination})
        assert page is not None
        assert page.next_token is None


@pytest.mark.parametrize("document", [None, [], {}, {"payload": None}, {"payload": {}}])
def test_document_without_a_list_of_marketplaces_is_none(document: object) -> None:
    assert read_participations(document) is None


NAMES = sorted(
    {"orders", "order", "payload", "nextToken", "pagination"}
    | set(ORDER)
    | set(ORDER["fulfillment"])
    | set(ORDER["orderItems"][0])
    | set(ORDER["packages"][0])
)
ORDER_V0 = (
    "PurchaseDate",
    "OrderStatus",
    "SalesChannel",
    "OrderTotal",
    "ReplacedOrderId",
    "EarliestShipDate",
)
ITEM_V0 = ("Title", "QuantityOrdered", "AmazonPrograms", "BuyerRequestedCancel")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=30,
)


@settings(max_examples=75, deadline=None, suppress_health_check=list(HealthCheck))
@given(JSON)
def test_nothing_that_is_json_can_break_the_reading(value: object) -> None:
    read_page({"orders": [value, {"orderId": "1", "fulfillment": value, "orderItems": [value]}]})
    read_participations({"payload": [value]})
    for name in ORDER:
        assert name == "orderId" or read_order({**ORDER, name: value}) is not None


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(JSON)
def test_nothing_that_is_json_can_break_the_reading_of_the_other_doors(value: object) -> None:
    read_page_v0({"payload": {"Orders": [value], "NextToken": value}})
    read_items_v0({"payload": {"OrderItems": [value], "NextToken": value}})
    for name in ORDER_V0:
        assert read_order_v0({"payload": {"AmazonOrderId": "1", name: value}}) is not None
    for name in ITEM_V0:
        page = read_items_v0({"payload": {"OrderItems": [{"OrderItemId": "1", name: value}]}})
        assert page is not None
        assert len(page.items) == 1
    read_destinations({"payload": [value, {"destinationId": "1", "resource": value}]})
    entry = {"subscriptionId": "1", "processingDirective": {"eventFilter": value}}
    page = read_subscriptions({"payload": {"subscriptions": [value, entry], "nextToken": value}})
    assert page is not None
    read_reports({"reports": [value]})
    for name in ("marketplaceIds", "createdTime", "reportDocumentId"):
        assert read_report({"reportId": "1", name: value}) is not None
    for read in (read_page_v0, read_items_v0, read_order_v0, read_destinations, read_subscriptions):
        read(value)
        read({"payload": value})
