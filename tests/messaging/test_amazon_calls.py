"""From the bytes of an answer to the state of the action: every row of the table, through the client."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from messaging.action_types import CONFIRM_ORDER_DETAILS, REVIEW_REQUEST, Api
from messaging.amazon_calls import ask_offers, send_action, without_text
from messaging.classification import Sendable, classify
from spapi import Aborted, Accepted, Client, Credentials, SpApiError, Unlimited
from spapi.deadlines import SendPrevented
from spapi.transport import HttpAnswer, HttpRequest, TransportFailed

ORDER, GERMANY = "302-1234567-1234567", "A1PA6795UKMFR9"
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SOLICITATION, MESSAGE = REVIEW_REQUEST.name, CONFIRM_ORDER_DETAILS.name
PAYLOADS: dict[str, dict[str, str]] = {SOLICITATION: {}, MESSAGE: {"text": "Size 38 or 39?"}}
both_kinds = pytest.mark.parametrize("kind", [SOLICITATION, MESSAGE])
TOKEN = json.dumps({"access_token": "Atza|abc", "token_type": "bearer", "expires_in": 3600})

DENIED = "Access to requested resource is denied."
NOT_AVAILABLE = "The requested solicitation is not available for this amazonOrderId."
ALREADY = "You have already requested a review for this order."
WINDOW = (
    "You can\u2019t use this feature to request a review outside the 5-30 day range after the order "
    "delivery date."
)
COMBINATION = "Invalid amazonOrderId and template combination."
EXPIRED = "The access token you provided has expired."


class Wire:
    """Gives a token to whoever asks for one, and everything else the one answer."""

    def __init__(self, answer: HttpAnswer | TransportFailed) -> None:
        self.answer = answer
        self.seen: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> HttpAnswer:
        if request.url.endswith("/auth/o2/token"):
            return HttpAnswer(200, {}, TOKEN.encode())
        if request.before_send is not None:
            try:
                request.before_send()
            except Exception as error:
                raise SendPrevented from error
        self.seen.append(request)
        if isinstance(self.answer, TransportFailed):
            raise self.answer
        return self.answer

    def close(self) -> None:
        pass


def a_client(wire: Wire) -> Client:
    keys = Credentials("client", "secret", "Atzr|refresh")
    return Client("eu", keys, limiter=Unlimited(), transport=wire)


def outcome(
    answer: HttpAnswer | TransportFailed, kind: str, *, had_unconfirmed: bool = False
) -> tuple[str, str]:
    """The state and the attempt's outcome that follow from this answer to a send."""
    said: Accepted | SpApiError
    try:
        said = send_action(
            a_client(Wire(answer)),
            kind,
            order=ORDER,
            marketplace=GERMANY,
            payload=PAYLOADS[kind],
            before_send=lambda: None,
        )
    except SpApiError as error:
        said = error
    action = Sendable(
        kind=kind,
        opens_at=NOW - timedelta(days=20),
        closes_at=NOW + timedelta(days=2),
        had_unconfirmed=had_unconfirmed,
    )
    verdict = classify(said, action, NOW)
    return str(verdict.status.value), str(verdict.outcome.value)


def whole(text: str, details: str = "") -> bytes:
    error = {"code": "Unauthorized", "message": text, "details": details}
    return json.dumps({"errors": [error]}, ensure_ascii=False).encode()


def without_its_end(text: str, details: str = "") -> bytes:
    """As Amazon sent it in 2020: the closing braces are missing."""
    return whole(text, details)[:-2]


def plain(text: str, details: str = "") -> bytes:
    return f"{text} {details}".encode()


@pytest.mark.parametrize("body", [whole, without_its_end, plain])
@pytest.mark.parametrize(
    ("text", "details", "expected"),
    [
        (DENIED, "", ("held", "not_sent")),
        (DENIED, EXPIRED, ("queued", "not_sent")),
        (NOT_AVAILABLE, "", ("refused", "rejected")),
        (ALREADY, "", ("refused", "rejected")),
        (WINDOW, "", ("refused", "rejected")),
        (WINDOW.replace("\u2019", "'"), "", ("refused", "rejected")),
        (COMBINATION, "", ("refused", "rejected")),
        ("Something that nobody has seen yet.", "", ("unconfirmed", "unknown")),
        ("", "", ("unconfirmed", "unknown")),
    ],
    ids=["denied", "expired", "not available", "already", "window", "plain apostrophe",
         "combination", "new text", "no text"],
)  # fmt: skip
@both_kinds
def test_a_403_means_what_its_text_says(
    kind: str,
    body: Callable[[str, str], bytes],
    text: str,
    details: str,
    expected: tuple[str, str],
) -> None:
    assert outcome(HttpAnswer(403, {}, body(text, details)), kind) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, ("unconfirmed", "unknown")),
        (202, ("unconfirmed", "unknown")),
        (204, ("unconfirmed", "unknown")),
        (301, ("unconfirmed", "unknown")),
        (302, ("unconfirmed", "unknown")),
        (307, ("unconfirmed", "unknown")),
        (308, ("unconfirmed", "unknown")),
        (400, ("refused", "rejected")),
        (401, ("queued", "not_sent")),
        (402, ("unconfirmed", "unknown")),
        (404, ("refused", "rejected")),
        (413, ("refused", "rejected")),
        (415, ("refused", "rejected")),
        (418, ("unconfirmed", "unknown")),
        (429, ("queued", "not_sent")),
        (500, ("unconfirmed", "unknown")),
        (502, ("unconfirmed", "unknown")),
        (503, ("unconfirmed", "unknown")),
        (504, ("unconfirmed", "unknown")),
    ],
)
@both_kinds
def test_a_status_means_what_its_row_says(
    kind: str, status: int, expected: tuple[str, str]
) -> None:
    for body in (b"", b"{}", b"<html>Error</html>", whole("Trouble")):
        assert outcome(HttpAnswer(status, {}, body), kind) == expected


