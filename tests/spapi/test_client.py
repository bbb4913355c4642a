"""What a client asks of Amazon, and with what it can and cannot be built."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

import spapi
from tests.spapi.conftest import CREDENTIALS, ORDER, US, Amazon, ask, look
from tests.spapi.servers import reply

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
MakeClient = Callable[..., spapi.Client]
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_client_cannot_be_built_without_a_limiter() -> None:
    with pytest.raises(TypeError, match="limiter"):
        spapi.Client("na", CREDENTIALS)


def test_unknown_region_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown region 'us'; the known ones are na, eu, fe"):
        spapi.Client("us", CREDENTIALS, limiter=spapi.Unlimited())


@pytest.mark.parametrize("region", ["na", "eu", "fe"])
def test_region_has_its_own_host(region: str) -> None:
    sent: list[str] = []

    class Nowhere(spapi.Transport):
        def send(self, request: object) -> object:
            sent.append(request.url)
            raise spapi.TransportFailed("refused", sent=False)

        def close(self) -> None:
            raise AssertionError("a transport that was given is not the client's to close")

    store = spapi.MemoryTokenStore()
    client = spapi.Client(
        region, CREDENTIALS, limiter=spapi.Unlimited(), transport=Nowhere(), token_store=store
    )
    with pytest.raises(spapi.TokenServiceUnavailable):
        client.access_token()
    assert sent.pop() == "https://api.amazon.com/auth/o2/token"
    key = client._caller._tokens.key
    store.put(key, spapi.AccessToken("Atza|a", datetime.now(UTC) + timedelta(hours=1)))
    with pytest.raises(spapi.ConnectFailed):
        ask(client)
    assert sent.pop().startswith(f"https://sellingpartnerapi-{region}.amazon.com/solicitations/")
    client.close()


@pytest.mark.parametrize("name", ["endpoint", "lwa_endpoint"])
@pytest.mark.parametrize(
    "address",
    [
        "http://sellingpartnerapi-na.amazon.com",
        "http://192.168.0.1:80",
        "http://localhost.example.com",
        "ftp://127.0.0.1",
        "//127.0.0.1",
        "127.0.0.1:8000",
        "https://",
        "https://user:secret@example.com",
        "https://example.com/?x=1",
        "https://example.com/#x",
    ],
)
def test_endpoint_to_which_a_token_must_not_go_is_refused(name: str, address: str) -> None:
    with pytest.raises(ValueError, match=r"refused|endpoint") as caught:
        spapi.Client("na", CREDENTIALS, limiter=spapi.Unlimited(), **{name: address})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://sandbox.sellingpartnerapi-na.amazon.com",
        "https://example.com:8443/base/",
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://127.1.2.3",
        "http://[::1]:8000",
    ],
)
def test_endpoint_over_https_or_on_this_machine_is_taken(address: str) -> None:
    spapi.Client("na", CREDENTIALS, limiter=spapi.Unlimited(), endpoint=address).close()


def test_base_address_may_have_a_path(amazon: Amazon, make_client: MakeClient) -> None:
    amazon.replies = lambda _: reply(201, {})
    ask(make_client(endpoint=f"{amazon.url}/eu/"))
    assert amazon.calls[0].path.startswith("/eu/solicitations/v1/orders/")


def test_every_call_carries_token_and_user_agent(amazon: Amazon, make_client: MakeClient) -> None:
    client = make_client(application="My/App", version="1(2")
    amazon.replies = lambda _: reply(201, {})
    ask(client)
    headers = amazon.calls[0].headers
    assert headers["user-agent"].startswith("My\\/App/1\\(2 (Language=Python/3.")
    assert headers["x-amz-access-token"] == "Atza|the-access-token"
    assert "content-type" not in headers
    assert "authorization" not in headers


def test_solicitation_is_one_post_without_a_body(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(201, {}, headers=["x-amzn-RequestId: r1"])
    assert ask(client) == spapi.Accepted(status=201, request_id="r1", body="{}")
    (request,) = amazon.calls
    assert (request.method, request.target, request.body) == (
        "POST",
        f"/solicitations/v1/orders/{ORDER}/solicitations/productReviewAndSellerFeedback"
        f"?marketplaceIds={US}",
        b"",
    )


def test_offered_actions_are_asked_for_one_order_in_one_marketplace(
    amazon: Amazon, client: spapi.Client
) -> None:
    amazon.replies = lambda _: reply(
        200,
        {"_links": {"actions": [{"name": "productReviewAndSellerFeedback", "href": "x"}]}},
        content_type="application/hal+json",
        headers=["x-amzn-RequestId: r1"],
    )
    offered = look(client)
    assert offered.offers("productReviewAndSellerFeedback")
    assert not offered.offers("warranty")
    assert (offered.well_formed, offered.request_id) == (True, "r1")
    assert offered.body.startswith('{"_links"')
    (request,) = amazon.calls
    assert (request.method, request.target) == (
        "GET",
        f"/solicitations/v1/orders/{ORDER}?marketplaceIds={US}",
    )


@pytest.mark.parametrize("order", ["../../x", "a/b", "a?b=c", "a b", "a%2Fb", "ä#", "\r\nX: y"])
def test_order_id_cannot_leave_its_segment_of_the_path(
    amazon: Amazon, client: spapi.Client, order: str
) -> None:
    amazon.replies = lambda _: reply(200, {"_links": {"actions": []}})
    client.get_solicitation_actions_for_order(order, US)
    (request,) = amazon.calls
    assert request.path.count("/") == 4
    assert request.query == {"marketplaceIds": [US]}


@pytest.mark.parametrize("order", ["", ".", ".."])
def test_order_id_that_is_a_step_in_the_path_is_refused(
    amazon: Amazon, client: spapi.Client, order: str
) -> None:
    for call in (
        lambda: client.create_product_review_and_seller_feedback_solicitation(order, US),
        lambda: client.get_order(order),
    ):
        with pytest.raises(ValueError, match="order_id"):
            call()
    assert amazon.seen == []


def test_search_names_every_argument_as_amazon_does(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"orders": []})
    client.search_orders(
        last_updated_after=NOON,
        last_updated_before=NOON.astimezone(timezone(timedelta(hours=2))) + timedelta(days=1),
        marketplace_ids=["A1", "A2"],
        fulfillment_statuses=["SHIPPED"],
        fulfilled_by=["AMAZON", "MERCHANT"],
        included_data=["FULFILLMENT", "PACKAGES"],
        max_results_per_page=50,
        pagination_token="a+b/c=%2F&d",
    )
    (request,) = amazon.calls
    assert request.path == "/orders/2026-01-01/orders"
    assert request.query == {
        "lastUpdatedAfter": ["2026-03-01T12:00:00Z"],
        "lastUpdatedBefore": ["2026-03-02T12:00:00Z"],
        "marketplaceIds": ["A1,A2"],
        "fulfillmentStatuses": ["SHIPPED"],
        "fulfilledBy": ["AMAZON,MERCHANT"],
        "includedData": ["FULFILLMENT,PACKAGES"],
        "maxResultsPerPage": ["50"],
        "paginationToken": ["a+b/c=%2F&d"],
    }
    assert "marketplaceIds=A1,A2&" in request.target
    assert "paginationToken=a%2Bb%2Fc%3D%252F%26d" in request.target


def test_search_leaves_out_what_was_not_given(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"orders": []})
    client.search_orders(created_after=NOON.replace(microsecond=123_456))
    assert amazon.calls[0].query == {
        "createdAfter": ["2026-03-01T12:00:00.123Z"],
        "maxResultsPerPage": ["100"],
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"created_after": NOON, "last_updated_after": NOON},
        {"created_after": NOON, "last_updated_before": NOON},
        {"last_updated_after": NOON, "created_before": NOON},
        {"created_after": NOON.replace(tzinfo=None)},
    ],
)
def test_search_that_amazon_would_refuse_is_not_made(
    amazon: Amazon, client: spapi.Client, arguments: dict
) -> None:
    with pytest.raises(ValueError, match=r"exactly one|cannot be mixed|aware"):
        client.search_orders(**arguments)
    assert amazon.seen == []


def test_search_gives_a_page(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(
        200,
        {
            "orders": [{"orderId": "1"}, {"orderId": "2"}, {"no": "id"}, None],
            "pagination": {"nextToken": "next"},
            "lastUpdatedBefore": "2026-03-01T12:00:00Z",
        },
    )
    page = client.search_orders(last_updated_after=NOON)
    assert [order.order_id for order in page.orders] == ["1", "2"]
    assert (page.next_token, page.unreadable) == ("next", 2)
    assert (page.last_updated_before, page.created_before) == (NOON, None)


def test_large_page_of_orders_is_read_whole(amazon: Amazon, client: spapi.Client) -> None:
    order = {"orderId": "1", "orderItems": [{"orderItemId": "2", "product": {"title": "x" * 500}}]}
    order["orderItems"] *= 40
    amazon.replies = lambda _: reply(200, {"orders": [order] * 100})
    page = client.search_orders(last_updated_after=NOON)
    assert (len(page.orders), len(page.orders[99].items)) == (100, 40)


def test_order_is_asked_with_its_data_sets(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(
        200,
        {
            "order": {
                "orderId": ORDER,
                "proceeds": {"grandTotal": {"amount": "1.20", "currencyCode": "EUR"}},
            }
        },
    )
    order = client.get_order(ORDER, included_data=["FULFILLMENT", "PROCEEDS"])
    assert order.total == spapi.Money(Decimal("1.20"), "EUR")
    (request,) = amazon.calls
    assert request.target == f"/orders/2026-01-01/orders/{ORDER}?includedData=FULFILLMENT,PROCEEDS"


def test_order_may_be_asked_without_data_sets(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"order": {"orderId": ORDER}})
    assert client.get_order(ORDER).order_id == ORDER
    assert amazon.calls[0].target == f"/orders/2026-01-01/orders/{ORDER}"


def test_participations_are_listed(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(
        200,
        {
            "payload": [
                {"marketplace": {"id": US, "countryCode": "US"}, "participation": {}},
                {"marketplace": {}},
                "nonsense",
            ]
        },
    )
    (one,) = client.get_marketplace_participations()
    assert (one.marketplace_id, one.country, one.name) == (US, "US", None)
    assert not one.participating
    assert amazon.calls[0].target == "/sellers/v1/marketplaceParticipations"


def test_closed_client_closes_its_connections(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"_links": {"actions": []}})
    look(client)
    client.close()
    look(client)
    first, second = amazon.calls
    assert first.connection != second.connection


def test_message_goes_as_json_on_a_connection_of_its_own(
    amazon: Amazon, client: spapi.Client
) -> None:
    amazon.replies = lambda _: reply(201, {})
    text = 'Größe 38 oder 39? "So" \u2013 \u2028\U0001f642\nDanke'
    assert client.create_confirm_order_details(ORDER, US, text=text).status == 201
    client.create_confirm_order_details(ORDER, US, text=text)
    first, second = amazon.calls
    assert (first.method, first.path) == (
        "POST",
        f"/messaging/v1/orders/{ORDER}/messages/confirmOrderDetails",
    )
    assert first.query == {"marketplaceIds": [US]}
    assert first.headers["content-type"] == "application/json"
    assert json.loads(first.body) == {"text": text}
    assert first.connection != second.connection


def test_text_that_is_no_text_is_refused_before_anything_leaves(
    amazon: Amazon, client: spapi.Client
) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        client.create_confirm_order_details(ORDER, US, text="half \ud83d of a pair")
    assert amazon.calls == []


def test_message_never_reaches_the_logs(
    amazon: Amazon, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(logging=spapi.Logging(request=True, response=True, error=True))
    amazon.replies = lambda _: reply(500, {"errors": [{"code": "InternalFailure"}]})
    with caplog.at_level("DEBUG"), pytest.raises(spapi.ServerError) as caught:
        client.create_confirm_order_details(ORDER, US, text="A private question")
    logged = [record.getMessage() for record in caplog.records]
    assert any("createConfirmOrderDetails" in line for line in logged)
    assert "private" not in " ".join([*logged, str(caught.value), repr(caught.value)])


def test_live_list_of_messages_names_them_and_keeps_their_forms(
    amazon: Amazon, client: spapi.Client
) -> None:
    body = (SAMPLES / "messaging-getMessagingActionsForOrder.json").read_text()
    amazon.replies = lambda _: reply(200, body, content_type="application/hal+json")
    offered = client.get_messaging_actions_for_order(ORDER, US)
    (request,) = amazon.calls
    assert (request.method, request.path) == ("GET", f"/messaging/v1/orders/{ORDER}")
    assert (request.body, request.query) == (b"", {"marketplaceIds": [US]})
    assert offered.well_formed
    assert offered.offers("unexpectedProblem")
    assert not offered.offers("confirmOrderDetails")
    forms = {action.name: action.schema for action in offered.actions}
    sent = json.loads(body)["_embedded"]["actions"]
    assert forms == {action["name"]: action["_embedded"]["schema"] for action in sent}
