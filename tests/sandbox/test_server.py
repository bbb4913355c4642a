"""HTTP itself, seen through raw sockets."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from sandbox.testing import Running, running


@pytest.fixture(scope="module")
def amazon() -> Iterator[Running]:
    with running(orders=20, sellers=1) as amazon:
        yield amazon


@contextmanager
def connected(amazon: Running) -> Iterator[socket.socket]:
    address = urlsplit(amazon.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        yield connection


def read_answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of one answer; the connection may stay open."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        part = connection.recv(65_536)
        assert part, raw
        raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    [length] = [
        int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")
    ]
    while len(body) < length:
        body += connection.recv(65_536)
    return head, body


TIME = b"GET /_time HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_connection_serves_many_requests(amazon):
    with connected(amazon) as connection:
        for _ in range(3):
            connection.sendall(TIME)
            head, body = read_answer(connection)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nConnection: keep-alive" in head
            assert json.loads(body)["orders"] == 20


def test_requests_that_come_together_are_answered_in_turn(amazon):
    with connected(amazon) as connection:
        connection.sendall(TIME + b"GET /_nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        raw = b""
        while part := connection.recv(65_536):
            raw += part
    assert raw.index(b"HTTP/1.1 200 OK") < raw.index(b"HTTP/1.1 404 Not Found")


def test_a_request_may_come_in_pieces(amazon):
    with connected(amazon) as connection:
        for place in range(len(TIME)):
            connection.sendall(TIME[place : place + 1])
        assert read_answer(connection)[0].startswith(b"HTTP/1.1 200 OK")


def test_a_client_may_close_its_half_and_still_be_answered():
    with running(orders=5, sellers=1, latency_ms=50) as slow, connected(slow) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert read_answer(connection)[0].startswith(b"HTTP/1.1 403 Forbidden")
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "request_head",
    [TIME.replace(b"1.1", b"1.0"), TIME.replace(b"x\r", b"x\r\nConnection: close\r", 1)],
)
def test_a_client_that_wants_the_connection_closed_gets_that(amazon, request_head):
    with connected(amazon) as connection:
        connection.sendall(request_head)
        assert b"\r\nConnection: close" in read_answer(connection)[0]
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: y\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?" + b"a=1&" * 200 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["no http", "no host", "bad length", "long head", "many fields"],
)
def test_what_is_no_request_gets_a_bare_page(amazon, raw):
    with connected(amazon) as connection:
        connection.sendall(raw)
        head, _ = read_answer(connection)
        assert head.startswith(b"HTTP/1.1 400 Bad Request")
        assert b"text/html" in head


def test_a_body_may_be_sent_after_the_server_agrees(amazon):
    with connected(amazon) as connection:
        connection.sendall(
            b"POST /_time HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 15\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b'{"offset_s": 0}')
        assert read_answer(connection)[0].startswith(b"HTTP/1.1 200 OK")


def test_a_body_that_is_too_large_is_refused(amazon):
    with connected(amazon) as connection:
        connection.sendall(
            b"POST /auth/o2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n"
        )
        connection.sendall(b"x" * 1_000_001)
        assert read_answer(connection)[0].startswith(b"HTTP/1.1 413 ")


def test_a_file_may_be_larger(amazon):
    for size, status in ((1_000_001, 403), (12_000_001, 400)):
        with connected(amazon) as connection:
            head = "PUT /message-uploads/unknown/%2F067 HTTP/1.1\r\nHost: x\r\n"
            connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode() + bytes(size))
            assert read_answer(connection)[0].startswith(f"HTTP/1.1 {status} ".encode())


def test_stopping_waits_for_nobody():
    with running(orders=5, sellers=1) as amazon:
        amazon.set_faults([{"operation": "*", "do": {"kind": "hang", "seconds": 600}}])
        with connected(amazon) as idle, connected(amazon) as hanging:
            hanging.sendall(b"POST /auth/o2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            tries = 0
            while amazon.faults()["rules"][0]["fired"] == 0:
                tries += 1
                assert tries < 1_000
            thread = threading.Thread(target=_drain, args=(idle,))
            thread.start()
            began = time.monotonic()
            amazon.stop()
            assert time.monotonic() - began < 20
            thread.join(5)
            assert not thread.is_alive()


def _drain(connection: socket.socket) -> None:
    try:
        while connection.recv(100):
            pass
    except ConnectionError:
        pass


def test_latency_counts_both_ways():
    with running(orders=5, sellers=1, latency_ms=30) as amazon:
        began = time.monotonic()
        with connected(amazon) as connection:
            for _ in range(10):
                connection.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
                read_answer(connection)
        assert time.monotonic() - began > 0.4
