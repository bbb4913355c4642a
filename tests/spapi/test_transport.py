"""Faults on the wire: what is certain after each, and that none of them outlasts the deadline."""

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

import spapi
from tests.spapi.conftest import GRACE, SHORT, Amazon, ask, look, warm
from tests.spapi.servers import (
    Handler,
    Server,
    after,
    close,
    listener,
    reply,
    reset,
    silence,
)

MakeClient = Callable[..., spapi.Client]


def half_status_line(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 20")


def status_line_without_its_end(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 201 Created")


def nonsense(sock: socket.socket) -> None:
    sock.sendall(b"SSH-2.0-OpenSSH_9.6\r\n" * 3)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (reset, "reset"),
        (close, "closed"),
        (half_status_line, "closed"),
        (status_line_without_its_end, "closed"),
        (nonsense, "protocol"),
    ],
)
@pytest.mark.parametrize("call", [ask, look])
def test_request_without_an_answer_has_an_unknown_effect(
    amazon: Amazon, client: spapi.Client, call: Callable, fault: Handler, reason: str
) -> None:
    amazon.replies = lambda _: fault
    with pytest.raises(spapi.NoAnswer) as caught:
        call(client)
    assert caught.value.reason == reason
    assert caught.value.effect is spapi.Effect.UNKNOWN
    assert caught.value.status is None
    assert len(amazon.calls) == 1


def test_reset_before_the_request_was_read_is_unknown(make_client: MakeClient) -> None:
    connected = threading.Event()

    def reset_unread(sock: socket.socket) -> None:
        connected.wait(10)
        reset(sock)

    with listener(reset_unread) as address:
        client = warm(make_client(endpoint=f"http://{address}"))
        with pytest.raises(spapi.NoAnswer) as caught:
            ask(client, before_send=connected.set)
    assert caught.value.reason in {"reset", "closed"}


@pytest.mark.parametrize(
    "fault",
    [
        silence,
        after(0.2, reply(201, {})),
        lambda sock: (sock.sendall(b"HTTP/1.1 201 Cre"), silence(sock)),
    ],
    ids=["hang", "drip", "hang in the status line"],
)
def test_deadline_ends_a_call_however_the_server_dawdles(
    amazon: Amazon, make_client: MakeClient, fault: Handler
) -> None:
    client = warm(make_client(deadline=SHORT))
    amazon.replies = lambda _: fault
    began = time.monotonic()
    with pytest.raises(spapi.NoAnswer) as caught:
        ask(client)
    assert SHORT - 0.05 <= time.monotonic() - began < SHORT + GRACE
    assert caught.value.reason == "deadline"


def test_connection_is_not_used_again_after_its_deadline(
    amazon: Amazon, make_client: MakeClient
) -> None:
    client = warm(make_client(deadline=SHORT))
    amazon.replies = lambda _: silence
    with pytest.raises(spapi.NoAnswer):
        look(client)
    amazon.replies = lambda _: reply(200, {"_links": {"actions": []}})
    assert look(client).well_formed
    first, second = amazon.calls
    assert first.connection != second.connection


def chunked(status: int) -> bytes:
    return (
        f"HTTP/1.1 {status} Whatever\r\nTransfer-Encoding: chunked\r\n"
        'x-amzn-RequestId: r1\r\n\r\n5\r\n{"a":'.encode()
    )


CUTS: dict[str, Callable[[int], Handler]] = {
    "by length": lambda status: (
        lambda sock: sock.sendall(reply(status, b"{", length=100, headers=["x-amzn-RequestId: r1"]))
    ),
    "by length, reset": lambda status: (
        lambda sock: (
            sock.sendall(reply(status, b"{", length=100, headers=["x-amzn-RequestId: r1"])),
            time.sleep(0.1),
            reset(sock),
        )
    ),
    "chunked": lambda status: lambda sock: sock.sendall(chunked(status)),
    "in the headers": lambda status: (
        lambda sock: sock.sendall(
            f"HTTP/1.1 {status} Whatever\r\nx-amzn-RequestId: r1\r\nx-am".encode()
        )
    ),
    "late": lambda status: lambda sock: (sock.sendall(chunked(status)), silence(sock)),
}


