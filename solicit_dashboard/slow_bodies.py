"""A body that comes too slowly is not waited for: each holds up one of the few threads of the web.

gunicorn bounds the time until the first byte, and between two requests; while a thread reads a body
it waits for ever (its `timeout` watches the process, not the thread).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from threading import Timer
from typing import Any
from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

# Of what nobody read so much is waited for, and thrown away: while bytes are still coming the answer
# is lost to most browsers, and "it is too large" would be shown as a connection that broke.
# Whoever sends nothing for a moment was only told to wait, and holds up a thread.
MOST_DISCARDED = 64 * 1024**2
DISCARD_SECONDS = 20.0
SILENCE_SECONDS = 0.5
_PIECE = 64 * 1024

TOO_SLOW = b"The form did not come to its end in time. Nothing was done. Try again."


class CutOffError(OSError):
    """The body ended before its announced end."""


class BodyDeadline:
    """An application that gets whole bodies or none; it is a 408 when one is not here in time.

    Also a body whose sender has gone is none, rather than half a form. `seconds` is the time from
    the request's headers to the last byte of its body.
    """

    def __init__(self, application: WSGIApplication, seconds: float) -> None:
        self._application = application
        self._seconds = seconds

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) == 0:
            return self._application(environ, start_response)
        body = _WholeBody(environ["wsgi.input"], int(length))
        started: list[tuple[Any, ...]] = []

        def start(*answer: Any) -> Any:
            started[:] = [answer]

        timer = Timer(self._seconds, _stop_reading, [environ.get("gunicorn.socket")])
        timer.daemon = True
        timer.start()
        try:
            result = self._application(environ | {"wsgi.input": body}, start)
        finally:
            timer.cancel()
        connection = environ.get("gunicorn.socket")
        if connection is not None and not body.is_cut_off and 0 < body.left <= MOST_DISCARDED:
            start_response(*started[0])
            return _AnswerFirst(result, body, connection)
        if body.is_cut_off:
            close = getattr(result, "close", None)
            if close is not None:
                close()
            headers = [
                ("Content-Type", "text/plain; charset=utf-8"),
                ("Content-Length", str(len(TOO_SLOW))),
                ("HX-Reswap", "none"),  # words are not drawn into the page in place of something
            ]
            start_response("408 Request Timeout", headers)
            return [TOO_SLOW]
        start_response(*started[0])
        return result


class _WholeBody:
    """The body as it comes; CutOffError where its sender stops before the end."""

    def __init__(self, source: InputStream, length: int) -> None:
        self._source = source
        self.left = length
        self.is_cut_off = False

    def read(self, size: int = -1) -> bytes:
        size = self.left if size < 0 else min(size, self.left)
        return self._counted(self._source.read(size), size)

    def readline(self, size: int = -1) -> bytes:
        size = self.left if size < 0 else min(size, self.left)
        line = self._source.readline(size)
        return self._counted(line, len(line) if line.endswith(b"\n") else size)

    def _counted(self, found: bytes, wanted: int) -> bytes:
        self.left -= len(found)
        if len(found) < wanted:
            self.is_cut_off = True
            raise CutOffError("the body ended before its end")
        return found


class _AnswerFirst:
    """An answer that was made without its body: first it goes, then what still comes is discarded."""

    def __init__(
        self, answer: Iterable[bytes], body: _WholeBody, connection: socket.socket
    ) -> None:
        self._answer = answer
        self._body = body
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer
        timer = Timer(DISCARD_SECONDS, _stop_reading, [self._connection])
        timer.daemon = True
        timer.start()
        try:
            self._connection.settimeout(SILENCE_SECONDS)
            while self._body.left:
                self._body.read(_PIECE)
        except OSError:  # its sender is silent, too slow, or has gone
            _stop_reading(self._connection)
        finally:
            timer.cancel()

    def close(self) -> None:
        """As the answer itself."""
        close = getattr(self._answer, "close", None)
        if close is not None:
            close()


def _stop_reading(connection: socket.socket | None) -> None:
    """Whoever reads from this connection finds its end. One that was closed is left alone."""
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RD)
