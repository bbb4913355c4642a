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
)


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
    for file in FILES:
        model = json.loads((MODELS / file).read_text())
        for path, methods in model["paths"].items():
            for method, operation in methods.items():
                if (
                    method not in {"get", "post"}
                    or operation["operationId"] not in spapi.OPERATIONS
                ):
                    continue
                for status, response in operation["responses"].items():
                    listed = response.get("x-amzn-api-sandbox", {}).get("static", [])
                    for number, example in enumerate(listed):
                        given = example["request"]["parameters"]
                        yield Example(
                            operation["operationId"],
                            int(status),
                            number,
                            method.upper(),
                            path,
                            {one["name"]: one for one in operation.get("parameters", [])},
                            {name: one["value"] for name, one in given.items()},
                            example["response"],
                        )


EXAMPLES = list(examples())
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
    "createConfirmOrderDetails": lambda client, given: client.create_confirm_order_details(
        given["amazonOrderId"], US, **given.get("body", {"text": "Any text"})
    ),
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
}


def check(request: Seen, example: Example) -> None:
    """The request has every parameter of the example, and none that the model does not know."""
    path = example.path
    queried = dict(example.given)
    for name, described in example.parameters.items():
        if described["in"] == "path":
            path = path.replace("{" + name + "}", str(queried.pop(name)))
    assert (request.method, request.path) == (example.method, path)
    check_body(request, queried.pop("body", None), "body" in example.parameters)
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
    assert json.loads(request.body) == (wanted or {"text": "Any text"})


def test_models_have_the_examples_that_we_expect() -> None:
    counted = {(one.operation, one.status) for one in EXAMPLES}
    assert {operation for operation, _ in counted} == set(spapi.OPERATIONS)
    assert {
        ("searchOrders", 400),
        ("getOrder", 400),
        ("getMessagingActionsForOrder", 400),
        ("createConfirmOrderDetails", 400),
        ("createRestrictedDataToken", 200),
        ("createRestrictedDataToken", 400),
    } <= counted
    assert len(EXAMPLES) >= 15


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
        case spapi.Accepted():
            assert (result.status, json.loads(result.body)) == (201, response)
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
            assert [(one.report_id, one.report_type, one.status) for one in result] == [
                (sent["reportId"], sent["reportType"], sent["processingStatus"])
                for sent in response["reports"]
            ]
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
