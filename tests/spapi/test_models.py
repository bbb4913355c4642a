"""Every sandbox example in Amazon's models, sent through the client over HTTP.

An example answers only the parameters that the model lists with it, so that the requests are
checked as well.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import spapi
from spapi.storage import is_storage
from tests.spapi.conftest import ORDER, US, Amazon
from tests.spapi.servers import Seen, reply

MODELS = Path(__file__).parent.parent / "data" / "models"
FILES = (
    "solicitations.json",
    "messaging.json",
    "orders_2026-01-01.json",
    "sellers.json",
    "tokens_2021-03-01.json",
    "reports_2021-06-30.json",
    "notifications.json",
    "ordersV0.json",
    "replenishment-2022-11-07.json",
    # The two operations that were withdrawn since; all others are those of messaging.json.
    "messaging-before-2025-08-04.json",
)
ARN = "arn:aws:sqs:us-east-2:444455556666:queue1"
# For examples that answer any path.
ANY_PATH = {"notificationType": "ORDER_CHANGE", "destinationId": "d", "subscriptionId": "s"}


@dataclass(frozen=True)
class Example:
    operation: str
    status: int
    number: int
    method: str
    path: str
    parameters: dict[str, dict]
    given: dict[str, object]
    response: dict

    def __str__(self) -> str:
        return f"{self.operation}-{self.status}-{self.number}"


def examples() -> Iterator[Example]:
    seen: set[str] = set()
    for file in FILES:
        model = json.loads((MODELS / file).read_text())
        for path, methods in model["paths"].items():
            for method, operation in methods.items():
                if method not in {"get", "post", "delete"}:
                    continue
                # Two versions of the orders API have a getOrder; ours of v0 are named apart.
                name = operation["operationId"] + ("V0" if file == "ordersV0.json" else "")
                if name not in spapi.OPERATIONS or name in seen:
                    continue
                seen.add(name)
                for status, response in operation["responses"].items():
                    listed = response.get("x-amzn-api-sandbox", {}).get("static", [])
                    for number, example in enumerate(listed):
                        given = example["request"]["parameters"]
                        described = operation.get("parameters", [])
                        paths = {one["name"] for one in described if one["in"] == "path"}
                        yield Example(
                            name,
                            int(status),
                            number,
                            method.upper(),
                            path,
                            {one["name"]: one for one in described},
                            {key: ANY_PATH[key] for key in paths - given.keys()}
                            | {key: one["value"] for key, one in given.items()},
                            example["response"],
                        )


EXAMPLES = list(examples())


def arguments(body: dict | None) -> dict:
    """What a method for a message is given for it to send this body."""
    names = {"coverageStartDate": "coverage_start", "coverageEndDate": "coverage_end"}
    given = {names.get(name, name): value for name, value in (body or {}).items()}
    if "attachments" in given:
        given["attachments"] = [
            spapi.Attachment(one["uploadDestinationId"], one["fileName"])
            for one in given["attachments"]
        ]
    return given


def list_offers(
    client: spapi.Client, filters: dict, pagination: dict, sort: dict
) -> spapi.OfferPage:
    promotions = filters.get("promotions", {})
    return client.list_offers(
        filters["marketplaceId"],
        eligibilities=filters["eligibilities"],
        auto_enrollment=filters.get("preferences", {}).get("autoEnrollment", ()),
        promotions={name: one["percentage"] for name, one in promotions.items()},
        sort_key=sort["key"],
        descending=sort["order"] == "DESC",
        **pagination,
    )


CALLS: dict[str, Callable[[spapi.Client, dict], object]] = {
    "getSolicitationActionsForOrder": lambda client, given: (
        client.get_solicitation_actions_for_order(given["amazonOrderId"], *given["marketplaceIds"])
    ),
    "createProductReviewAndSellerFeedbackSolicitation": lambda client, given: (
        client.create_product_review_and_seller_feedback_solicitation(
            given["amazonOrderId"], *given.get("marketplaceIds", [US])
        )
    ),
    "getMessagingActionsForOrder": lambda client, given: client.get_messaging_actions_for_order(
        given["amazonOrderId"], US
    ),
    "GetAttributes": lambda client, given: client.get_attributes(given["amazonOrderId"], US),
    **{
        operation: lambda client, given, method=method, operation=operation: getattr(
            client, method
        )(given["amazonOrderId"], US, **arguments(given.get("body", ANY_BODY.get(operation))))
        for operation, method in {
            "confirmCustomizationDetails": "confirm_customization_details",
            "createConfirmDeliveryDetails": "create_confirm_delivery_details",
            "createLegalDisclosure": "create_legal_disclosure",
            "createNegativeFeedbackRemoval": "create_negative_feedback_removal",
            "createConfirmOrderDetails": "create_confirm_order_details",
            "createConfirmServiceDetails": "create_confirm_service_details",
            "CreateAmazonMotors": "create_amazon_motors",
            "CreateWarranty": "create_warranty",
            "createDigitalAccessKey": "create_digital_access_key",
            "createUnexpectedProblem": "create_unexpected_problem",
            "sendInvoice": "send_invoice",
        }.items()
    },
    "listOffers": lambda client, given: list_offers(client, **given["body"]),
    "searchOrders": lambda client, given: client.search_orders(
        created_after=given["createdAfter"],
        marketplace_ids=given.get("marketplaceIds", ()),
        included_data=given.get("includedData", ()),
        pagination_token=given.get("paginationToken"),
    ),
    "getOrder": lambda client, given: client.get_order(
        given["orderId"], included_data=given.get("includedData", ())
    ),
    "getMarketplaceParticipations": lambda client, given: client.get_marketplace_participations(),
    "createRestrictedDataToken": lambda client, given: client.create_restricted_data_token(
        [
            spapi.RestrictedResource(one["method"], one["path"])
            for one in given["body"]["restrictedResources"]
        ],
        target_application=given["body"].get("targetApplication"),
    ),
    "getReports": lambda client, given: client.get_reports(
        given["reportTypes"], processing_statuses=given["processingStatuses"]
    ),
    "createReport": lambda client, given: client.create_report(
        given["body"]["reportType"],
        given["body"]["marketplaceIds"],
        data_start=given["body"]["dataStartTime"],
    ),
    "getReport": lambda client, given: client.get_report(given["reportId"]),
    "getReportDocument": lambda client, given: client.get_report_document(
        given["reportDocumentId"]
    ),
    "createDestination": lambda client, given: client.create_destination("SQSDestination", ARN),
    "getDestinations": lambda client, given: client.get_destinations(),
    "getDestination": lambda client, given: client.get_destination(given["destinationId"]),
    "deleteDestination": lambda client, given: client.delete_destination(given["destinationId"]),
    "createSubscription": lambda client, given: client.create_subscription(
        given["notificationType"],
        "TEST_CASE_200_DESTINATION_ID",
        event_filter=spapi.EventFilter("ORDER_CHANGE", (US,), ("OrderStatusChange",)),
    ),
    "getSubscription": lambda client, given: client.get_subscription(
        given["notificationType"], payload_version="1.0"
    ),
    "getSubscriptions": lambda client, given: client.get_subscriptions(
        *given["notificationTypes"], page_size=30
    ),
    "getSubscriptionById": lambda client, given: client.get_subscription_by_id(
        given["notificationType"], given["subscriptionId"]
    ),
    "deleteSubscriptionById": lambda client, given: client.delete_subscription_by_id(
        given["notificationType"], given["subscriptionId"]
    ),
    "getOrdersV0": lambda client, given: client.get_orders_v0(
        given.get("MarketplaceIds", [US]),
        created_after=given["CreatedAfter"],
        next_token=given.get("NextToken"),
    ),
    "getOrderV0": lambda client, given: client.get_order_v0(given["orderId"]),
    "getOrderItemsV0": lambda client, given: client.get_order_items_v0(given["orderId"]),
}
# Where the model's example answers anything, and our methods want to know more.
ANY_TEXT = {"text": "Any text"}
ANY_FILE = {"attachments": [{"uploadDestinationId": "1", "fileName": "a.pdf"}]}
ANY_BODY = {
    "confirmCustomizationDetails": ANY_TEXT,
    "createConfirmDeliveryDetails": ANY_TEXT,
    "createLegalDisclosure": ANY_FILE,
    "createConfirmOrderDetails": ANY_TEXT,
    "createConfirmServiceDetails": ANY_TEXT,
    "CreateAmazonMotors": ANY_FILE,
    "CreateWarranty": {
        **ANY_FILE,
        "coverageStartDate": "2026-01-01T00:00:00Z",
        "coverageEndDate": "2028-01-01T00:00:00Z",
    },
    "createDigitalAccessKey": ANY_TEXT,
    "createUnexpectedProblem": ANY_TEXT,
    "sendInvoice": ANY_FILE,
    "createDestination": {
        "name": "SQSDestination",
        "resourceSpecification": {"sqs": {"arn": ARN}},
    },
    "createSubscription": {
        "payloadVersion": "1.0",
        "destinationId": "TEST_CASE_200_DESTINATION_ID",
        "processingDirective": {
            "eventFilter": {
                "eventFilterType": "ORDER_CHANGE",
                "marketplaceIds": [US],
                "orderChangeTypes": ["OrderStatusChange"],
            }
        },
    },
}


def check(request: Seen, example: Example) -> None:
    """The request has every parameter of the example, and none that the model does not know."""
    path = example.path
    queried = dict(example.given)
    for name, described in example.parameters.items():
        if described["in"] == "path":
            path = path.replace("{" + name + "}", str(queried.pop(name)))
    assert (request.method, request.path) == (example.method, path)
    wanted = queried.pop("body", None) or ANY_BODY.get(example.operation)
    check_body(request, wanted, "body" in example.parameters)
    sent: dict[str, object] = {}
    for name, values in request.query.items():
        described = example.parameters[name]
        assert described["in"] == "query"
        assert len(values) == 1, "a list is one parameter, joined by commas"
        if described["type"] != "array":
            sent[name] = values[0]
            continue
        sent[name] = values[0].split(",")
        assert len(sent[name]) <= described.get("maxItems", 99)
        if example.status < 400:
            assert set(sent[name]) <= set(described["items"].get("enum", sent[name]))
    assert queried.items() <= sent.items()
    for name, described in example.parameters.items():
        assert name in sent or described["in"] != "query" or not described["required"]


def check_body(request: Seen, wanted: object, is_known: bool) -> None:
    """The request has the body of the example, as JSON; none where the model knows of none."""
    if not is_known:
        assert request.body == b""
        assert "content-type" not in request.headers
        return
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == wanted


def test_models_have_the_examples_that_we_expect() -> None:
    counted = {(one.operation, one.status) for one in EXAMPLES}
    # For uploads Amazon has no sandbox.
    assert {operation for operation, _ in counted} == set(spapi.OPERATIONS) - {
        "createUploadDestinationForResource"
    }
    assert {(name, status) for name in spapi.MESSAGE_BODIES for status in (201, 400)} <= counted
    assert {
        ("searchOrders", 400),
        ("getOrder", 400),
        ("getMessagingActionsForOrder", 400),
        ("GetAttributes", 400),
        ("listOffers", 400),
        ("createRestrictedDataToken", 200),
        ("createRestrictedDataToken", 400),
    } <= counted
    assert len(EXAMPLES) >= 66


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_example_goes_through_the_client(
    amazon: Amazon, client: spapi.Client, example: Example
) -> None:
    amazon.replies = lambda _: reply(example.status, example.response)
    call = CALLS[example.operation]
    if example.status >= 400:
        with pytest.raises(spapi.BadRequest) as caught:
            call(client, example.given)
        error = example.response["errors"][0]
        assert (caught.value.code, caught.value.message, caught.value.details) == (
            error["code"],
            error["message"],
            error.get("details", ""),
        )
    else:
        compare(call(client, example.given), example.response)
    (request,) = amazon.calls
    check(request, example)


def compare(result: object, response: dict) -> None:
    match result:
        case spapi.OfferedActions():
            assert result.well_formed
            names = [action["name"] for action in response["_links"]["actions"]]
            assert [action.name for action in result.actions] == names
            links = [action["href"] for action in response["_links"]["actions"]]
            offered = "productReviewAndSellerFeedback", "confirmOrderDetails"
            assert [result.offers(name) for name in offered] == [
                "solicitations" in links[0],
                "messaging" in links[0],
            ]
        case spapi.BuyerAttributes():
            assert result.locale == response["buyer"]["locale"]
        case spapi.OfferPage():
            compare_offers(result, response)
        case spapi.Accepted():
            assert result.status in {200, 201}
            assert json.loads(result.body) == response
        case spapi.OrderPage() if "payload" in response:
            sent = response["payload"]
            assert result.next_token == sent.get("NextToken")
            assert result.unreadable == 0
            assert len(result.orders) == len(sent["Orders"]) > 0
            for order, entry in zip(result.orders, sent["Orders"], strict=True):
                compare_v0(order, entry)
        case spapi.Order() if "payload" in response:
            compare_v0(result, response["payload"])
        case spapi.OrderItemPage():
            (item,), (sent,) = result.items, response["payload"]["OrderItems"]
            assert (item.order_item_id, item.asin) == (sent["OrderItemId"], sent["ASIN"])
            assert (item.sku, item.title) == (sent["SellerSKU"], sent["Title"])
            assert (item.quantity, item.quantity_fulfilled) == (1, 0)
            assert (item.cancellation_requested, item.cancelled) == (True, False)
            assert (result.next_token, result.unknown_words) == (None, ())
        case spapi.Destination():
            compare_destinations((result,), [response["payload"]])
        case spapi.Subscription():
            compare_subscriptions((result,), [response["payload"]])
        case spapi.SubscriptionPage():
            assert result.next_token is None
            compare_subscriptions(result.subscriptions, response["payload"]["subscriptions"])
        case spapi.Report():
            compare_reports((result,), [response])
        case spapi.ReportDocument():
            assert result.document_id == response["reportDocumentId"]
            assert (result.url, result.compression) == (response["url"], None)
            assert is_storage(result.url)
            assert result.url not in repr(result)
        case str():
            assert result == response["reportId"]
        case spapi.OrderPage():
            assert result.next_token == response.get("pagination", {}).get("nextToken")
            assert (result.created_before is None) == ("createdBefore" not in response)
            assert result.unreadable == 0
            assert len(result.orders) == len(response["orders"]) > 0
            for order, sent in zip(result.orders, response["orders"], strict=True):
                compare_orders(order, sent)
        case spapi.Order():
            compare_orders(result, response["order"])
        case spapi.AccessToken():
            assert result.value == response["restrictedDataToken"]
            left = (result.expires_at - datetime.now(UTC)).total_seconds()
            assert response["expiresIn"] - 60 < left <= response["expiresIn"]
        case tuple() if "reports" in response:
            compare_reports(result, response["reports"])
        case (spapi.Destination(), *_):
            compare_destinations(result, response["payload"])
        case tuple():
            (one,), (sent,) = result, response["payload"]
            assert one.marketplace_id == sent["marketplace"]["id"]
            assert one.country == sent["marketplace"]["countryCode"]
            assert one.name == sent["marketplace"]["name"]
            assert one.currency == sent["marketplace"]["defaultCurrencyCode"]
            assert one.language == sent["marketplace"]["defaultLanguageCode"]
            assert one.domain == sent["marketplace"]["domainName"]
            assert one.store_name == sent["storeName"]
            assert one.participating is sent["participation"]["isParticipating"]
            assert one.suspended_listings is sent["participation"]["hasSuspendedListings"]
        case _:
            raise AssertionError(result)


def compare_offers(result: spapi.OfferPage, response: dict) -> None:
    assert result.total == response["pagination"]["totalResults"]
    for offer, sent in zip(result.offers, response["offers"], strict=True):
        configuration = sent["offerProgramConfiguration"]
        assert (offer.asin, offer.sku) == (sent["asin"], sent["sku"])
        assert (offer.marketplace_id, offer.eligibility) == (US, "ELIGIBLE")
        assert offer.auto_enrollment == configuration["preferences"]["autoEnrollment"]
        assert offer.enrollment_method == configuration["enrollmentMethod"]
        sent_promotions = configuration["promotions"]
        assert {name: int(one) for name, one in offer.promotions.items()} == {
            name: sent_promotions[name]["percentage"] for name in spapi.PROMOTIONS
        }
        assert (offer.price, offer.inventory, offer.subscriptions) == (None, None, None)


def compare_reports(results: tuple[spapi.Report, ...], sent: list[dict]) -> None:
    for report, entry in zip(results, sent, strict=True):
        assert report.report_id == entry["reportId"]
        assert report.report_type == entry["reportType"]
        assert report.status == entry["processingStatus"]
        for shown, name in (
            (report.created_at, "createdTime"),
            (report.data_start, "dataStartTime"),
            (report.data_end, "dataEndTime"),
            (report.ended_at, "processingEndTime"),
        ):
            assert shown == datetime.fromisoformat(entry[name])


def compare_destinations(results: tuple[spapi.Destination, ...], sent: list[dict]) -> None:
    for one, entry in zip(results, sent, strict=True):
        assert (one.destination_id, one.name) == (entry["destinationId"], entry["name"])
        assert one.arn == entry["resource"]["sqs"]["arn"]


def compare_subscriptions(results: tuple[spapi.Subscription, ...], sent: list[dict]) -> None:
    for one, entry in zip(results, sent, strict=True):
        assert one.subscription_id == entry["subscriptionId"]
        assert one.payload_version == entry["payloadVersion"]
        assert one.destination_id == entry["destinationId"]
        assert one.event_filter is None


def compare_v0(order: spapi.Order, sent: dict) -> None:
    assert order.order_id == sent["AmazonOrderId"]
    assert order.marketplace_id == sent["MarketplaceId"]
    assert order.fulfillment_status == sent["OrderStatus"].upper()
    assert order.fulfilled_by == {"MFN": "MERCHANT", "AFN": "AMAZON"}[sent["FulfillmentChannel"]]
    assert order.service_level == sent["ShipmentServiceLevelCategory"].upper()
    assert order.created_at == datetime.fromisoformat(sent["PurchaseDate"])
    assert order.updated_at == datetime.fromisoformat(sent["LastUpdateDate"])
    for window, kind in ((order.ship_by, "Ship"), (order.deliver_by, "Delivery")):
        for moment, end in (("earliest", "Earliest"), ("latest", "Latest")):
            shown = getattr(window, moment) if window else None
            text = sent.get(f"{end}{kind}Date")
            assert shown == (datetime.fromisoformat(text) if text else None)
    assert (order.total is None) == ("OrderTotal" not in sent)
    if order.total is not None:
        assert str(order.total.amount) == sent["OrderTotal"]["Amount"]
    assert ("AMAZON_BUSINESS" in order.programs) is sent["IsBusinessOrder"]
    assert ("INVOICE_BY_AMAZON" in order.programs) is sent["IsIBA"]
    assert order.unknown_words == ()
    assert "Integration" not in repr(order)


def compare_orders(order: spapi.Order, sent: dict) -> None:
    fulfillment = sent["fulfillment"]
    assert order.order_id == sent["orderId"]
    assert order.marketplace_id == sent["salesChannel"]["marketplaceId"]
    assert order.channel_name == sent["salesChannel"]["channelName"]
    assert list(order.programs) == sent.get("programs", [])
    assert order.fulfillment_status == fulfillment["fulfillmentStatus"]
    assert order.fulfilled_by == fulfillment["fulfilledBy"]
    assert order.service_level == fulfillment["fulfillmentServiceLevel"]
    for window, name in ((order.ship_by, "shipByWindow"), (order.deliver_by, "deliverByWindow")):
        ends = fulfillment.get(name, {})
        for moment, end in (("earliest", "earliestDateTime"), ("latest", "latestDateTime")):
            shown = getattr(window, moment) if window else None
            assert (shown.strftime("%Y-%m-%dT%H:%M:%SZ") if shown else None) == ends.get(end)
    assert len(order.packages) == len(sent.get("packages", []))
    total = sent.get("proceeds", {}).get("grandTotal")
    assert (order.total is None) == (total is None)
    if order.total is not None:
        assert (str(order.total.amount), order.total.currency) == tuple(total.values())
    assert [item.sku for item in order.items] == [
        item["product"]["sellerSku"] for item in sent["orderItems"]
    ]
    assert [item.quantity for item in order.items] == [
        item["quantityOrdered"] for item in sent["orderItems"]
    ]
    assert order.unknown_words == ()
    shown = repr(order)
    for private in private_texts(sent):
        assert private not in shown


def private_texts(sent: dict) -> list[str]:
    """All texts of the parts that are never read, long enough to be nobody's by chance."""
    found: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, dict):
            for one in value.values():
                collect(one)
        elif isinstance(value, list):
            for one in value:
                collect(one)
        elif (
            isinstance(value, str) and len(value) > 4 and not re.fullmatch(r"[A-Z_]+|[\d.]+", value)
        ):
            found.append(value)  # neither a word of an enumeration nor an amount

    for part in ("buyer", "recipient", "payment", "tax"):
        collect(sent.get(part))
    titles = " ".join(item["product"]["title"] for item in sent["orderItems"])
    return [text for text in found if text not in titles]


@pytest.mark.parametrize(
    ("sample", "status"),
    [
        ("solicitation-actions-offered", 200),
        ("solicitation-actions-none", 200),
        ("solicitation-not-available", 403),
    ],
)
def test_answers_of_the_guide_go_through_the_client(
    amazon: Amazon, client: spapi.Client, sample: str, status: int
) -> None:
    body = (MODELS.parent / "samples" / f"{sample}.json").read_text()
    amazon.replies = lambda _: reply(status, body, content_type="application/hal+json")
    if status == 403:
        with pytest.raises(spapi.NotAvailable) as caught:
            client.create_product_review_and_seller_feedback_solicitation(ORDER, US)
        assert caught.value.code == "Unauthorized"
        assert caught.value.body == body
        return
    offered = client.get_solicitation_actions_for_order(ORDER, US)
    assert offered.well_formed
    assert offered.offers("productReviewAndSellerFeedback") is (sample.endswith("offered"))
    assert offered.body == body
