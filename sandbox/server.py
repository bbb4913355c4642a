"""HTTP/1.1 on asyncio: h11 reads the requests, answers are written as bytes.

Answers are not written through h11, because half of the sandbox's purpose is to write what no
correct server would. Each request is answered by a task of its own, one at a time on a connection,
and the task goes on when the client has gone: Amazon, too, does what was asked of it.
"""

import asyncio
import ipaddress
import socket
import struct
import traceback
from collections.abc import Awaitable, Callable

import h11

from sandbox.messages import HTML, Answer, Request, error_answer, parse_target, to_bytes

MAX_BODY = 1_000_000
MAX_UPLOAD = 12_000_000
_MAX_HEAD = 64 * 1024
_MAX_TARGET = 16 * 1024
_MAX_WAITING = 256 * 1024


class Wire:
    """The way back to one client, for one answer."""

    def __init__(self, transport: asyncio.Transport, close: bool, head_only: bool) -> None:
        self._transport = transport
        self._head_only = head_only
        self.closes = close

    def send(self, answer: Answer) -> None:
        """The answer is on its way; the connection stays open unless the client wanted otherwise."""
        raw = to_bytes(answer, self.closes)
        self.write(raw[: len(raw) - len(answer.body)] if self._head_only else raw)

    def write(self, raw: bytes) -> None:
        """The bytes are on their way; nothing happens when the client has gone."""
        if not self._transport.is_closing():
            self._transport.write(raw)

    def close(self) -> None:
        """The connection ends (FIN) after what was written."""
        self.closes = True
        self._transport.close()

    def reset(self) -> None:
        """The connection ends with a reset (RST), whatever was written before."""
        self.closes = True
        reset(self._transport)

    @property
    def gone(self) -> bool:
        """Whether the connection has ended."""
        return self._transport.is_closing()


Serve = Callable[[Request, Wire], Awaitable[None]]
Admit = Callable[[], bool]
CutAfter = Callable[[str, int], int | None]
"""Of a PUT with this path and length, after how many bytes of its body it is to be reset."""


def reset(transport: asyncio.Transport) -> None:
    """The connection is torn down so that the other side sees a reset."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Server:
    """Listens on one address until it is stopped."""

    def __init__(
        self, serve: Serve, admit: Admit, cut_after: CutAfter = lambda path, length: None
    ) -> None:
        self.serve = serve
        self.admit = admit
        self.cut_after = cut_after
        self.connections: set[asyncio.Transport] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> str:
        """The address at which it listens now (`http://127.0.0.1:43211`); OSError if it cannot."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: _Connection(self), host, port, backlog=2048
        )
        name = self._listener.sockets[0].getsockname()
        shown = f"[{name[0]}]" if ":" in name[0] else name[0]
        return f"http://{shown}:{name[1]}"

    async def stop(self) -> None:
        """Nothing listens any more, every connection is closed and every answer given up."""
        if self._listener is not None:
            self._listener.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for transport in tuple(self.connections):
            transport.abort()
        await asyncio.sleep(0)  # lets the transports close their sockets


class _Connection(asyncio.Protocol):
    """One connection: reads a request, waits until it is answered, reads the next."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        self._request: h11.Request | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._most = MAX_BODY
        self._cut_after: int | None = None
        self._waiting = 0
        self._answering = False
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._loopback = peer is not None and ipaddress.ip_address(peer[0]).is_loopback
        if self._server.admit():
            self._server.connections.add(transport)
        else:
            reset(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self._transport)

    def eof_received(self) -> bool:
        self._ended = True
        return self._answering  # a client may close its half and still wait for the answer

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        if self._answering:
            self._waiting += len(data)
            if self._waiting > _MAX_WAITING:
                self._transport.abort()
            return
        self._read()

    def _read(self) -> None:
        """Goes on with what has arrived until a request is whole or more must come."""
        try:
            while not self._answering:
                event = self._http.next_event()
                if isinstance(event, h11.Request):
                    self._request = event
                    self._begin(event)
                    if self._http.they_are_waiting_for_100_continue:
                        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                elif isinstance(event, h11.Data):
                    self._size += len(event.data)
                    if self._size <= self._most:
                        self._body.append(bytes(event.data))
                    if self._cut_after is not None and self._size >= self._cut_after:
                        reset(self._transport)
                        return
                elif isinstance(event, h11.EndOfMessage):
                    self._answer()
                else:
                    return
        except (h11.RemoteProtocolError, ValueError, UnicodeDecodeError):
            self._refuse()

    def _begin(self, event: h11.Request) -> None:
        """How much of a body is read is known from the head."""
        self._most, self._cut_after = MAX_BODY, None
        if event.method == b"PUT":
            self._most = MAX_UPLOAD
            length = dict(event.headers).get(b"content-length", b"0")
            path = event.target.decode("ascii").partition("?")[0]
            self._cut_after = self._server.cut_after(path, int(length))

    def _answer(self) -> None:
        event = self._request
        assert event is not None
        if len(event.target) > _MAX_TARGET:
            raise ValueError("the target is too long")
        path, query = parse_target(event.target.decode("ascii"))
        headers: dict[str, str] = {}
        for raw_name, raw_value in event.headers:
            name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        request = Request(
            method=event.method.decode("ascii"),
            path=path,
            query=query,
            headers=headers,
            body=b"".join(self._body),
            loopback=self._loopback,
            too_large=self._size > self._most,
        )
        close = (
            event.http_version < b"1.1"
            or headers.get("connection", "").lower() == "close"
            or self._ended
        )
        wire = Wire(self._transport, close, head_only=request.method == "HEAD")
        self._answering = True
        task = asyncio.get_running_loop().create_task(self._serve(request, wire))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _serve(self, request: Request, wire: Wire) -> None:
        try:
            await self._server.serve(request, wire)
        except Exception:
            # A mistake of the sandbox itself must not look like a fault that somebody asked for.
            traceback.print_exc()
            wire.send(error_answer(500, "InternalFailure", "The sandbox failed; see its log."))
            wire.close()
        if wire.closes or self._ended:
            self._transport.close()
            return
        # A parser for each request: h11 would want to have written the answer itself.
        rest, _ = self._http.trailing_data
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        self._request, self._body, self._size, self._waiting = None, [], 0, 0
        self._answering = False
        if rest:
            self._http.receive_data(rest)
            self._read()

    def _refuse(self) -> None:
        """What cannot be read as HTTP gets the bare page that Amazon's front door gives."""
        page = b"<html><head><title>400 Bad Request</title></head><body></body></html>\n"
        self._transport.write(to_bytes(Answer(400, page, HTML), close=True))
        self._transport.close()
