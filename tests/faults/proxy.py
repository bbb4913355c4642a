"""A TCP proxy between a worker and a server, and what can be done to the bytes on their way.

It runs in a thread of its own; every method may be called from any thread and takes effect at once,
for connections that stand as well as for new ones.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 64 * 1024
UP, DOWN = "up", "down"  # to the server, to the client


class Proxy:
    """Passes bytes between clients and one server, until it is told otherwise."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._loop = asyncio.new_event_loop()
        self._listener: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self._port = 0
        self.connections = 0
        self.dropped: frozenset[str] = frozenset()
        self.delay = 0.0
        self.cut: _Cut | None = None
        self.resets_new = False

    @classmethod
    @contextmanager
    def running(cls, target: str) -> Iterator[Proxy]:
        """A proxy before that address, gone after the block."""
        proxy = cls(target)
        thread = threading.Thread(target=proxy._loop.run_forever, name="proxy", daemon=True)
        thread.start()
        proxy._do(proxy._listen)
        try:
            yield proxy
        finally:
            proxy._do(proxy._end)
            proxy._loop.call_soon_threadsafe(proxy._loop.stop)
            thread.join(10)
            proxy._loop.close()

    @property
    def url(self) -> str:
        """The server's address by way of the proxy."""
        login, _, _ = self._target.netloc.rpartition("@")
        place = f"127.0.0.1:{self._port}"
        return urlunsplit(self._target._replace(netloc=f"{login}@{place}" if login else place))

    # What can be done

    def pass_on(self) -> None:
        """Everything passes again. What was dropped meanwhile is lost, so that connections which
        stood then are ended."""
        had_dropped = bool(self.dropped)
        self.dropped, self.delay, self.cut, self.resets_new = frozenset(), 0.0, None, False
        self._do(self._listen)
        if had_dropped:
            self.reset()

    def refuse(self) -> None:
        """New connections are refused, and those that stand are reset."""
        self._do(self._stop_listening)
        self.reset()

    def refuse_new(self) -> None:
        """New connections are refused; those that stand go on."""
        self._do(self._stop_listening)

    def blackhole(self, *directions: str) -> None:
        """Bytes of these directions (both, if none is named) vanish; nobody is told: half open."""
        self.dropped = frozenset(directions or (UP, DOWN))

    def forget(self) -> None:
        """The connections that stand fall silent for ever, both ways; new ones pass."""

        def silence() -> None:
            for line in self._lines:
                line.is_silent = True

        self._do(silence)

    def reset(self, *, new_too: bool = False) -> None:
        """Every connection that stands is reset; with `new_too` also every one that comes."""
        self.resets_new = new_too
        self._do(self._reset_all)

    def delay_by(self, seconds: float) -> None:
        """Whatever passes takes that much longer."""
        self.delay = seconds

    def cut_after(self, size: int, direction: str = UP, times: int = 1) -> None:
        """The next connection that has passed so many bytes that way is reset then."""
        self.cut = _Cut(direction, size=size, times=times)

    def cut_on(self, word: bytes, direction: str = UP, times: int = 1) -> None:
        """The connection that passes these bytes is reset after it has passed them on."""
        self.cut = _Cut(direction, word=word, times=times)

    @property
    def cuts_left(self) -> int:
        """How often the cut that was asked for is still to come."""
        return 0 if self.cut is None else self.cut.times

    # In the proxy's own thread

    def _do(self, step: Callable[[], Any]) -> None:
        async def run() -> None:
            done = step()
            if asyncio.iscoroutine(done):
                await done

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._listener.sockets[0].getsockname()[1]

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _end(self) -> None:
        self._stop_listening()
        lines = list(self._lines)
        self._reset_all()
        await asyncio.gather(*(line.task for line in lines), return_exceptions=True)

    def _reset_all(self) -> None:
        for line in list(self._lines):
            line.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.resets_new:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(
                self._target.hostname, self._target.port
            )
        except OSError:
            _reset(writer)
            return
        line = _Line(writer, far_writer)
        self._lines.add(line)
        both = (
            self._pump(reader, far_writer, UP, line),
            self._pump(far_reader, writer, DOWN, line),
        )
        line.task = asyncio.ensure_future(asyncio.gather(*both, return_exceptions=True))
        try:
            await line.task
        finally:
            self._lines.discard(line)
            for end in (writer, far_writer):
                with suppress(OSError):
                    end.close()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        direction: str,
        line: _Line,
    ) -> None:
        passed = 0
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if direction in self.dropped or line.is_silent:
                    continue
                writer.write(data)
                await writer.drain()
                passed += len(data)
                if self.cut is not None and self.cut.applies(direction, data, passed):
                    # what was passed on has to arrive before the reset overtakes it
                    await asyncio.sleep(0.05)
                    line.reset()
                    return
            writer.write_eof()


class _Cut:
    def __init__(self, direction: str, *, times: int, size: int = 0, word: bytes = b"") -> None:
        self.direction, self.times, self.size, self.word = direction, times, size, word

    def applies(self, direction: str, data: bytes, passed: int) -> bool:
        if direction != self.direction or not self.times:
            return False
        met = self.word in data if self.word else passed >= self.size
        self.times -= met
        return met


class _Line:
    """One client's way to the server."""

    task: asyncio.Future[Any]
    is_silent = False

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._ends = (near, far)

    def reset(self) -> None:
        """Both ends see a reset."""
        for end in self._ends:
            _reset(end)


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
