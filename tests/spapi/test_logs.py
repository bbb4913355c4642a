"""Logging: three switches, and no secret in any line, whatever comes back."""

import logging
from collections.abc import Callable
from urllib.parse import quote

import pytest

import spapi
from spapi.logs import one_line, redact
from tests.spapi.conftest import CREDENTIALS, ORDER, TOKEN, Amazon, ask, look
from tests.spapi.servers import close, errors, reply

MakeClient = Callable[..., spapi.Client]
SECRETS = (TOKEN, CREDENTIALS.client_secret, CREDENTIALS.refresh_token)
CODE = "ANcanaryCodeOfOneTimeUse"


def drive(amazon: Amazon, client: spapi.Client) -> list[spapi.SpApiError]:
    """Every kind of end that a call can have, with answers that repeat all secrets."""
    caught: list[spapi.SpApiError] = []
    echo = " ".join([*SECRETS, f"spapi_oauth_code={CODE}", *(quote(one) for one in SECRETS)])
    good, amazon.tokens = amazon.tokens, lambda _: reply(400, {"error": "invalid_grant"})
    token_answers = [
        reply(400, {"error": "invalid_grant", "error_description": echo}),
        reply(400, {"error": echo, "error_description": echo}),
        reply(500, echo),
        reply(200, {"access_token": TOKEN + "\r\n", "refresh_token": CREDENTIALS.refresh_token}),
        close,
    ]
    for answer in token_answers:
        amazon.tokens = lambda _, answer=answer: answer
        with pytest.raises(spapi.SpApiError) as failed:
            client.access_token()
        caught.append(failed.value)
    amazon.tokens = good
    answers = [
        reply(201, echo),
        reply(400, errors(echo, code=echo, details=echo), headers=[f"x-amzn-RequestId: {ORDER}"]),
        reply(403, echo),
        reply(500, echo, content_type="text/html"),
        close,
    ]
    for answer in answers:
        amazon.replies = lambda _, answer=answer: answer
        try:
            ask(client)
        except spapi.SpApiError as error:
            caught.append(error)
    amazon.replies = lambda _: reply(200, {"echo": echo})
    caught_body = look(client).body
    assert not any(secret in caught_body for secret in SECRETS)
    return caught


