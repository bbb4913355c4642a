"""The proxy passes bytes, and spoils them just as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.faults.proxy import DOWN, UP, Proxy


@contextmanager
def echoing() -> Iterator[str]:
    """The address of a server that says what it hears."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=echo, args=[client], daemon=True).start()

    def echo(client: socket.socket) -> None:
        with client, suppress(OSError):
            while data := client.recv(1000):
                client.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with echoing() as url, Proxy.running(url) as proxy:
        yield proxy


def connect(proxy: Proxy) -> socket.socket:
    port = int(proxy.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def said_back(client: socket.socket, words: bytes) -> bytes:
    """What comes back for these words; nothing when nothing comes within 0.3 s."""
    client.sendall(words)
    client.settimeout(0.3)
    try:
        return client.recv(1000)
    except TimeoutError:
        return b""
    finally:
        client.settimeout(5)


def read_to_the_end(client: socket.socket) -> None:
    while client.recv(1000):
        pass


def test_passes_both_ways(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert said_back(client, b"hello") == b"hello"


def test_keeps_the_login_of_the_address() -> None:
    with echoing() as url, Proxy.running(url.replace("tcp://", "redis://:secret@")) as proxy:
        assert proxy.url.startswith("redis://:secret@127.0.0.1:")


def test_refuses_new_connections_and_resets_those_that_stand(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert said_back(client, b"hello") == b"hello"
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.pass_on()
    with connect(proxy) as client:
        assert said_back(client, b"again") == b"again"


@pytest.mark.parametrize("directions", [(UP,), (DOWN,), ()])
def test_bytes_vanish(proxy: Proxy, directions: tuple[str, ...]) -> None:
    with connect(proxy) as client:
        proxy.blackhole(*directions)
        assert said_back(client, b"hello") == b""


def test_forgets_the_connections_that_stand_and_serves_new_ones(proxy: Proxy) -> None:
    with connect(proxy) as old:
        assert said_back(old, b"hello") == b"hello"
        proxy.forget()
        assert said_back(old, b"still there?") == b""
        with connect(proxy) as new:
            assert said_back(new, b"hello") == b"hello"


def test_cuts_the_connection_after_the_word_was_passed_on(proxy: Proxy) -> None:
    proxy.cut_on(b"COMMIT")
    with connect(proxy) as client:
        assert said_back(client, b"BEGIN") == b"BEGIN"
        client.sendall(b"COMMIT")
        with pytest.raises(ConnectionResetError):
            read_to_the_end(client)
    assert proxy.cuts_left == 0
    with connect(proxy) as client:
        assert said_back(client, b"COMMIT") == b"COMMIT"


def test_cuts_after_so_many_bytes(proxy: Proxy) -> None:
    proxy.cut_after(10)
    with connect(proxy) as client:
        assert said_back(client, b"123456789") == b"123456789"
        client.sendall(b"0")
        with pytest.raises(ConnectionResetError):
            read_to_the_end(client)
