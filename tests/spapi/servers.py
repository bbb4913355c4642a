"""A small HTTP/1.1 server on a socket, so that a test decides over every byte and every cut."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

Handler = Callable[[socket.socket], None]
"""Takes the connection over: sends what it likes; the connection is closed after it."""


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; header names in lower case, `connection` counts from 1."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


Answer = Callable[[Seen], bytes | Handler]


def reply(
    status: int,
    body: bytes | str | object = b"",
    *,
    content_type: str = "application/json",
    headers: Iterable[str] = (),
    length: int | None = None,
) -> bytes:
    """The bytes of an answer; a body that is neither bytes nor text is sent as JSON."""
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    raw = body.encode() if isinstance(body, str) else body
    lines = [
        f"HTTP/1.1 {status} Whatever",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(raw) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + raw


def errors(message: str, *, code: str = "Unauthorized", details: str | None = "") -> object:
    """Amazon's error body."""
    error = {"code": code, "message": message}
    return {"errors": [error if details is None else {**error, "details": details}]}


def reset(sock: socket.socket) -> None:
    """The connection ends with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Server:
    """Listens on a free port of this machine until `stop`; `answer` is asked for every request."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def stop(self) -> None:
        # Closing alone does not wake a thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(sock)
                number = self.connections
            thread = threading.Thread(target=self._serve, args=(sock, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            with sock.makefile("rb") as file:
                while request := _read(file, number):
                    self.seen.append(request)
                    answer = self.answer(request)
                    if callable(answer):
                        answer(sock)
                        return
                    sock.sendall(answer)
                    if request.headers.get("connection", "").lower() == "close":
                        return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()


def _read(file, number: int) -> Seen | None:
    line = file.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while (header := file.readline().decode("latin-1").rstrip("\r\n")) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = file.read(int(headers.get("content-length", 0)))
    return Seen(line[0], line[1], headers, body, number)


@contextmanager
def listener(serve: Handler, host: str = "127.0.0.1") -> Iterator[str]:
    """The address of a port on which each connection is given to `serve`."""
    with socket.create_server((host, 0)) as server:

        def accept() -> None:
            while True:
                try:
                    sock, _ = server.accept()
                except OSError:
                    return
                with sock:
                    try:
                        serve(sock)
                    except OSError:
                        continue

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"{host}:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def after(seconds: float, data: bytes) -> Handler:
    """Sends the data one byte at a time, waiting before each."""

    def drip(sock: socket.socket) -> None:
        for byte in data:
            time.sleep(seconds)
            sock.sendall(bytes([byte]))

    return drip


def silence(sock: socket.socket) -> None:
    """Holds the connection open until the other side gives up."""
    sock.settimeout(20)
    sock.recv(1)


def close(sock: socket.socket) -> None:
    """Closes without a word."""