def client_for(make_client: MakeClient, cut: str) -> spapi.Client:
    """A client with a token, whose deadline ends only what is late."""
    return warm(make_client(deadline=SHORT) if cut == "late" else make_client())


@pytest.mark.parametrize("cut", CUTS)
def test_201_with_a_cut_body_is_accepted(amazon: Amazon, make_client: MakeClient, cut: str) -> None:
    client = client_for(make_client, cut)
    amazon.replies = lambda _: CUTS[cut](201)
    accepted = ask(client)
    assert (accepted.status, accepted.request_id) == (201, "r1")
    assert len(amazon.calls) == 1


@pytest.mark.parametrize("cut", CUTS)
def test_refusal_with_a_cut_body_is_decided_by_its_status(
    amazon: Amazon, make_client: MakeClient, cut: str
) -> None:
    client = client_for(make_client, cut)
    for status, kind in {400: spapi.BadRequest, 403: spapi.UnknownForbidden}.items():
        amazon.replies = lambda _, status=status: CUTS[cut](status)
        with pytest.raises(kind):
            ask(client)


@pytest.mark.parametrize(
    ("cut", "reason"),
    [("by length", "cut_body"), ("chunked", "cut_body"), ("late", "deadline")],
)
def test_200_with_a_cut_body_is_no_answer_to_a_get(
    amazon: Amazon, make_client: MakeClient, cut: str, reason: str
) -> None:
    client = client_for(make_client, cut)
    amazon.replies = lambda _: CUTS[cut](200)
    with pytest.raises(spapi.NoAnswer) as caught:
        look(client)
    assert (caught.value.reason, caught.value.status) == (reason, 200)


@pytest.mark.parametrize(("call", "status"), [(look, 200), (ask, 201)])
def test_no_more_of_a_huge_body_is_read_than_is_needed(
    amazon: Amazon, client: spapi.Client, call: Callable, status: int
) -> None:
    size, sent = 50_000_000, 0
    done = threading.Event()

    def send(sock: socket.socket) -> None:
        nonlocal sent
        try:
            sock.sendall(reply(status, b"", length=size))
            while sent < size:
                sent += sock.send(b"x" * 100_000)
        finally:
            done.set()

    warm(client)
    amazon.replies = lambda _: send
    tracemalloc.start()
    answer = call(client)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.body == "x" * 4096
    assert peak < 5_000_000
    assert done.wait(10)
    assert sent < size, "the rest was not waited for"


@pytest.mark.parametrize("status", [200, 201, 403])
def test_compressed_bomb_is_not_blown_up(amazon: Amazon, client: spapi.Client, status: int) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(200)) + packer.flush()
    assert len(bomb) < 1_000_000
    answer = reply(status, bomb, headers=["Content-Encoding: gzip"])
    amazon.replies = lambda _: answer
    warm(client)
    tracemalloc.start()
    try:
        if status == 200:
            assert not look(client).well_formed
        elif status == 201:
            assert ask(client).status == 201
        else:
            with pytest.raises(spapi.UnknownForbidden):
                ask(client)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_body_compressed_unasked_is_read_all_the_same(amazon: Amazon, client: spapi.Client) -> None:
    body = gzip.compress(b'{"_links": {"actions": [{"name": "a", "href": "b"}]}}')
    amazon.replies = lambda _: reply(200, body, headers=["Content-Encoding: gzip"])
    assert look(client).offers("a")
    assert amazon.calls[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_body_in_an_encoding_that_cannot_be_read_is_no_list(
    amazon: Amazon, client: spapi.Client, encoding: str
) -> None:
    body = b'{"_links": {"actions": []}}'
    amazon.replies = lambda _: reply(200, body, headers=[f"Content-Encoding: {encoding}"])
    offered = look(client)
    assert not offered.well_formed


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_never_followed(amazon: Amazon, client: spapi.Client, status: int) -> None:
    other = Server(lambda request: reply(201, {}))
    amazon.replies = lambda _: reply(status, headers=[f"Location: {other.url}/elsewhere"])
    for call in (ask, look):
        with pytest.raises(spapi.UnexpectedStatus):
            call(client)
    other.stop()
    assert other.seen == []
    assert other.connections == 0
