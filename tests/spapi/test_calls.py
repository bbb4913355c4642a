"""What happens around a call: the limiter, repetition, the switch for 429, and before_send."""

import threading
import time
from collections.abc import Callable

import pytest

import spapi
from solicit_dashboard.ports import free_port
from spapi.operations import CREATE_SOLICITATION, GET_SOLICITATION_ACTIONS, SEARCH_ORDERS
from tests.spapi.conftest import Amazon, ask, look, warm
from tests.spapi.servers import Handler, Seen, close, errors, reply

MakeClient = Callable[..., spapi.Client]
EXPIRED = reply(
    403,
    errors(
        "Access to requested resource is denied.",
        details="The access token you provided has expired.",
    ),
)
NOTHING_OFFERED = reply(200, {"_links": {"actions": []}})


class Recorder(spapi.Limiter):
    """Lets everything pass and writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple] = []

    def acquire(self, operation: spapi.Operation) -> None:
        self.events.append(("acquire", operation.name))

    def answered(
        self, operation: spapi.Operation, status: int | None, rate_limit: float | None
    ) -> None:
        self.events.append(("answered", operation.name, status, rate_limit))


POST = CREATE_SOLICITATION.name
GET = GET_SOLICITATION_ACTIONS.name


@pytest.mark.parametrize(
    ("header", "rate"),
    [
        ("x-amzn-RateLimit-Limit: 0.0167", 0.0167),
        ("X-AMZN-RATELIMIT-LIMIT: 1.0", 1.0),
        ("x-amzn-RateLimit-Limit: string", None),
        ("x-amzn-RateLimit-Limit: -1", None),
        ("x-amzn-RateLimit-Limit: nan", None),
        ("x-amzn-RateLimit-Limit:", None),
        ("x-other: 1", None),
    ],
)
def test_limiter_is_told_of_status_and_rate(
    amazon: Amazon, make_client: MakeClient, header: str, rate: float | None
) -> None:
    limiter = Recorder()
    amazon.replies = lambda _: reply(201, {}, headers=[header])
    ask(make_client(limiter=limiter))
    assert limiter.events == [("acquire", POST), ("answered", POST, 201, rate)]


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_limiter_is_told_of_refusals(amazon: Amazon, make_client: MakeClient, status: int) -> None:
    limiter = Recorder()
    amazon.replies = lambda _: reply(status)
    with pytest.raises(spapi.SpApiError):
        ask(make_client(limiter=limiter))
    assert limiter.events == [("acquire", POST), ("answered", POST, status, None)]


def test_limiter_is_told_when_no_answer_came(amazon: Amazon, make_client: MakeClient) -> None:
    limiter = Recorder()
    amazon.replies = lambda _: close
    for options in ({}, {"endpoint": f"http://127.0.0.1:{free_port()}"}):
        limiter.events.clear()
        with pytest.raises(spapi.SpApiError):
            ask(make_client(limiter=limiter, **options))
        assert limiter.events == [("acquire", POST), ("answered", POST, None, None)]


def test_token_exchange_is_none_of_the_limiters_business(
    amazon: Amazon, make_client: MakeClient
) -> None:
    limiter = Recorder()
    make_client(limiter=limiter).access_token()
    assert limiter.events == []
    amazon.tokens = lambda _: reply(400, {"error": "invalid_grant"})
    with pytest.raises(spapi.InvalidGrant):
        ask(make_client(limiter=limiter))
    assert limiter.events == []


def test_used_up_limit_is_not_sent(amazon: Amazon, make_client: MakeClient) -> None:
    class Empty(Recorder):
        def acquire(self, operation: spapi.Operation) -> None:
            raise spapi.LimitReached(12.5)

    limiter = Empty()
    with pytest.raises(spapi.LimitReached) as caught:
        ask(make_client(limiter=limiter))
    assert caught.value.retry_after == 12.5
    assert caught.value.effect is spapi.Effect.NOT_SENT
    assert caught.value.operation == POST
    assert amazon.calls == []
    assert limiter.events == []


def test_failing_limiter_stops_a_call_but_never_hides_its_answer(
    amazon: Amazon, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Recorder):
        def acquire(self, operation: spapi.Operation) -> None:
            if operation is GET_SOLICITATION_ACTIONS:
                raise ConnectionError("the limiter's server is away")

        def answered(self, *about: object) -> None:
            raise ConnectionError("the limiter's server is away")

    client = make_client(limiter=Broken())
    with pytest.raises(ConnectionError):
        look(client)
    assert amazon.calls == []
    amazon.replies = lambda _: reply(201, {})
    assert ask(client).status == 201
    assert "the limiter could not take an answer" in caplog.text


def test_token_is_looked_at_again_after_a_long_wait_for_the_limiter(
    amazon: Amazon, make_client: MakeClient
) -> None:
    store = spapi.MemoryTokenStore()

    class Slow(Recorder):
        def acquire(self, operation: spapi.Operation) -> None:
            # As if hours had passed: the token that was fetched before is of no use now.
            for key in list(store._tokens):
                store.put(key, spapi.AccessToken("Atza|old", store.get(key).expires_at))

    amazon.tokens = lambda _: reply(
        200,
        {
            "access_token": f"Atza|number-{len(amazon.token_calls)}",
            "expires_in": 1 if len(amazon.token_calls) == 1 else 3600,
        },
    )
    amazon.replies = lambda _: reply(201, {})
    ask(make_client(limiter=Slow(), token_store=store))
    assert amazon.calls[0].headers["x-amz-access-token"] == "Atza|number-2"


# --- expired tokens --------------------------------------------------------------------------


def expired_once(amazon: Amazon) -> Callable[[Seen], bytes]:
    return lambda _: EXPIRED if len(amazon.calls) == 1 else NOTHING_OFFERED


@pytest.mark.parametrize("answer", [EXPIRED, reply(401)], ids=["403", "401"])
def test_get_with_an_expired_token_is_repeated_with_a_new_one(
    amazon: Amazon, make_client: MakeClient, answer: bytes
) -> None:
    amazon.tokens = lambda _: reply(
        200, {"access_token": f"Atza|number-{len(amazon.token_calls)}", "expires_in": 3600}
    )
    amazon.replies = lambda _: answer if len(amazon.calls) == 1 else NOTHING_OFFERED
    limiter = Recorder()
    assert look(make_client(limiter=limiter)).well_formed
    assert [one.headers["x-amz-access-token"] for one in amazon.calls] == [
        "Atza|number-1",
        "Atza|number-2",
    ]
    assert [event[0] for event in limiter.events] == ["acquire", "answered"] * 2


def test_get_with_expired_tokens_is_repeated_only_once(
    amazon: Amazon, client: spapi.Client
) -> None:
    amazon.replies = lambda _: EXPIRED
    with pytest.raises(spapi.TokenExpired):
        look(client)
    assert len(amazon.calls) == 2


def test_post_with_an_expired_token_is_not_repeated_and_the_token_dropped(
    amazon: Amazon, client: spapi.Client
) -> None:
    amazon.replies = lambda _: EXPIRED
    with pytest.raises(spapi.TokenExpired) as caught:
        ask(client)
    assert caught.value.effect is spapi.Effect.NOT_SENT
    assert len(amazon.calls) == 1
    amazon.replies = lambda _: reply(201, {})
    ask(client)
    assert len(amazon.token_calls) == 2


def test_expired_token_does_not_drop_the_newer_one(amazon: Amazon, make_client: MakeClient) -> None:
    store = spapi.MemoryTokenStore()
    client = make_client(token_store=store)

    def meanwhile(_: Seen) -> bytes:
        client.access_token(force_refresh=True)
        return EXPIRED

    amazon.tokens = lambda _: reply(
        200, {"access_token": f"Atza|number-{len(amazon.token_calls)}", "expires_in": 3600}
    )
    amazon.replies = meanwhile
    with pytest.raises(spapi.TokenExpired):
        ask(client)
    assert client.access_token().value == "Atza|number-2"


# --- 429 -------------------------------------------------------------------------------------


def throttled(times: int, good: bytes, *headers: str) -> Callable[[Seen], bytes]:
    answers = iter([reply(429, headers=headers)] * times + [good])
    return lambda _: next(answers)


def test_429_is_not_retried_unless_switched_on(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = throttled(1, NOTHING_OFFERED)
    with pytest.raises(spapi.Throttled) as caught:
        look(client)
    assert caught.value.effect is spapi.Effect.NOT_SENT
    assert len(amazon.calls) == 1


@pytest.mark.parametrize(("call", "good"), [(look, NOTHING_OFFERED), (ask, reply(201, {}))])
def test_429_is_retried_and_observed_if_switched_on(
    amazon: Amazon, make_client: MakeClient, call: Callable, good: bytes
) -> None:
    waits: list[float] = []
    told: list[spapi.RetryInfo] = []
    limiter = Recorder()
    client = make_client(
        rate_limiting=spapi.RateLimiting(retry=True, on_retry=told.append),
        sleep=waits.append,
        limiter=limiter,
    )
    amazon.replies = throttled(2, good)
    call(client)
    name = POST if call is ask else GET
    assert told == [
        spapi.RetryInfo(operation=name, delay_seconds=2.5, rate=1.0, count=1),
        spapi.RetryInfo(operation=name, delay_seconds=2.5, rate=1.0, count=2),
    ]
    assert waits == [2.5, 2.5]
    assert [event[0] for event in limiter.events] == ["acquire", "answered"] * 3


def test_wait_follows_the_last_rate_that_amazon_named(
    amazon: Amazon, make_client: MakeClient
) -> None:
    waits: list[float] = []
    client = make_client(rate_limiting=spapi.RateLimiting(retry=True), sleep=waits.append)
    good = reply(200, {"orders": []}, headers=["x-amzn-RateLimit-Limit: 0.1"])
    amazon.replies = lambda _: good
    client.search_orders(created_after="2026-01-01T00:00:00Z")
    amazon.replies = throttled(1, good)
    client.search_orders(created_after="2026-01-01T00:00:00Z")
    amazon.replies = throttled(1, good, "Retry-After: 60")
    client.search_orders(created_after="2026-01-01T00:00:00Z")
    assert waits == [11.5, 60.0]
    assert SEARCH_ORDERS.rate == 0.0056


def test_retries_of_429_end(amazon: Amazon, make_client: MakeClient) -> None:
    waits: list[float] = []
    client = make_client(
        rate_limiting=spapi.RateLimiting(retry=True, max_retries=2), sleep=waits.append
    )
    amazon.replies = lambda _: reply(429)
    with pytest.raises(spapi.Throttled):
        ask(client)
    assert len(amazon.calls) == 3
    assert len(waits) == 2


@pytest.mark.parametrize("call", [ask, lambda client: client.access_token()])
def test_429_of_the_token_service_is_retried_too(
    amazon: Amazon, make_client: MakeClient, call: Callable
) -> None:
    told: list[spapi.RetryInfo] = []
    client = make_client(
        rate_limiting=spapi.RateLimiting(retry=True, on_retry=told.append),
        sleep=lambda seconds: None,
    )
    good = amazon.tokens(None)
    amazon.tokens = throttled(1, good)
    amazon.replies = lambda _: reply(201, {})
    call(client)
    assert told == [spapi.RetryInfo(operation="token", delay_seconds=5.0, rate=None, count=1)]


@pytest.mark.parametrize("status", [500, 503, 400])
def test_nothing_but_429_is_retried(amazon: Amazon, make_client: MakeClient, status: int) -> None:
    client = make_client(rate_limiting=spapi.RateLimiting(retry=True), sleep=pytest.fail)
    amazon.replies = lambda _: reply(status)
    for call in (ask, look):
        with pytest.raises(spapi.SpApiError):
            call(client)
    assert len(amazon.calls) == 2


# --- before_send -----------------------------------------------------------------------------


def test_before_send_comes_after_token_and_limiter_and_before_the_bytes(
    amazon: Amazon, make_client: MakeClient
) -> None:
    limiter = Recorder()
    amazon.replies = lambda _: reply(201, {})

    def note() -> None:
        limiter.events.append(("before_send", len(amazon.token_calls), len(amazon.calls)))

    ask(make_client(limiter=limiter), before_send=note)
    assert [event[0] for event in limiter.events] == ["acquire", "before_send", "answered"]
    assert limiter.events[1] == ("before_send", 1, 0)


@pytest.mark.parametrize("refusal", [RuntimeError("lease lost"), OSError("away"), TimeoutError()])
def test_before_send_that_raises_keeps_every_byte_back(
    amazon: Amazon, client: spapi.Client, refusal: Exception
) -> None:
    def refuse() -> None:
        raise refusal

    warm(client)
    with pytest.raises(spapi.Aborted) as caught:
        ask(client, before_send=refuse)
    assert caught.value.effect is spapi.Effect.NOT_SENT
    assert caught.value.__cause__ is refusal
    assert caught.value.operation == POST
    amazon.replies = lambda _: reply(201, {})
    ask(client)
    assert len(amazon.calls) == 1


def test_before_send_is_not_called_without_a_connection(make_client: MakeClient) -> None:
    client = warm(make_client(endpoint=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(spapi.ConnectFailed):
        ask(client, before_send=lambda: pytest.fail("nothing could have been sent"))


def test_post_is_sent_once_however_it_fails(amazon: Amazon, make_client: MakeClient) -> None:
    client = warm(make_client(deadline=0.5))
    faults: list[bytes | Handler] = [close, reply(500), reply(503), lambda sock: time.sleep(1)]
    for count, fault in enumerate(faults, start=1):
        amazon.replies = lambda _, fault=fault: fault
        with pytest.raises(spapi.Unknown):
            ask(client)
        assert len(amazon.calls) == count


def test_one_client_serves_many_threads(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda request: reply(201, {}) if request.method == "POST" else NOTHING_OFFERED
    failed: list[Exception] = []

    def works() -> None:
        try:
            for _ in range(10):
                look(client)
                ask(client)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=works) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(amazon.calls) == 200
    assert len(amazon.token_calls) == 1
