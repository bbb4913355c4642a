"""A scanner that finds one virus and speaks the protocol of clamd."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Thread

# What every scanner takes for a virus (EICAR), in halves, so that this file is none.
VIRUS = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()


def judge(content: bytes) -> bytes:
    """What clamd answers."""
    return b"stream: Eicar-Test-Signature FOUND\0" if VIRUS in content else b"stream: OK\0"


def receive(connection: socket.socket) -> bytes:
    """The content that was sent as clamd wants it."""
    file = connection.makefile("rb")
    assert file.read(10) == b"zINSTREAM\0"
    content = b""
    while size := struct.unpack(">I", file.read(4))[0]:
        assert size <= 64 * 1024
        content += file.read(size)
    return content


@contextmanager
def serving(listener: socket.socket, answer: Callable[[bytes], bytes]) -> Iterator[None]:
    """One connection is served."""

    def serve() -> None:
        connection = listener.accept()[0]
        with closing(connection):
            connection.settimeout(20)
            connection.sendall(answer(receive(connection)))

    thread = Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        thread.join(20)
