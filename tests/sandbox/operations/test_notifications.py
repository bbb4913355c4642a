import json
from typing import Any

import pytest

from sandbox.messages import Answer
from sandbox.moments import DAY
from sandbox.options import Options
from tests.sandbox.conftest import NOW, Desk, document, message
from tests.sandbox.schemas import Model

PATH = "/notifications/v1"
MODEL = Model("notifications.json")
SMALL = Options(orders=120, sellers=1, seed=7)
ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"


@pytest.fixture
def desk() -> Desk:
    """Smaller than the others' desk, which takes longer to make than these tests to run."""
    return Desk(Options(orders=60, seed=7))


def ask(desk: Desk, method: str, path: str, body: Any = None, **more: Any) -> Answer:
    """The bucket is full again before it."""
    desk.ticks += 100
    raw = b"" if body is None else json.dumps(body).encode()
    length = {} if body is None else {"content_length": str(len(raw))}
    return desk.ask(method, f"{PATH}/{path}", body=raw, **length, **more)


def grantless(desk: Desk, method: str, path: str, body: Any = None) -> Answer:
    token = desk.amazon.state.tokens.issue_grantless()
    return ask(desk, method, path, body, x_amz_access_token=token)


def destination(desk: Desk, arn: str = ARN) -> Answer:
    body = {"name": "Orders", "resourceSpecification": {"sqs": {"arn": arn}}}
    return grantless(desk, "POST", "destinations", body)


def subscribe(desk: Desk, **changes: Any) -> Answer:
    """A subscription to the destination that is there, or is made now."""
    listed = document(grantless(desk, "GET", "destinations"))["payload"]
    key = listed[0] if listed else document(destination(desk))["payload"]
    body = {"payloadVersion": "1.0", "destinationId": key["destinationId"], **changes}
    return ask(desk, "POST", "subscriptions/ORDER_CHANGE", body)


def bodies(desk: Desk) -> list[str]:
    return [sent.body for sent in desk.amazon.take_notifications(100_000)[0]]


def orders(desk: Desk) -> list[str]:
    """The orders that the waiting messages are about."""
    changes = [json.loads(text)["Payload"]["OrderChangeNotification"] for text in bodies(desk)]
    return [change["AmazonOrderId"] for change in changes]


def test_every_answer_has_the_models_shape(desk):
    made = document(destination(desk))
    assert MODEL.faults("CreateDestinationResponse", made) == []
    key = made["payload"]["destinationId"]
    shown = document(grantless(desk, "GET", f"destinations/{key}"))
    assert MODEL.faults("GetDestinationResponse", shown) == []
    listed = document(grantless(desk, "GET", "destinations"))
    assert MODEL.faults("GetDestinationsResponse", listed) == []
    assert shown["payload"] == listed["payload"][0] == made["payload"]

    made = document(subscribe(desk))
    assert MODEL.faults("CreateSubscriptionResponse", made) == []
    key = made["payload"]["subscriptionId"]
    by_id = document(grantless(desk, "GET", f"subscriptions/ORDER_CHANGE/{key}"))
    assert MODEL.faults("GetSubscriptionByIdResponse", by_id) == []
    by_type = document(ask(desk, "GET", "subscriptions/ORDER_CHANGE?payloadVersion=1.0"))
    assert MODEL.faults("GetSubscriptionResponse", by_type) == []
    page = document(ask(desk, "GET", "subscriptions?notificationTypes=ORDER_CHANGE"))
    assert MODEL.faults("GetSubscriptionsResponse", page) == []
    assert by_id == by_type == made
    assert page["payload"]["subscriptions"] == [made["payload"]]

    for path in (f"subscriptions/ORDER_CHANGE/{key}", f"destinations/{shown['payload']['name']}"):
        grantless(desk, "DELETE", path)
    gone = grantless(desk, "DELETE", f"destinations/{shown['payload']['destinationId']}")
    assert (gone.status, document(gone)) == (200, {})
    assert document(grantless(desk, "GET", "destinations")) == {"payload": []}


