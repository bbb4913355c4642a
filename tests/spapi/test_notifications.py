"""Notifications: whose token is used, what is sent, and what is read of the answers."""

import json
from collections.abc import Callable

import pytest

import spapi
from tests.spapi.conftest import TOKEN, Amazon
from tests.spapi.servers import Seen, errors, reply

ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"
OF_APPLICATION = "Atc|of-the-application"
DESTINATION = {"destinationId": "d1", "name": "Orders", "resource": {"sqs": {"arn": ARN}}}
SUBSCRIPTION = {"subscriptionId": "s1", "payloadVersion": "1.0", "destinationId": "d1"}

Call = Callable[[spapi.Client], object]
GRANTLESS: dict[str, Call] = {
    "createDestination": lambda client: client.create_destination("Orders", ARN),
    "getDestinations": lambda client: client.get_destinations(),
    "getDestination": lambda client: client.get_destination("d1"),
    "deleteDestination": lambda client: client.delete_destination("d1"),
    "getSubscriptionById": lambda client: client.get_subscription_by_id("ORDER_CHANGE", "s1"),
    "deleteSubscriptionById": lambda client: client.delete_subscription_by_id("ORDER_CHANGE", "s1"),
}
OF_THE_SELLER: dict[str, Call] = {
    "createSubscription": lambda client: client.create_subscription("ORDER_CHANGE", "d1"),
    "getSubscription": lambda client: client.get_subscription("ORDER_CHANGE"),
    "getSubscriptions": lambda client: client.get_subscriptions("ORDER_CHANGE"),
}


@pytest.fixture(autouse=True)
def tokens(amazon: Amazon) -> None:
    def token(request: Seen) -> bytes:
        grantless = b"client_credentials" in request.body
        value = OF_APPLICATION if grantless else TOKEN
        return reply(200, {"access_token": value, "expires_in": 3600})

    amazon.tokens = token


@pytest.mark.parametrize("name", [*GRANTLESS, *OF_THE_SELLER])
def test_operation_is_called_with_the_token_that_it_is_for(
    amazon: Amazon, client: spapi.Client, name: str
) -> None:
    amazon.replies = lambda _: reply(404, errors("No such thing.", code="NotFound"))
    with pytest.raises(spapi.NotFound) as caught:
        (GRANTLESS | OF_THE_SELLER)[name](client)
    assert caught.value.operation == name
    (request,) = amazon.calls
    expected = OF_APPLICATION if name in GRANTLESS else TOKEN
    assert request.headers["x-amz-access-token"] == expected
    assert len(amazon.token_calls) == 1


def test_expired_token_of_the_application_is_replaced_and_the_sellers_left_alone(
    amazon: Amazon, client: spapi.Client
) -> None:
    answers = iter(
        [
            reply(403, errors("Denied", details="The access token you provided has expired.")),
            reply(200, {"payload": []}),
        ]
    )
    client.access_token()
    amazon.replies = lambda _: next(answers)
    assert client.get_destinations() == ()
    assert [b"client_credentials" in call.body for call in amazon.token_calls] == [
        False,
        True,
        True,
    ]


def test_destination_is_made_for_a_queue(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"payload": DESTINATION})
    assert client.create_destination("Orders", ARN) == spapi.Destination("d1", "Orders", ARN)
    (request,) = amazon.calls
    assert json.loads(request.body) == {
        "name": "Orders",
        "resourceSpecification": {"sqs": {"arn": ARN}},
    }


def test_destination_that_exists_is_a_conflict_and_can_be_found(
    amazon: Amazon, client: spapi.Client
) -> None:
    said = "The requested resource conflict with a resource in the server."
    amazon.replies = lambda request: (
        reply(409, errors(said, code="Conflict", details=f"A destination with arn {ARN} already"))
        if request.method == "POST"
        else reply(
            200,
            {"payload": [{"destinationId": "d0", "resource": {"eventBridge": {}}}, DESTINATION]},
        )
    )
    with pytest.raises(spapi.Conflict) as caught:
        client.create_destination("Orders", ARN)
    assert caught.value.effect is spapi.Effect.REJECTED
    found = client.get_destinations()
    assert [one.destination_id for one in found if one.arn == ARN] == ["d1"]


def test_destination_in_use_is_not_deleted(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(
        403,
        errors("The requested action is forbidden.", details="Destination has subscriptions"),
    )
    with pytest.raises(spapi.StillInUse):
        client.delete_destination("d1")


@pytest.mark.parametrize(
    ("event_filter", "sent"),
    [
        (None, None),
        (
            spapi.EventFilter("ORDER_CHANGE", ("A1", "A2"), ("OrderStatusChange",)),
            {
                "eventFilterType": "ORDER_CHANGE",
                "marketplaceIds": ["A1", "A2"],
                "orderChangeTypes": ["OrderStatusChange"],
            },
        ),
        (spapi.EventFilter("ORDER_CHANGE"), {"eventFilterType": "ORDER_CHANGE"}),
    ],
)
def test_subscription_carries_its_filter_there_and_back(
    amazon: Amazon,
    client: spapi.Client,
    event_filter: spapi.EventFilter | None,
    sent: dict[str, object] | None,
) -> None:
    directive = {} if sent is None else {"processingDirective": {"eventFilter": sent}}
    amazon.replies = lambda _: reply(200, {"payload": SUBSCRIPTION | directive})
    made = client.create_subscription("ORDER_CHANGE", "d1", event_filter=event_filter)
    assert made == spapi.Subscription("s1", "1.0", "d1", event_filter)
    (request,) = amazon.calls
    assert request.path == "/notifications/v1/subscriptions/ORDER_CHANGE"
    assert json.loads(request.body) == {"payloadVersion": "1.0", "destinationId": "d1"} | directive


def test_subscriptions_are_asked_for_page_by_page(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(
        200, {"payload": {"subscriptions": [SUBSCRIPTION, {}, None], "nextToken": "more="}}
    )
    page = client.get_subscriptions("ORDER_CHANGE", page_size=30, next_token="a+b=")
    assert page == spapi.SubscriptionPage((spapi.Subscription("s1", "1.0", "d1"),), "more=")
    (request,) = amazon.calls
    assert request.query == {
        "notificationTypes": ["ORDER_CHANGE"],
        "pageSize": ["30"],
        "nextToken": ["a+b="],
    }


def test_deletion_has_no_body_and_a_connection_of_its_own(
    amazon: Amazon, client: spapi.Client
) -> None:
    amazon.replies = lambda _: reply(200, {})
    for _ in range(2):
        assert client.delete_subscription_by_id("ORDER_CHANGE", "s/1").status == 200
    first, second = amazon.calls
    assert first.target == "/notifications/v1/subscriptions/ORDER_CHANGE/s%2F1"
    assert (first.method, first.body) == ("DELETE", b"")
    assert "content-type" not in first.headers
    assert first.connection != second.connection


@pytest.mark.parametrize(
    "answer", [{}, [], {"payload": None}, {"payload": {"name": "no id"}}, {"payload": "text"}]
)
@pytest.mark.parametrize(
    "name",
    ["createDestination", "getDestinations", "getSubscription", "getSubscriptions"],
)
def test_answer_that_is_not_the_operations_is_malformed(
    amazon: Amazon, client: spapi.Client, name: str, answer: object
) -> None:
    amazon.replies = lambda _: reply(200, answer)
    with pytest.raises(spapi.MalformedAnswer):
        (GRANTLESS | OF_THE_SELLER)[name](client)
