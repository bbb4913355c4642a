"""Orders v0: the same values as from 2026-01-01, and nothing of the buyer."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal

import pytest

import spapi
from tests.spapi.conftest import ORDER, US, Amazon
from tests.spapi.servers import reply

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENT: dict = {
    "AmazonOrderId": ORDER,
    "PurchaseDate": "2026-03-01T12:00:00Z",
    "LastUpdateDate": "2026-03-01T12:00:00Z",
    "OrderStatus": "PartiallyShipped",
    "FulfillmentChannel": "MFN",
    "SalesChannel": "Amazon.co.uk",
    "ShipmentServiceLevelCategory": "FreeEconomy",
    "MarketplaceId": US,
    "OrderType": "Preorder",
    "OrderTotal": {"CurrencyCode": "GBP", "Amount": "11.01"},
    "IsBusinessOrder": True,
    "IsPrime": True,
    "IsPremiumOrder": "true",
    "IsReplacementOrder": True,
    "ReplacedOrderId": "111-0",
    "EarliestDeliveryDate": "2026-03-01T12:00:00Z",
    "BuyerInfo": {"BuyerName": "SECRET-name", "BuyerEmail": "SECRET-mail"},
    "ShippingAddress": {"Name": "SECRET-recipient"},
    "BuyerTaxInformation": {"BuyerTaxRegistrationId": "SECRET-tax"},
}
ITEM: dict = {
    "OrderItemId": "1",
    "ASIN": "B0",
    "SellerSKU": "SKU",
    "Title": "A thing",
    "QuantityOrdered": 2,
    "QuantityShipped": 1,
    "IsTransparency": True,
    "AmazonPrograms": {"Programs": ["SUBSCRIBE_AND_SAVE", "FBM_SHIP_PLUS", "NEW_ONE", 5]},
    "BuyerRequestedCancel": {"IsBuyerRequestedCancel": "true"},
    "BuyerInfo": {"GiftMessageText": "SECRET-message"},
}


def get(amazon: Amazon, client: spapi.Client, **changes: object) -> spapi.Order:
    amazon.replies = lambda _: reply(200, {"payload": SENT | changes})
    return client.get_order_v0(ORDER)


def test_order_is_read_into_the_newer_words(amazon: Amazon, client: spapi.Client) -> None:
    order = get(amazon, client)
    assert order == spapi.Order(
        order_id=ORDER,
        created_at=NOON,
        updated_at=NOON,
        marketplace_id=US,
        channel_name="AMAZON",
        programs=("AMAZON_BUSINESS", "PRIME", "PREORDER"),
        associated_orders=(spapi.AssociatedOrder("111-0", "REPLACEMENT_ORIGINAL_ID"),),
        fulfillment_status="PARTIALLY_SHIPPED",
        fulfilled_by="MERCHANT",
        service_level="FREE_ECONOMY",
        ship_by=None,
        deliver_by=spapi.TimeWindow(NOON, None),
        packages=(),
        total=spapi.Money(Decimal("11.01"), "GBP"),
        items=(),
    )
    assert "SECRET" not in repr(order)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"OrderStatus": "Canceled"}, {"fulfillment_status": "CANCELLED"}),
        ({"OrderStatus": "PendingAvailability"}, {"fulfillment_status": "PENDING_AVAILABILITY"}),
        (
            {"OrderStatus": "InvoiceUnconfirmed"},
            {
                "fulfillment_status": "INVOICE_UNCONFIRMED",
                "unknown_words": ("fulfillmentStatus=INVOICE_UNCONFIRMED",),
            },
        ),
        ({"FulfillmentChannel": "AFN"}, {"fulfilled_by": "AMAZON"}),
        ({"FulfillmentChannel": "XFN"}, {"unknown_words": ("fulfilledBy=XFN",)}),
        ({"ShipmentServiceLevelCategory": "SecondDay"}, {"service_level": "SECOND_DAY"}),
        ({"ShipmentServiceLevelCategory": None}, {"service_level": None}),
        ({"SalesChannel": "Non-Amazon US"}, {"channel_name": "NON_AMAZON"}),
        ({"SalesChannel": None}, {"channel_name": None}),
        ({"OrderTotal": {"Amount": "x", "CurrencyCode": "EUR"}}, {"total": None}),
        ({"ReplacedOrderId": ""}, {"associated_orders": ()}),
        ({"PurchaseDate": "yesterday"}, {"created_at": None}),
        ({"OrderStatus": {}, "FulfillmentChannel": 3}, {"fulfillment_status": None}),
    ],
)
def test_each_word_has_its_like(
    amazon: Amazon, client: spapi.Client, changes: dict, expected: dict
) -> None:
    order = get(amazon, client, **changes)
    assert {name: getattr(order, name) for name in expected} == expected


def test_items_are_joined_to_their_order(amazon: Amazon, client: spapi.Client) -> None:
    order = get(amazon, client)
    amazon.replies = lambda _: reply(
        200, {"payload": {"AmazonOrderId": ORDER, "OrderItems": [ITEM, {}], "NextToken": "n="}}
    )
    page = client.get_order_items_v0(ORDER, next_token="a=")
    assert amazon.calls[-1].query == {"NextToken": ["a="]}
    assert page.next_token == "n="
    item = spapi.OrderItem(
        order_item_id="1",
        asin="B0",
        sku="SKU",
        title="A thing",
        quantity=2,
        quantity_fulfilled=1,
        programs=("TRANSPARENCY", "SUBSCRIBE_AND_SAVE"),
        cancellation_requested=True,
        cancelled=False,
    )
    whole = spapi.with_items(order, [page, page])
    assert whole.items == (item, item)
    assert whole.programs == (*order.programs, "FBM_SHIP_PLUS", "NEW_ONE")
    assert whole.unknown_words == ("programs=NEW_ONE",)
    assert "SECRET" not in repr(whole)
    cancelled = dataclasses.replace(order, fulfillment_status="CANCELLED")
    assert spapi.with_items(cancelled, [page]).items[0].cancelled


def test_search_sends_v0s_names_and_gives_a_page(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(
        200,
        {
            "payload": {
                "Orders": [SENT, {"no": "id"}, None],
                "NextToken": "next=",
                "LastUpdatedBefore": "2026-03-01T12:00:00Z",
            }
        },
    )
    page = client.get_orders_v0(
        [US, "A2"],
        last_updated_after=NOON,
        last_updated_before=NOON,
        order_statuses=["Shipped", "Canceled"],
        max_results_per_page=50,
        next_token="this=",
    )
    assert amazon.calls[0].query == {
        "MarketplaceIds": [f"{US},A2"],
        "LastUpdatedAfter": ["2026-03-01T12:00:00Z"],
        "LastUpdatedBefore": ["2026-03-01T12:00:00Z"],
        "OrderStatuses": ["Shipped,Canceled"],
        "MaxResultsPerPage": ["50"],
        "NextToken": ["this="],
    }
    assert [order.order_id for order in page.orders] == [ORDER]
    assert (page.next_token, page.unreadable) == ("next=", 2)
    assert (page.last_updated_before, page.created_before) == (NOON, None)


@pytest.mark.parametrize(
    ("marketplaces", "arguments"),
    [
        ([US], {}),
        ([US], {"created_after": NOON, "last_updated_after": NOON}),
        ([], {"created_after": NOON}),
        (["A"] * 51, {"created_after": NOON}),
    ],
)
def test_search_that_amazon_would_refuse_is_not_made(
    amazon: Amazon, client: spapi.Client, marketplaces: list[str], arguments: dict
) -> None:
    with pytest.raises(ValueError, match=r"exactly one|1 to 50"):
        client.get_orders_v0(marketplaces, **arguments)
    assert amazon.seen == []


@pytest.mark.parametrize("answer", [{}, {"payload": None}, {"payload": {"Orders": {}}}, []])
def test_answer_that_is_not_v0s_is_malformed(
    amazon: Amazon, client: spapi.Client, answer: object
) -> None:
    amazon.replies = lambda _: reply(200, answer)
    for call in (
        lambda: client.get_orders_v0([US], created_after=NOON),
        lambda: client.get_order_v0(ORDER),
        lambda: client.get_order_items_v0(ORDER),
    ):
        with pytest.raises(spapi.MalformedAnswer):
            call()