@pytest.mark.parametrize(
    ("method", "path", "needs_application"),
    [
        ("POST", "destinations", True),
        ("GET", "destinations", True),
        ("GET", "destinations/d", True),
        ("DELETE", "destinations/d", True),
        ("POST", "subscriptions/ORDER_CHANGE", False),
        ("GET", "subscriptions/ORDER_CHANGE", False),
        ("GET", "subscriptions?notificationTypes=ORDER_CHANGE", False),
        ("GET", "subscriptions/ORDER_CHANGE/s", True),
        ("DELETE", "subscriptions/ORDER_CHANGE/s", True),
    ],
)
def test_each_operation_wants_the_token_that_it_is_for(desk, method, path, needs_application):
    right, wrong = (grantless, ask) if needs_application else (ask, grantless)
    refused = wrong(desk, method, path)
    assert (refused.status, message(refused)) == (403, "Access to requested resource is denied.")
    assert right(desk, method, path).status in (200, 400, 404)


def test_a_token_of_the_application_cannot_be_made_of_a_sellers(desk):
    forged = "Atc|" + desk.token().partition("|")[2]
    refused = ask(desk, "GET", "destinations", x_amz_access_token=forged)
    assert refused.status == 403


def test_a_queue_has_one_destination(desk):
    destination(desk)
    again = destination(desk)
    [error] = document(again)["errors"]
    assert (again.status, error["code"]) == (409, "Conflict")
    assert error["message"] == "The requested resource conflict with a resource in the server."
    application = desk.amazon.world.application_id
    expected = f"A destination with arn {ARN} already exists for the application {application}"
    assert error["details"] == expected
    assert destination(desk, ARN + "2").status == 200


@pytest.mark.parametrize(
    ("arn", "status"),
    [
        (f"{ARN}-forbidden", 403),
        (f"{ARN}.fifo", 400),
        ("arn:aws:sns:eu-west-1:123456789012:orders", 400),
        ("", 400),
        (None, 400),
    ],
)
def test_a_queue_that_amazon_cannot_write_to_is_refused(desk, arn, status):
    assert destination(desk, arn).status == status
    assert document(grantless(desk, "GET", "destinations"))["payload"] == []


def test_a_destination_in_use_is_not_deleted(desk):
    subscribe(desk)
    [key] = desk.amazon.state.post.destinations
    refused = grantless(desk, "DELETE", f"destinations/{key}")
    assert refused.status == 403
    assert document(refused)["errors"][0]["details"] == "Destination has subscriptions"


