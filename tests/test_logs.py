"""Log lines show no secret and cannot be forged."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils.log import log_response

from sellers.models import Role
from solicit_dashboard.error_reports import _without_secrets
from solicit_dashboard.logs import (
    JsonFormatter,
    TextFormatter,
    logging_configuration,
    one_line,
    redact,
)
from tests.factories import MembershipFactory, OutgoingActionFactory


def record(message: str, *arguments: object, error: Exception | None = None) -> logging.LogRecord:
    details = None
    if error is not None:
        try:
            raise error
        except Exception:
            details = sys.exc_info()
    return logging.LogRecord("a.name", logging.INFO, "file.py", 1, message, arguments, details)


@pytest.mark.parametrize(
    "line",
    [
        "token CANARY is Atza|CANARY/x+y=",
        "Atzr|CANARY",
        "secret amzn1.oa2-cs.v1.CANARY99",
        "Authorization: Bearer CANARY CANARY",
        "{'Authorization': 'Bearer CANARY', 'a': 1}",
        "{'x-amz-access-token': 'CANARY'}",
        "x-amz-access-token: CANARY",
        "[(b'x-amz-access-token', b'CANARY')]",
        "GET /connect/return?state=1&spapi_oauth_code=CANARY&x=1",
        "grant_type=refresh_token&refresh_token=CANARY&client_secret=CANARY",
        '{"refresh_token": "CANARY", "access_token":"CANARY"}',
        '"{\\"access_token\\": \\"CANARY\\"}"',
        "Cookie: sessionid=CANARY; csrftoken=CANARY",
        "redis://:CANARY@127.0.0.1:6379/0",
        "postgres://ann:CANARY@db.example.com/x",
        "password=CANARY",
        "GET https://api.amazon.com/?t=Atza%7CCANARY",
        "restricted Atz.sprdt|CANARY and more",
        '{"restrictedDataToken": "CANARY"}',
        "GET /callback?code=CANARY&x=1",
        "GET /invite?token=CANARY",
        "refused: Bearer CANARY99",
        "PUT https://bucket.example.com/a?x=1&X-Amz-Credential=CANARY&X-Amz-Signature=CANARY",
        "GET https://bucket.example.com/a?AWSAccessKeyId=CANARY&Expires=1&Signature=CANARY",
        "METRICS_TOKEN=CANARY",
    ],
)
def test_what_is_secret_is_removed(line: str) -> None:
    cleaned = redact(line.replace("token CANARY", "token"))
    assert "CANARY" not in cleaned
    assert "[removed]" in cleaned


@pytest.mark.parametrize(
    "line",
    [
        "Order 305-1234567-1234567 of account 7: 403 not available",
        "x-amzn-RequestId: 1a2b3c",
        "See https://developer-docs.amazon.com/sp-api/docs?a=b@c",
        "mail ann@example.com",
        "GET /orders/?state=eligible&x=?",
        "is there a signature? no",
    ],
)
def test_what_is_not_secret_stays(line: str) -> None:
    assert redact(line) == line


def test_what_follows_a_removed_field_stays() -> None:
    assert redact("refresh_token=abc&order=1") == "refresh_token=[removed]&order=1"
    assert redact("{'authorization': 'Bearer x', 'id': 5}").endswith("'id': 5}")


def test_a_long_line_is_redacted_in_little_time() -> None:
    begun = time.process_time()
    redact("?" * 200_000 + "x" * 200_000)
    redact("?x-amz" * 50_000)
    assert time.process_time() - begun < 5


def test_a_message_cannot_begin_a_second_line() -> None:
    text = TextFormatter().format(record("order %s", "1\r\n2026 INFO root: all is well\x1b[2J"))
    assert text.count("\n") == 0
    assert "\\r\\n" in text
    assert "\x1b" not in text
    assert one_line("a\u2028b\x85c") == "a\\u2028b\\x85c"


def test_a_traceback_is_indented_and_redacted() -> None:
    text = TextFormatter().format(record("failed", error=ValueError("Atza|CANARY\nfake INFO line")))
    first, *rest = text.split("\n")
    assert first.endswith("a.name: failed")
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert "CANARY" not in text


@pytest.fixture
def log_level() -> str:
    return "INFO"


@pytest.fixture
def lines_of_django(log_level: str) -> Iterator[Callable[[], str]]:
    """What the logging of production writes for Django, as text."""
    configuration = logging_configuration("text", log_level)
    stream = io.StringIO()
    configuration["handlers"]["console"]["stream"] = stream
    logging.config.dictConfig(configuration)
    yield stream.getvalue
    logging.config.dictConfig(settings.LOGGING)


@pytest.mark.django_db
def test_a_refusal_is_one_line_without_a_traceback(lines_of_django: Callable[[], str]) -> None:
    member = MembershipFactory(role=Role.VIEWER)
    action = OutgoingActionFactory(order__account=member.account)
    client = Client()
    client.force_login(member.user)
    cancel = f"/outbox/{action.pk}/cancel/"
    assert client.post(cancel).status_code == 403
    assert client.get("/outbox/?state=nonsense").status_code == 400
    lines = lines_of_django().splitlines()
    assert len(lines) == 2
    assert lines[0].endswith(f" django.request: Forbidden (Permission denied): {cancel}")
    assert lines[1].endswith(": /outbox/")


@pytest.mark.parametrize("log_level", ["DEBUG"])
def test_what_a_page_was_drawn_from_is_not_logged(lines_of_django: Callable[[], str]) -> None:
    logging.getLogger("django").debug("a line of that level")
    page = Template("{{ order.number }}").render(Context({"pasted": "a buyer's name"}))
    assert page == ""
    assert "a line of that level" in lines_of_django()
    assert "a buyer's name" not in lines_of_django()


def test_a_fault_of_ours_keeps_its_traceback(lines_of_django: Callable[[], str]) -> None:
    request = RequestFactory().get("/broken/")
    try:
        raise LookupError("a fault of ours")
    except LookupError as error:
        log_response(
            "%s: %s",
            "Internal Server Error",
            "/broken/",
            response=HttpResponse(status=500),
            request=request,
            exception=error,
        )
    assert "LookupError: a fault of ours" in lines_of_django()


def test_json_is_one_object_a_line() -> None:
    text = JsonFormatter().format(record("a\nb Atza|CANARY", error=ValueError("Atzr|CANARY")))
    assert "\n" not in text
    document = json.loads(text)
    assert document["message"] == "a\nb [removed]"
    assert document["level"] == "INFO"
    assert document["time"].endswith("Z")
    assert "[removed]" in document["trace"]


def test_the_format_is_the_one_asked_for() -> None:
    assert logging_configuration("json", "INFO")["formatters"]["default"]["()"] is JsonFormatter
    assert logging_configuration("text", "INFO")["formatters"]["default"]["()"] is TextFormatter


def test_an_error_report_carries_neither_request_nor_secret() -> None:
    event = {
        "request": {"url": "/x", "data": "y"},
        "exception": {"values": [{"value": "Atza|CANARY"}, {"value": ("password=CANARY",)}]},
        "level": 3,
    }
    cleaned = _without_secrets(event, {})
    assert cleaned is not None
    assert "request" not in cleaned
    assert "CANARY" not in json.dumps(cleaned)
    assert cleaned["level"] == 3
