"""Tokens: one exchange for all who need one, nothing kept of a failure, nothing secret shown."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

import spapi
from solicit_dashboard.ports import free_port
from tests.spapi.conftest import CREDENTIALS, TOKEN, Amazon, ask, look
from tests.spapi.servers import close, reply

MakeClient = Callable[..., spapi.Client]


def token(value: str, lasts: object = 3600) -> bytes:
    return reply(200, {"access_token": value, "token_type": "bearer", "expires_in": lasts})


def test_exchange_is_a_form_with_nothing_in_the_address(
    amazon: Amazon, client: spapi.Client
) -> None:
    before = datetime.now(UTC)
    got = client.access_token()
    (request,) = amazon.token_calls
    assert (request.method, request.target) == ("POST", "/auth/o2/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded;charset=UTF-8"
    assert "transfer-encoding" not in request.headers
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": [CREDENTIALS.refresh_token],
        "client_id": [CREDENTIALS.client_id],
        "client_secret": [CREDENTIALS.client_secret],
    }
    assert "Language=Python/" in request.headers["user-agent"]
    assert got.value == TOKEN
    hour = timedelta(hours=1)
    assert before + hour <= got.expires_at <= datetime.now(UTC) + hour


def test_token_is_kept_and_used(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(201, {})
    for _ in range(3):
        ask(client)
    assert len(amazon.token_calls) == 1
    assert {one.headers["x-amz-access-token"] for one in amazon.calls} == {TOKEN}


def test_token_near_its_end_is_replaced(amazon: Amazon, client: spapi.Client) -> None:
    lasting = iter([59, 121, 3600])
    amazon.tokens = lambda _: token("Atza|another", next(lasting))
    for _ in range(4):
        client.access_token()
    assert len(amazon.token_calls) == 2


def test_forced_refresh_fetches_a_new_token_for_all(amazon: Amazon, client: spapi.Client) -> None:
    amazon.tokens = lambda _: token(f"Atza|number-{len(amazon.token_calls)}")
    assert client.access_token().value == "Atza|number-1"
    assert client.access_token(force_refresh=True).value == "Atza|number-2"
    assert client.access_token().value == "Atza|number-2"


@pytest.mark.parametrize("force", [False, True])
def test_100_threads_that_need_a_token_make_one_exchange(
    amazon: Amazon, client: spapi.Client, force: bool
) -> None:
    if force:
        client.access_token()
    ready = threading.Barrier(100)

    def slowly(_: object) -> bytes:
        time.sleep(0.3)
        return token(f"Atza|number-{len(amazon.token_calls)}")

    amazon.tokens = slowly
    got: list[str] = []

    def needs() -> None:
        ready.wait()
        got.append(client.access_token(force_refresh=force).value)

    threads = [threading.Thread(target=needs) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = 2 if force else 1
    assert got == [f"Atza|number-{count}"] * 100
    assert len(amazon.token_calls) == count


def test_clients_with_one_store_share_a_token_and_others_do_not(
    amazon: Amazon, make_client: MakeClient
) -> None:
    store = spapi.MemoryTokenStore()
    other = spapi.Credentials(CREDENTIALS.client_id, CREDENTIALS.client_secret, "Atzr|another")
    amazon.tokens = lambda _: token(f"Atza|number-{len(amazon.token_calls)}")
    tokens = [
        make_client(token_store=store).access_token().value,
        make_client(token_store=store).access_token().value,
        make_client(token_store=store, credentials=other).access_token().value,
    ]
    assert tokens == ["Atza|number-1", "Atza|number-1", "Atza|number-2"]


def test_keys_of_the_store_hold_no_secret(make_client: MakeClient) -> None:
    keys: list[str] = []

    class Watched(spapi.MemoryTokenStore):
        def put(self, key: str, token: spapi.AccessToken) -> None:
            keys.append(key)
            super().put(key, token)

    make_client(token_store=Watched()).access_token()
    (key,) = keys
    assert len(key) == 64
    assert int(key, 16)


ERRORS: list[tuple[int, object, type[spapi.AuthorizationFailed], bool]] = [
    (400, {"error": "invalid_grant"}, spapi.InvalidGrant, True),
    (401, {"error": "invalid_client"}, spapi.InvalidClient, True),
    (400, {"error": "unauthorized_client"}, spapi.AuthorizationFailed, True),
    (400, {"error": "invalid_scope"}, spapi.AuthorizationFailed, True),
    (400, {"error": "access_denied"}, spapi.AuthorizationFailed, True),
    (400, {"error": "invalid_request"}, spapi.AuthorizationFailed, False),
    (400, {"error": "unsupported_grant_type"}, spapi.AuthorizationFailed, False),
    (400, {"error": "a_new_one"}, spapi.AuthorizationFailed, False),
    (400, {"error": "server_error"}, spapi.TokenServiceUnavailable, False),
    (400, {"error": "temporarily_unavailable"}, spapi.TokenServiceUnavailable, False),
    (429, {"error": "invalid_grant"}, spapi.TokenServiceUnavailable, False),
    (500, {"error": "invalid_grant"}, spapi.TokenServiceUnavailable, False),
    (503, "<html>", spapi.TokenServiceUnavailable, False),
    (302, "", spapi.TokenServiceUnavailable, False),
    (403, "<html>", spapi.TokenServiceUnavailable, False),
    (400, "", spapi.TokenServiceUnavailable, False),
    (400, ["no object"], spapi.TokenServiceUnavailable, False),
    (400, {"error": {"not": "text"}}, spapi.TokenServiceUnavailable, False),
    (200, "not json", spapi.TokenServiceUnavailable, False),
    (200, {}, spapi.TokenServiceUnavailable, False),
    (200, {"access_token": ""}, spapi.TokenServiceUnavailable, False),
    (200, {"access_token": "a\r\nb: c"}, spapi.TokenServiceUnavailable, False),
    (200, {"access_token": "ä"}, spapi.TokenServiceUnavailable, False),
    (200, {"access_token": "x" * 4097}, spapi.TokenServiceUnavailable, False),
    (200, {"access_token": "a", "expires_in": 0}, spapi.TokenServiceUnavailable, False),
    (200, {"access_token": "a", "expires_in": True}, spapi.TokenServiceUnavailable, False),
    (200, {"access_token": "a", "expires_in": "soon"}, spapi.TokenServiceUnavailable, False),
    (200, {"access_token": "a", "expires_in": 1e99}, spapi.TokenServiceUnavailable, False),
]


@pytest.mark.parametrize(("status", "body", "kind", "reconnect"), ERRORS)
def test_answer_without_a_token_is_the_error_it_stands_for(
    amazon: Amazon, client: spapi.Client, status: int, body: object, kind: type, reconnect: bool
) -> None:
    amazon.tokens = lambda _: reply(status, body, headers=["x-amzn-RequestId: r1"])
    with pytest.raises(spapi.AuthorizationFailed) as caught:
        ask(client)
    error = caught.value
    assert type(error) is kind
    assert error.effect is spapi.Effect.NOT_SENT
    assert error.needs_reconnect is reconnect
    said = body.get("error", "") if isinstance(body, dict) else ""
    assert error.lwa_error == (said if isinstance(said, str) else "")
    assert (error.status, error.api, error.request_id) == (status, "lwa", "r1")
    assert amazon.calls == []


@pytest.mark.parametrize("lasts", [3600, 3600.0, "3600"])
def test_lifetime_may_be_a_number_or_a_text(
    amazon: Amazon, client: spapi.Client, lasts: object
) -> None:
    amazon.tokens = lambda _: token("Atza|a", lasts)
    assert client.access_token().expires_at > datetime.now(UTC) + timedelta(minutes=59)


def test_failure_is_not_kept(amazon: Amazon, client: spapi.Client) -> None:
    good, amazon.tokens = amazon.tokens, lambda _: reply(400, {"error": "invalid_grant"})
    for _ in range(2):
        with pytest.raises(spapi.InvalidGrant):
            client.access_token()
    amazon.tokens = good
    assert client.access_token().value == TOKEN
    assert len(amazon.token_calls) == 3


def test_threads_that_waited_for_an_exchange_share_its_failure(
    amazon: Amazon, client: spapi.Client
) -> None:
    def slowly(_: object) -> bytes:
        time.sleep(0.5)
        return reply(503, "")

    amazon.tokens = slowly
    ready = threading.Barrier(20)
    failures: list[spapi.SpApiError] = []

    def needs() -> None:
        ready.wait()
        try:
            client.access_token()
        except spapi.TokenServiceUnavailable as error:
            failures.append(error)

    threads = [threading.Thread(target=needs) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) == 20
    assert len(amazon.token_calls) == 1


def test_token_service_out_of_reach_is_not_sent(amazon: Amazon, make_client: MakeClient) -> None:
    for endpoint in (f"http://127.0.0.1:{free_port()}", amazon.url):
        amazon.tokens = lambda _: close
        with pytest.raises(spapi.TokenServiceUnavailable) as caught:
            look(make_client(lwa_endpoint=endpoint))
        assert caught.value.effect is spapi.Effect.NOT_SENT


NOTIFICATIONS = "sellingpartnerapi::notifications"


def test_grantless_token_is_the_applications_own(amazon: Amazon, client: spapi.Client) -> None:
    amazon.tokens = lambda _: token("Atza|of-the-application")
    assert client.grantless_token(NOTIFICATIONS).value == "Atza|of-the-application"
    (request,) = amazon.token_calls
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": [NOTIFICATIONS],
        "client_id": [CREDENTIALS.client_id],
        "client_secret": [CREDENTIALS.client_secret],
    }
    with pytest.raises(ValueError, match="scope"):
        client.grantless_token("")


def test_grantless_tokens_are_kept_by_application_and_scope(
    amazon: Amazon, make_client: MakeClient
) -> None:
    amazon.tokens = lambda _: token(f"Atza|number-{len(amazon.token_calls)}")
    store = spapi.MemoryTokenStore()
    same = spapi.Credentials(CREDENTIALS.client_id, CREDENTIALS.client_secret, "Atzr|of-another")
    other = spapi.Credentials("another", CREDENTIALS.client_secret, CREDENTIALS.refresh_token)
    # a scope that looks like the refresh token must not meet the seller's token
    lookalike = CREDENTIALS.refresh_token
    clients = [
        make_client(token_store=store, credentials=one) for one in (CREDENTIALS, same, other)
    ]
    got = [
        clients[0].access_token(),
        clients[0].grantless_token(NOTIFICATIONS),
        clients[0].grantless_token(NOTIFICATIONS),
        clients[1].grantless_token(NOTIFICATIONS),
        clients[0].grantless_token("another scope"),
        clients[2].grantless_token(NOTIFICATIONS),
        clients[0].grantless_token(lookalike),
    ]
    numbers = [one.value.rpartition("-")[2] for one in got]
    assert numbers == ["1", "2", "2", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("code", "reconnect"), [("invalid_client", True), ("invalid_scope", False)]
)
def test_a_scope_that_the_application_lacks_is_not_mended_by_a_new_authorization(
    amazon: Amazon, client: spapi.Client, code: str, reconnect: bool
) -> None:
    amazon.tokens = lambda _: reply(400, {"error": code})
    with pytest.raises(spapi.AuthorizationFailed) as caught:
        client.grantless_token(NOTIFICATIONS)
    assert (caught.value.lwa_error, caught.value.needs_reconnect) == (code, reconnect)


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client"])
def test_what_only_a_person_can_mend_is_asked_for_once(
    amazon: Amazon, make_client: MakeClient, code: str
) -> None:
    slept: list[float] = []
    client = make_client(rate_limiting=spapi.RateLimiting(retry=True), sleep=slept.append)
    amazon.tokens = lambda _: reply(400, {"error": code}, headers=["Retry-After: 1"])
    for ask_once in (look, ask, lambda client: client.grantless_token(NOTIFICATIONS)):
        before = len(amazon.token_calls)
        with pytest.raises(spapi.AuthorizationFailed):
            ask_once(client)
        assert len(amazon.token_calls) == before + 1
    assert slept == []
    assert amazon.calls == []


def test_reprs_show_no_secret() -> None:
    shown = repr(CREDENTIALS) + repr(spapi.AccessToken(TOKEN, datetime.now(UTC)))
    assert CREDENTIALS.client_id in shown
    for secret in (CREDENTIALS.client_secret, CREDENTIALS.refresh_token, TOKEN):
        assert secret not in shown