def test_no_secret_is_in_logs_or_errors(
    amazon: Amazon, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []
    everything = spapi.Logging(request=lines.append, response=lines.append, error=lines.append)
    caught = drive(amazon, make_client(logging=everything))
    caught += drive(amazon, make_client(logging=spapi.Logging(True, True, True)))
    assert len(caught) == 18
    shown = [*lines, caplog.text]
    for error in caught:
        shown += [str(error), repr(error), repr(vars(error)), repr(error.__cause__)]
        behind = error.__cause__ or error.__context__
        while behind is not None:
            # An exception of requests would carry the request, and with it the token.
            assert type(behind).__module__.startswith("spapi")
            behind = behind.__cause__ or behind.__context__
    everything_shown = "\n".join(shown)
    assert len(lines) > 30
    assert len(caplog.records) > 30
    for secret in (*SECRETS, CODE, *(quote(one) for one in SECRETS)):
        assert secret not in everything_shown
        assert secret.split("|")[-1] not in everything_shown


def test_each_kind_of_line_has_its_own_switch(amazon: Amazon, make_client: MakeClient) -> None:
    for kind in ("request", "response", "error"):
        lines: list[str] = []
        client = make_client(logging=spapi.Logging(**{kind: lines.append}))
        amazon.replies = lambda _: reply(500, headers=["x-amzn-RequestId: r1"])
        with pytest.raises(spapi.ServerError):
            ask(client)
        assert lines
        assert {line.split()[0] for line in lines} == {kind}


def test_lines_say_what_was_asked_and_answered(amazon: Amazon, make_client: MakeClient) -> None:
    lines: list[str] = []
    client = make_client(logging=spapi.Logging(lines.append, lines.append, lines.append))
    amazon.replies = lambda _: reply(
        404,
        errors("No such order", code="NotFound", details=None),
        headers=["x-amzn-RequestId: r1", "x-amzn-RateLimit-Limit: 0.5"],
    )
    with pytest.raises(spapi.NotFound):
        client.get_order(ORDER)
    assert lines[0].startswith("request POST http")
    assert lines[0].endswith("/auth/o2/token grant_type=refresh_token")
    assert lines[1].startswith("response token 200")
    assert lines[2] == f"request getOrder GET {amazon.url}/orders/2026-01-01/orders/{ORDER}"
    assert lines[3].startswith("response getOrder 404 request_id=r1 rate=0.5 ")
    assert lines[4] == "error getOrder: NotFound: 404 NotFound No such order (request id r1)"
    assert len(lines) == 5


def test_secret_in_an_address_or_a_header_is_not_logged(
    amazon: Amazon, make_client: MakeClient
) -> None:
    lines: list[str] = []
    client = make_client(logging=spapi.Logging(lines.append, lines.append, lines.append))
    amazon.replies = lambda _: reply(
        200, {"orders": []}, headers=[f"x-amzn-RateLimit-Limit: {TOKEN}"]
    )
    client.search_orders(
        created_after="2026-01-01T00:00:00Z", pagination_token=CREDENTIALS.refresh_token
    )
    text = "\n".join(lines)
    assert "the-access-token" not in text
    assert "the-refresh-token" not in text
    assert "rate=[redacted]" in text
    assert "paginationToken=[redacted]" in text


def test_true_means_the_logger_spapi(
    amazon: Amazon, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="spapi")
    client = make_client(logging=spapi.Logging(request=True, response=True, error=True))
    amazon.replies = lambda _: reply(500)
    with pytest.raises(spapi.ServerError):
        ask(client)
    levels = {record.levelname for record in caplog.records if record.name == "spapi"}
    assert levels == {"INFO", "ERROR"}


def test_nothing_is_logged_unless_switched_on(
    amazon: Amazon, client: spapi.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="spapi")
    amazon.replies = lambda _: reply(500)
    with pytest.raises(spapi.ServerError):
        ask(client)
    assert [record for record in caplog.records if record.name == "spapi"] == []


def test_sink_that_raises_does_not_hide_an_answer(amazon: Amazon, make_client: MakeClient) -> None:
    def full(line: str) -> None:
        raise OSError("no space left on device")

    amazon.replies = lambda _: reply(201, {})
    assert ask(make_client(logging=spapi.Logging(full, full, full))).status == 201


def test_answer_cannot_forge_a_line(amazon: Amazon, make_client: MakeClient) -> None:
    lines: list[str] = []
    client = make_client(logging=spapi.Logging(error=lines.append))
    amazon.replies = lambda _: reply(400, errors("a\r\n2026-01-01 INFO all is well\x1b[0m\u2028"))
    with pytest.raises(spapi.BadRequest):
        ask(client)
    (line,) = lines
    assert not {"\r", "\n", "\x1b", "\u2028"} & set(line)
    assert "a\\x0d\\x0a2026" in line


@pytest.mark.parametrize(
    "text",
    [
        "Atza|abc.def-123_45",
        "Atzr|IwEBIabc",
        "Atza%7Cabc",
        "Atz.sprdt|abc",
        "amzn1.oa2-cs.v1.0123456789abcdef",
        '{"access_token":"canary"}',
        "{'refresh_token': 'canary'}",
        "x-amz-access-token: canary",
        "Authorization: Bearer canary",
        "client_secret=canary&x=1",
        "/callback?spapi_oauth_code=canary&state=1",
        "/callback?code=canary",
        "https://bucket/?X-Amz-Signature=canary&X-Amz-Security-Token=canary",
        "https://bucket/a?x=1&X-Amz-Credential=canary&X-Amz-Date=canary",
        "https://bucket/a?AWSAccessKeyId=canary&Signature=canary",
        '{"restrictedDataToken":"canary"}',
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    cleaned = redact(f"before {text} after")
    assert "[redacted]" in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")
    for secret in ("canary", "abc", "0123456789"):
        assert secret not in cleaned


def test_ordinary_text_is_left_as_it_is() -> None:
    text = '{"errors":[{"code":"InvalidInput","message":"Invalid amazonOrderId","details":""}]}'
    assert redact(text, ("a-secret-that-is-not-there",)) == text
    assert one_line(text) == text