def test_a_seller_has_one_subscription_of_a_type(desk):
    assert subscribe(desk).status == 200
    again = subscribe(desk)
    assert (again.status, document(again)["errors"][0]["code"]) == (409, "StateConflict")
    other = desk.amazon.world.sellers[1]
    [key] = desk.amazon.state.post.destinations
    body = {"payloadVersion": "1.0", "destinationId": key}
    assert ask(desk, "POST", "subscriptions/ORDER_CHANGE", body, seller=other).status == 200
    assert ask(desk, "GET", "subscriptions/REPORT_PROCESSING_FINISHED").status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"payloadVersion": "2.0"},
        {"destinationId": "d"},
        {"processingDirective": []},
        {"processingDirective": {"other": 1}},
        {"processingDirective": {"eventFilter": {"eventFilterType": "ANY_OFFER_CHANGED"}}},
        {
            "processingDirective": {
                "eventFilter": {"eventFilterType": "ORDER_CHANGE", "marketplaceIds": ["DE"]}
            }
        },
        {
            "processingDirective": {
                "eventFilter": {"eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["Any"]}
            }
        },
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused(desk, changes):
    assert subscribe(desk, **changes).status == 400


def test_what_changes_after_the_subscription_is_delivered_once():
    desk = Desk(Options(orders=300, seed=7))
    subscribe(desk)
    assert bodies(desk) == []
    desk.clock += 3 * DAY
    first = orders(desk)
    expected = [
        desk.order_id(life)
        for life in desk.amazon.world.orders_at(desk.seller, desk.clock - 60)
        for at, _ in life.statuses
        if NOW <= at <= desk.clock - 60
    ]
    assert len(expected) > 5
    assert set(expected) <= set(first)
    assert bodies(desk) == []
    desk.clock += DAY
    assert orders(desk)


def test_a_filter_lets_through_what_it_names():
    desk = Desk(Options(orders=800, sellers=1, seed=7))
    markets = ["A1PA6795UKMFR9", "A13V1IB3VIYZZH"]
    chosen = {
        "eventFilterType": "ORDER_CHANGE",
        "marketplaceIds": markets,
        "orderChangeTypes": ["BuyerRequestedChange"],
    }
    subscribe(desk, processingDirective={"eventFilter": chosen})
    desk.clock += 60 * DAY
    changes = [json.loads(text)["Payload"]["OrderChangeNotification"] for text in bodies(desk)]
    assert changes
    assert {change["OrderChangeType"] for change in changes} == {"BuyerRequestedChange"}
    assert {change["Summary"]["MarketplaceId"] for change in changes} <= set(markets)


def test_deleted_subscription_delivers_nothing(desk):
    key = document(subscribe(desk))["payload"]["subscriptionId"]
    grantless(desk, "DELETE", f"subscriptions/ORDER_CHANGE/{key}")
    desk.clock += 3 * DAY
    assert bodies(desk) == []
    assert grantless(desk, "DELETE", f"subscriptions/ORDER_CHANGE/{key}").status == 404


@pytest.mark.parametrize(
    ("do", "share"),
    [
        ({"kind": "lose"}, 0),
        ({"kind": "duplicate", "times": 20}, 20),
        ({"kind": "late", "seconds": 3 * DAY}, 0),
        ({"kind": "poison"}, 1),
        ({"kind": "poison", "text": "not json"}, 1),
    ],
)
def test_a_fault_befalls_messages_on_their_way(do, share):
    plain, faulty = Desk(SMALL), Desk(SMALL)
    for desk in (plain, faulty):
        subscribe(desk)
    faulty.amazon.set_faults([{"operation": "notification", "do": do}])
    plain.clock += 2 * DAY
    faulty.clock += 2 * DAY
    expected, got = bodies(plain), bodies(faulty)
    assert len(got) == share * len(expected)
    if do["kind"] == "duplicate":
        assert got == [text for text in expected for _ in range(20)]
    if do["kind"] == "poison":
        for text in got:
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)
    if do["kind"] == "late":
        faulty.amazon.set_faults([])
        faulty.clock += 3 * DAY
        assert [text for text in bodies(faulty) if text in expected] == expected


def test_every_second_message_may_come_behind_the_next():
    plain, faulty = Desk(SMALL), Desk(SMALL)
    for desk in (plain, faulty):
        subscribe(desk)
    late = {"kind": "late", "seconds": 2 * DAY}
    faulty.amazon.set_faults([{"operation": "notification", "when": {"every": 2}, "do": late}])
    plain.clock = faulty.clock = NOW + 3 * DAY
    bodies(faulty)
    expected = bodies(plain)
    faulty.clock += 3 * DAY
    got = bodies(faulty)
    assert 0 < len(set(got) & set(expected)) < len(expected)


def test_a_past_that_was_asked_for_is_told_from_its_beginning(desk):
    subscribe(desk)
    desk.amazon.state.post.start_at(NOW - 150 * DAY)
    past = [life for life in desk.lives() if life.purchased < NOW - 60]
    assert {desk.order_id(life) for life in past} <= set(orders(desk))
