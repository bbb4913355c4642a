"""Each fault as a raw socket sees it."""

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from sandbox.testing import Running, running
from tests.sandbox.conftest import AGENT

LIST = "getSolicitationActionsForOrder"
POST = "createProductReviewAndSellerFeedbackSolicitation"


class Caller:
    """A seller's program that speaks through raw sockets."""

    def __init__(self, amazon: Running) -> None:
        self.amazon = amazon
        self.keys = amazon.sellers[0]
        self.partner = self.keys.selling_partner_id
        status, body = parted(self.exchange())
        assert status == b"HTTP/1.1 200 OK"
        self.token = json.loads(body)["access_token"]
        self.orders = iter(amazon.eligible()[self.partner])
        self.order = self.market = ""

    def exchange(self) -> bytes:
        """Everything that comes back for a token request."""
        body = urlencode(
            {
                "grant_type": "refresh_token",
                "refresh_token": self.keys.refresh_token,
                "client_id": self.keys.client_id,
                "client_secret": self.keys.client_secret,
            }
        ).encode()
        head = (
            "POST /auth/o2/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        with self.connected() as connection:
            connection.sendall(head.encode() + body)
            return drained(connection)

    def next_order(self) -> None:
        """The current order is one that may be asked and that no test has used."""
        self.order = next(self.orders)
        _, body = parted(self.send(f"GET /orders/2026-01-01/orders/{self.order}"))
        self.market = json.loads(body)["order"]["salesChannel"]["marketplaceId"]

    def line(self, operation: str) -> str:
        """The request line for the current order."""
        path = f"/solicitations/v1/orders/{self.order}"
        if operation == POST:
            path += "/solicitations/productReviewAndSellerFeedback"
        return f"{'POST' if operation == POST else 'GET'} {path}?marketplaceIds={self.market}"

    def send(self, line: str) -> bytes:
        """Everything that comes back for the request line until the connection ends."""
        with self.connected() as connection:
            connection.sendall(self.request(line))
            return drained(connection)

    def request(self, line: str) -> bytes:
        """The request with the headers that Amazon wants."""
        length = "Content-Length: 0\r\n" if line.startswith("POST") else ""
        return (
            f"{line} HTTP/1.1\r\nHost: x\r\nUser-Agent: {AGENT}\r\n{length}"
            f"x-amz-access-token: {self.token}\r\nConnection: close\r\n\r\n"
        ).encode()

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        address = urlsplit(self.amazon.url)
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            yield connection

    def ask(self, operation: str) -> bytes:
        """Everything that comes back for the operation on the current order."""
        return self.send(self.line(operation))

    def was_asked(self) -> bool:
        """Whether Amazon has asked the buyer of the current order."""
        return self.order in {entry["order_id"] for entry in self.amazon.ledger()["accepted"]}


def drained(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def parted(raw: bytes) -> tuple[bytes, bytes]:
    """Status line and body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], body


@pytest.fixture(scope="module")
def amazon() -> Iterator[Running]:
    with running(orders=1_500, sellers=1, rate_factor=100_000) as amazon:
        yield amazon


@pytest.fixture(scope="module")
def shared_caller(amazon: Running) -> Caller:
    return Caller(amazon)


@pytest.fixture
def caller(shared_caller: Caller) -> Iterator[Caller]:
    """A caller with an order of its own, and no rules left over."""
    shared_caller.next_order()
    yield shared_caller
    shared_caller.amazon.set_faults([])


def rule(operation: str, **do: Any) -> list[dict[str, Any]]:
    return [{"operation": operation, "do": do}]


def test_without_a_rule_all_is_well(caller):
    assert parted(caller.ask(LIST))[0] == b"HTTP/1.1 200 OK"
    assert parted(caller.ask(POST)) == (b"HTTP/1.1 201 Created", b"{}")
    assert caller.was_asked()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 429, 500, 502, 503])
def test_a_status_comes_with_amazons_error_before_anything_is_done(caller, status):
    caller.amazon.set_faults(rule(POST, kind="status", status=status))
    line, body = parted(caller.ask(POST))
    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(body)["errors"][0]["message"]
    assert not caller.was_asked()


def test_a_status_may_come_after_the_buyer_was_asked(caller):
    caller.amazon.set_faults(rule(POST, kind="status", status=500, accept_first=True))
    assert parted(caller.ask(POST))[0] == b"HTTP/1.1 500 Internal Server Error"
    assert caller.was_asked()
    post = caller.amazon.ledger()["posts"][-1]
    assert (post["status"], post["accepted"], post["fault"]) == (500, True, "status")


def test_a_status_carries_the_body_type_and_headers_that_were_written(caller):
    headers = {"x-amzn-RateLimit-Limit": "0.5", "Retry-After": "3"}
    caller.amazon.set_faults(
        rule(
            POST,
            kind="status",
            status=429,
            body="<p>slow</p>",
            content_type="text/html",
            headers=headers,
        )
    )
    raw = caller.ask(POST)
    assert b"\r\nx-amzn-RateLimit-Limit: 0.5\r\nRetry-After: 3\r\n" in raw
    assert b"\r\nContent-Type: text/html\r\n" in raw
    assert parted(raw)[1] == b"<p>slow</p>"


def test_a_200_instead_of_a_201_is_an_empty_object(caller):
    caller.amazon.set_faults(rule(POST, kind="status", status=200, accept_first=True))
    assert parted(caller.ask(POST)) == (b"HTTP/1.1 200 OK", b"{}")


def test_a_forbidden_says_any_text(caller):
    caller.amazon.set_faults(rule(POST, kind="forbidden", text="Never heard of it.", details="why"))
    line, body = parted(caller.ask(POST))
    assert line == b"HTTP/1.1 403 Forbidden"
    error = {"code": "Unauthorized", "message": "Never heard of it.", "details": "why"}
    assert json.loads(body) == {"errors": [error]}
    assert not caller.was_asked()


def test_the_list_can_be_empty_for_an_eligible_order(caller):
    caller.amazon.set_faults(
        [{"operation": LIST, "do": {"kind": "empty_list"}, "when": {"times": 1}}]
    )
    assert json.loads(parted(caller.ask(LIST))[1])["_links"]["actions"] == []
    assert len(json.loads(parted(caller.ask(LIST))[1])["_links"]["actions"]) == 1


def test_the_list_can_offer_what_was_accepted_and_the_post_is_still_refused(caller):
    caller.amazon.set_faults(rule(LIST, kind="listed_although_accepted"))
    caller.ask(POST)
    assert len(json.loads(parted(caller.ask(LIST))[1])["_links"]["actions"]) == 1
    assert b"already requested" in caller.ask(POST)
    [entry] = [
        entry for entry in caller.amazon.ledger()["accepted"] if entry["order_id"] == caller.order
    ]
    assert entry["times_asked"] == 2


@pytest.mark.parametrize(
    ("at", "asked"), [("before_read", False), ("after_read", False), ("after_accept", True)]
)
def test_a_reset_cuts_without_a_byte(caller, at, asked):
    caller.amazon.set_faults(rule(POST, kind="reset", at=at))
    with pytest.raises(ConnectionResetError):
        caller.ask(POST)
    assert caller.was_asked() is asked


def test_a_connection_can_be_reset_before_it_is_read(caller):
    caller.amazon.set_faults(
        [{"operation": "connection", "do": {"kind": "reset"}, "when": {"nth": [1]}}]
    )
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        caller.ask(POST)
    assert caller.amazon.ledger()["posts"][-1]["order_id"] != caller.order


@pytest.mark.parametrize("accept", [False, True])
def test_a_close_ends_without_a_byte(caller, accept):
    caller.amazon.set_faults(rule(POST, kind="close", accept_first=accept))
    assert caller.ask(POST) == b""
    assert caller.was_asked() is accept


@pytest.mark.parametrize("accept", [False, True])
def test_a_hang_is_silent_for_its_time_and_then_ends(caller, accept):
    caller.amazon.set_faults(rule(POST, kind="hang", seconds=0.3, accept_first=accept))
    began = time.monotonic()
    assert caller.ask(POST) == b""
    assert time.monotonic() - began >= 0.3
    assert caller.was_asked() is accept
    assert caller.amazon.ledger()["posts"][-1]["status"] == 0


def test_a_drip_sends_the_whole_answer_byte_by_byte(caller):
    caller.amazon.set_faults(rule(POST, kind="drip", seconds=0.001))
    parts = []
    with caller.connected() as connection:
        connection.sendall(caller.request(caller.line(POST)))
        while part := connection.recv(65_536):
            parts.append(part)
    whole = b"".join(parts)
    assert parted(whole) == (b"HTTP/1.1 201 Created", b"{}")
    assert len(parts) > len(whole) / 2
    assert caller.was_asked()


def test_a_drip_that_accepts_nothing_is_an_error(caller):
    caller.amazon.set_faults(rule(POST, kind="drip", seconds=0, accept_first=False))
    assert parted(caller.ask(POST))[0] == b"HTTP/1.1 503 Service Unavailable"
    assert not caller.was_asked()


def test_a_body_can_break_off_before_its_length(caller):
    caller.amazon.set_faults(rule(POST, kind="cut_body"))
    raw = caller.ask(POST)
    assert b"\r\nContent-Length: 2\r\n" in raw
    assert parted(raw) == (b"HTTP/1.1 201 Created", b"{")
    assert caller.was_asked()


def test_a_body_can_break_off_within_a_chunk(caller):
    caller.amazon.set_faults(rule(POST, kind="cut_body", how="chunked"))
    raw = caller.ask(POST)
    assert b"\r\nTransfer-Encoding: chunked\r\n" in raw
    assert b"Content-Length" not in raw
    assert parted(raw) == (b"HTTP/1.1 201 Created", b"2\r\n{")
    assert caller.was_asked()


@pytest.mark.parametrize("accept", [False, True])
def test_half_a_status_line_is_all_that_comes(caller, accept):
    caller.amazon.set_faults(rule(POST, kind="half_status_line", accept_first=accept))
    assert caller.ask(POST) == b"HTTP/1.1 20"
    assert caller.was_asked() is accept


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_points_elsewhere(caller, status):
    location = "http://127.0.0.1:9/elsewhere"
    caller.amazon.set_faults(rule(POST, kind="redirect", status=status, location=location))
    raw = caller.ask(POST)
    assert raw.startswith(b"HTTP/1.1 %d " % status)
    assert f"\r\nLocation: {location}\r\n".encode() in raw
    assert not caller.was_asked()


def test_a_body_can_be_any_bytes_of_any_type(caller):
    caller.amazon.set_faults(
        rule(
            POST,
            kind="body",
            base64="/wD+",
            status=201,
            content_type="application/json; charset=utf-16",
        )
    )
    raw = caller.ask(POST)
    assert parted(raw) == (b"HTTP/1.1 201 Created", b"\xff\x00\xfe")
    assert b"charset=utf-16" in raw
    caller.amazon.set_faults(rule(POST, kind="body", text="<html>é"))
    assert parted(caller.ask(POST)) == (b"HTTP/1.1 200 OK", "<html>é".encode())


def test_a_body_can_be_huge(caller):
    caller.amazon.set_faults(rule(POST, kind="body", size=10_000_000))
    assert len(parted(caller.ask(POST))[1]) == 10_000_000


def test_a_body_can_unpack_to_far_more_than_it_is(caller):
    caller.amazon.set_faults(rule(LIST, kind="body", gzip_bomb=20_000_001))
    raw = caller.ask(LIST)
    assert b"\r\nContent-Encoding: gzip\r\n" in raw
    body = parted(raw)[1]
    assert len(body) < 50_000
    assert gzip.decompress(body) == bytes(20_000_001)


def test_json_can_lack_its_last_brace(caller):
    caller.amazon.set_faults(rule("*", kind="malformed_json"))
    _, body = parted(caller.ask(LIST))
    assert json.loads(body + b"}")["_links"]["actions"]
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(body)
    assert parted(caller.ask(POST)) == (b"HTTP/1.1 201 Created", b"{")
    assert caller.was_asked()


def test_every_object_of_an_answer_can_hold_a_buyer(caller):
    plain = json.loads(parted(caller.ask(LIST))[1])
    caller.amazon.set_faults(rule("*", kind="buyer"))
    status, body = parted(caller.ask(LIST))
    assert status == b"HTTP/1.1 200 OK"
    told = json.loads(body)
    assert body.count(b"Invented Buyer") == len(list(objects(plain)))
    assert told["_links"]["actions"][0]["href"] == plain["_links"]["actions"][0]["href"]
    assert b"invented-buyer-" in parted(caller.exchange())[1]


def objects(document: Any) -> Iterator[Any]:
    """Every object of a JSON document."""
    if isinstance(document, dict):
        yield document
    inner = document.values() if isinstance(document, dict) else document
    for value in inner if isinstance(document, dict | list) else ():
        yield from objects(value)


def test_an_answer_can_be_late(caller):
    caller.amazon.set_faults(rule(POST, kind="latency", ms=300))
    began = time.monotonic()
    assert parted(caller.ask(POST))[0] == b"HTTP/1.1 201 Created"
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("error", "status"), [("invalid_grant", 400), ("invalid_client", 401), ("server_error", 400)]
)
def test_login_with_amazon_can_refuse(caller, error, status):
    caller.amazon.set_faults(
        [
            {
                "operation": "lwa",
                "seller": caller.partner,
                "do": {"kind": "lwa_error", "error": error},
            }
        ]
    )
    line, body = parted(caller.exchange())
    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(body) == {"error": error, "error_description": ""}


def test_a_client_that_leaves_does_not_stop_what_it_asked_for(caller):
    caller.amazon.set_faults(rule(POST, kind="hang", seconds=30, accept_first=True))
    with caller.connected() as connection:
        connection.sendall(caller.request(caller.line(POST)))
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert caller.was_asked()


def test_a_rule_for_one_order_leaves_the_others_alone(caller):
    caller.amazon.set_faults(
        [{"operation": POST, "order": "306-1234567-1234567", "do": {"kind": "close"}}]
    )
    assert parted(caller.ask(POST))[0] == b"HTTP/1.1 201 Created"
    assert caller.amazon.faults()["rules"][0]["matched"] == 0
