"""A body that comes too slowly, at a real gunicorn with threads, as the product runs."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from solicit_dashboard.slow_bodies import DISCARD_SECONDS, MOST_DISCARDED, BodyDeadline

SECONDS = 0.4


def count_bytes(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Answers with the number of bytes that came, or with 0 when the body could not be read.

    At the address /unread it reads nothing.
    """
    if environ["PATH_INFO"] == "/unread":
        start_response("413 Content Too Large", [("Content-Length", "8")])
        return [b"too much"]
    try:
        number = len(environ["wsgi.input"].read())
    except OSError:
        number = 0
    said = f"{number} bytes".encode()
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]


application = BodyDeadline(count_bytes, SECONDS)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where a gunicorn with one thread serves the application above."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        command = [sys.executable, "-m", "gunicorn", "--config", "/dev/null"]
        command += ["--worker-class", "gthread", "--threads", "1", "--bind"]
        command += [f"fd://{listener.fileno()}", "--no-control-socket", f"{__name__}:application"]
        server = subprocess.Popen(command, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
        try:
            yield listener.getsockname()
        finally:
            server.terminate()
            server.wait(20)


def connect(address: tuple[str, int], length: int, path: str = "/") -> socket.socket:
    """A connection on which the headers of a request with a body of `length` bytes were sent."""
    connection = socket.create_connection(address, timeout=20)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode())
    return connection


def answer(connection: socket.socket) -> bytes:
    """Everything that comes back."""
    found = b""
    while part := connection.recv(65536):
        found += part
    return found


def test_a_body_that_trickles_is_not_waited_for(address: tuple[str, int]) -> None:
    with closing(connect(address, 10_000)) as slow:
        began = time.monotonic()
        slow.settimeout(0.05)
        found = b""
        while not found:
            slow.sendall(b"x")
            try:
                found = slow.recv(65536)
            except TimeoutError:
                assert time.monotonic() - began < 20, "it is waited for"
        assert found.startswith(b"HTTP/1.1 408 ")
    # The one thread is free again.
    with closing(connect(address, 4)) as other:
        other.sendall(b"abcd")
        assert answer(other).endswith(b"\r\n4 bytes")


def test_a_body_that_comes_in_time_is_read_whole(address: tuple[str, int]) -> None:
    with closing(connect(address, 300_000)) as connection:
        connection.sendall(b"x" * 300_000)
        assert answer(connection).endswith(b"\r\n300000 bytes")


def test_half_a_body_is_none(address: tuple[str, int]) -> None:
    with closing(connect(address, 10)) as connection:
        connection.sendall(b"abc")
        connection.shutdown(socket.SHUT_WR)
        assert answer(connection).startswith(b"HTTP/1.1 408 ")


def test_an_answer_comes_before_its_body_and_reaches_whoever_sends_that_to_its_end(
    address: tuple[str, int],
) -> None:
    length = 10_000_000  # more than the system keeps for somebody who does not read
    with closing(connect(address, length, "/unread")) as patient:
        found = b""
        while not found.endswith(b"too much"):
            found += patient.recv(65536)
        patient.sendall(b"x" * length)
        assert patient.recv(65536) == b""
    assert found.startswith(b"HTTP/1.1 413 ")
    with closing(connect(address, length, "/unread")) as hasty:
        hasty.sendall(b"x" * length)
        assert answer(hasty).endswith(b"\r\ntoo much")


def test_what_nobody_reads_is_waited_for_neither_long_nor_without_end(
    address: tuple[str, int],
) -> None:
    with closing(connect(address, MOST_DISCARDED + 1, "/unread")) as huge:
        assert answer(huge).endswith(b"\r\ntoo much")
    began = time.monotonic()
    with closing(connect(address, 10_000, "/unread")) as silent:
        silent.sendall(b"x")
        assert answer(silent).endswith(b"\r\ntoo much")
    assert time.monotonic() - began < DISCARD_SECONDS, "it is waited for"