@pytest.mark.parametrize("cut", ["", "cut_body", "deadline", "too_large", "encoding"])
@pytest.mark.parametrize("body", [b"{}", b"{", b"", b"<html>"])
@both_kinds
def test_a_201_is_sent_however_its_body_ends(kind: str, body: bytes, cut: str) -> None:
    assert outcome(HttpAnswer(201, {}, body, cut), kind) == ("sent", "accepted")


@pytest.mark.parametrize("reason", ["dns", "refused", "unreachable", "connect_timeout", "tls"])
@both_kinds
def test_what_never_left_waits_again(kind: str, reason: str) -> None:
    failure = TransportFailed(reason, sent=False)
    assert outcome(failure, kind) == ("queued", "not_sent")


@pytest.mark.parametrize("reason", ["reset", "closed", "read_timeout", "deadline", "protocol"])
@both_kinds
def test_what_left_and_found_no_answer_is_unconfirmed(kind: str, reason: str) -> None:
    failure = TransportFailed(reason, sent=True)
    assert outcome(failure, kind) == ("unconfirmed", "unknown")


def test_not_available_after_a_lost_answer_is_probably_sent() -> None:
    answer = HttpAnswer(403, {}, whole(NOT_AVAILABLE))
    assert outcome(answer, SOLICITATION, had_unconfirmed=True) == ("probably_sent", "rejected")


@pytest.mark.parametrize("text", [NOT_AVAILABLE, COMBINATION, ALREADY, WINDOW])
def test_a_message_is_refused_and_never_probably_sent(text: str) -> None:
    answer = HttpAnswer(403, {}, whole(text))
    assert outcome(answer, MESSAGE, had_unconfirmed=True) == ("refused", "rejected")


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        (SOLICITATION, "/solicitations/productReviewAndSellerFeedback", None),
        (MESSAGE, "/messages/confirmOrderDetails", b'{"text": "Size 38 or 39?"}'),
    ],
)
def test_a_send_is_one_post_on_a_connection_of_its_own_and_asks_once_more_before_it(
    kind: str, path: str, body: bytes | None
) -> None:
    wire, asked = Wire(HttpAnswer(201, {}, b"{}")), []
    send_action(
        a_client(wire),
        kind,
        order=ORDER,
        marketplace=GERMANY,
        payload=PAYLOADS[kind],
        before_send=lambda: asked.append(len(wire.seen)),
    )
    (request,) = wire.seen
    assert (request.method, request.fresh, request.repeatable) == ("POST", True, False)
    assert f"/orders/{ORDER}{path}?marketplaceIds={GERMANY}" in request.url
    assert request.body == body
    assert asked == [0]


@both_kinds
def test_nothing_leaves_when_the_last_question_says_no(kind: str) -> None:
    wire = Wire(HttpAnswer(201, {}, b"{}"))

    def refuse() -> None:
        raise RuntimeError("the lease is lost")

    with pytest.raises(Aborted):
        send_action(
            a_client(wire),
            kind,
            order=ORDER,
            marketplace=GERMANY,
            payload=PAYLOADS[kind],
            before_send=refuse,
        )
    assert wire.seen == []


@pytest.mark.parametrize(
    ("api", "kind"), [(Api.SOLICITATIONS, SOLICITATION), (Api.MESSAGING, MESSAGE)]
)
def test_the_list_is_read_from_the_api_of_the_action(api: Api, kind: str) -> None:
    listed = {"_links": {"actions": [{"name": kind, "href": "/x"}]}}
    wire = Wire(HttpAnswer(200, {}, json.dumps(listed).encode()))
    offers = ask_offers(a_client(wire), api, order=ORDER, marketplace=GERMANY)
    assert offers.offers(kind)
    (request,) = wire.seen
    assert (request.method, request.body) == ("GET", None)
    assert f"/{api.value}/v1/orders/{ORDER}?" in request.url


def test_an_api_or_a_kind_that_nobody_knows_is_an_error_and_no_call() -> None:
    wire = Wire(HttpAnswer(200, {}, b"{}"))
    with pytest.raises(ValueError, match="list"):
        ask_offers(a_client(wire), "letters", order=ORDER, marketplace=GERMANY)
    with pytest.raises(ValueError, match="operation"):
        send_action(
            a_client(wire),
            "letter",
            order=ORDER,
            marketplace=GERMANY,
            payload={},
            before_send=lambda: None,
        )
    assert wire.seen == []


REPEATED = 'Grüße! "Size 38" or size 39, dear customer: which one shall we send to you today?'


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("status", [400, 500, 201])
def test_what_amazon_repeats_of_the_message_is_not_kept(status: int, ascii_only: bool) -> None:
    """An attempt is kept for ever, the message for 30 days."""
    document = {"errors": [{"code": "InvalidInput", "message": f"Not allowed: {REPEATED}"}]}
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    client = a_client(Wire(HttpAnswer(status, {}, body)))
    try:
        said = send_action(
            client,
            MESSAGE,
            order=ORDER,
            marketplace=GERMANY,
            payload={"text": REPEATED},
            before_send=lambda: None,
        ).body
    except SpApiError as error:
        said = f"{error} {error.body} {error.details} {error.message}"
    assert "Not allowed: [the message]" in said
    assert "39" not in said


def test_a_message_that_is_repeated_in_part_is_cut_off() -> None:
    assert without_text(f"No: {REPEATED[:60]}", {"text": REPEATED}) == "No: [the message]"
    assert without_text("Not now", {"text": "No"}) == "Not now"
    assert without_text("Not now", {}) == "Not now"
