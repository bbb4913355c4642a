"""Tokens of all kinds are kept for what they are for; restricted ones are asked for once."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

import spapi
from spapi.tokens import REFRESH_BEFORE, REFRESH_SPREAD, TokenKeeper, key_of
from tests.spapi.conftest import CREDENTIALS, TOKEN, Amazon, look
from tests.spapi.servers import reply

MakeClient = Callable[..., spapi.Client]
ADDRESS = spapi.RestrictedResource("GET", "/orders/v0/orders/{orderId}/address")
ORDERS = spapi.RestrictedResource("GET", "/orders/v0/orders", ("shippingAddress", "buyerInfo"))
RESTRICTED = "Atz.sprdt|the-restricted-token"


def restricted(value: object = RESTRICTED, lasts: object = 3600) -> bytes:
    return reply(200, {"restrictedDataToken": value, "expiresIn": lasts})


def test_restricted_token_is_asked_for_with_the_sellers_token(
    amazon: Amazon, client: spapi.Client
) -> None:
    amazon.replies = lambda _: restricted()
    got = client.create_restricted_data_token([ORDERS, ADDRESS], target_application="app")
    assert got.value == RESTRICTED
    (request,) = amazon.calls
    assert (request.method, request.path) == ("POST", "/tokens/2021-03-01/restrictedDataToken")
    assert request.headers["x-amz-access-token"] == TOKEN
    assert json.loads(request.body) == {
        "restrictedResources": [
            {
                "method": "GET",
                "path": "/orders/v0/orders",
                "dataElements": ["buyerInfo", "shippingAddress"],
            },
            {"method": "GET", "path": "/orders/v0/orders/{orderId}/address"},
        ],
        "targetApplication": "app",
    }
    assert RESTRICTED not in repr(got)


def test_restricted_tokens_are_kept_by_seller_resources_and_application(
    amazon: Amazon, make_client: MakeClient
) -> None:
    amazon.replies = lambda _: restricted(f"Atz.sprdt|number-{len(amazon.calls)}")
    store = spapi.MemoryTokenStore()
    client = make_client(token_store=store)
    other = spapi.Credentials(CREDENTIALS.client_id, CREDENTIALS.client_secret, "Atzr|another")
    turned = spapi.RestrictedResource("GET", ORDERS.path, ORDERS.data_elements[::-1])
    got = [
        client.create_restricted_data_token([ORDERS, ADDRESS]),
        client.create_restricted_data_token([ADDRESS, turned, ADDRESS]),
        make_client(token_store=store).create_restricted_data_token([ADDRESS, ORDERS]),
        client.create_restricted_data_token([ADDRESS]),
        client.create_restricted_data_token([ADDRESS], target_application="app"),
        make_client(token_store=store, credentials=other).create_restricted_data_token([ADDRESS]),
    ]
    assert [one.value[-1] for one in got] == ["1", "1", "1", "2", "3", "4"]
    look(client)
    assert amazon.calls[-1].headers["x-amz-access-token"] == TOKEN  # it took nobody's place


def test_restricted_token_near_its_end_is_replaced(amazon: Amazon, client: spapi.Client) -> None:
    lasting = iter([59, 121, 3600])
    amazon.replies = lambda _: restricted(lasts=next(lasting))
    for _ in range(4):
        client.create_restricted_data_token([ADDRESS])
    assert len(amazon.calls) == 2


def test_failure_of_a_restricted_token_is_not_kept(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(500, "")
    for _ in range(2):
        with pytest.raises(spapi.ServerError):
            client.create_restricted_data_token([ADDRESS])
    amazon.replies = lambda _: restricted()
    assert client.create_restricted_data_token([ADDRESS]).value == RESTRICTED
    assert len(amazon.calls) == 3


@pytest.mark.parametrize(
    "answer",
    [
        restricted(""),
        restricted("a\r\nb: c"),
        restricted(None),
        restricted(lasts=0),
        restricted(lasts=None),
        reply(200, []),
        reply(200, "no json"),
    ],
)
def test_answer_without_a_restricted_token_is_malformed(
    amazon: Amazon, client: spapi.Client, answer: bytes
) -> None:
    amazon.replies = lambda _: answer
    with pytest.raises(spapi.MalformedAnswer) as caught:
        client.create_restricted_data_token([ADDRESS])
    assert RESTRICTED not in caught.value.body


@pytest.mark.parametrize("count", [0, 51])
def test_no_call_can_be_made_of_too_few_or_too_many_resources(
    amazon: Amazon, client: spapi.Client, count: int
) -> None:
    resources = [spapi.RestrictedResource("GET", f"/orders/v0/orders/{n}") for n in range(count)]
    with pytest.raises(ValueError, match="1 to 50"):
        client.create_restricted_data_token(resources)
    assert amazon.seen == []


def test_100_threads_that_need_a_restricted_token_make_one_call(
    amazon: Amazon, client: spapi.Client
) -> None:
    def slowly(_: object) -> bytes:
        time.sleep(0.3)
        return restricted(f"Atz.sprdt|number-{len(amazon.calls)}")

    amazon.replies = slowly
    ready = threading.Barrier(100)
    got: list[str] = []

    def needs() -> None:
        ready.wait()
        got.append(client.create_restricted_data_token([ADDRESS]).value)

    threads = [threading.Thread(target=needs) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["Atz.sprdt|number-1"] * 100
    assert len(amazon.token_calls) == 1


def test_words_of_a_key_cannot_pass_for_others() -> None:
    keys = [key_of("a", "bc"), key_of("ab", "c"), key_of("abc"), key_of("a", "b", "c"), key_of("")]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 64 for key in keys)


@pytest.mark.parametrize(
    ("left", "lasts"),
    [(REFRESH_BEFORE, False), (REFRESH_BEFORE + REFRESH_SPREAD + 5, True), (-1, False)],
)
def test_a_token_is_not_used_in_its_last_minute(left: float, lasts: bool) -> None:
    def fetch() -> spapi.AccessToken:
        raise AssertionError

    keeper = TokenKeeper(spapi.MemoryTokenStore(), "key", fetch)
    ends = datetime.now(UTC) + timedelta(seconds=left)
    assert keeper.lasts(spapi.AccessToken("Atza|a", ends)) is lasts
