"""Total deadlines for HTTP exchanges: at its deadline an exchange loses its socket.

The read timeout of sockets is no deadline: a server that sends a byte a second never passes it.
One thread for each process watches all exchanges by the monotonic clock and shuts down the socket
of each that is overdue; whoever reads from it then sees an end of file at once.
"""

import contextlib
import math
import os
import socket
import threading
import time
from collections.abc import Callable


class SendPrevented(Exception):  # noqa: N818 - named for what happened
    """`before_send` raised (see the cause); not a byte has left."""


class DeadlinePassed(Exception):  # noqa: N818 - named for what happened
    """The deadline passed before the first byte left; it did not leave."""


class Exchange:
    """One request under way: its deadline, its socket, and whether its bytes have begun to leave.

    `sending` is set before the first byte can leave and never unset: False is certainty. `public`
    says that its host may have no addresses but those of the public Internet.
    """

    __slots__ = (
        "_before_send",
        "_finished",
        "_lock",
        "_socket",
        "connect_timeout",
        "deadline_at",
        "expired",
        "public",
        "reused",
        "sending",
    )

    def __init__(
        self,
        seconds: float,
        connect_timeout: float,
        before_send: Callable[[], None] | None = None,
        *,
        public: bool = False,
    ) -> None:
        self.deadline_at = time.monotonic() + seconds
        self.connect_timeout = connect_timeout
        self.expired = False
        self.public = public
        self.reused = False
        self.sending = False
        self._before_send = before_send
        self._socket: socket.socket | None = None
        self._finished = False
        self._lock = threading.Lock()

    def connect_by(self) -> float:
        """The monotonic moment by which a connection begun now must stand."""
        return min(time.monotonic() + self.connect_timeout, self.deadline_at)

    def attach(self, sock: socket.socket) -> None:
        """From now on the exchange runs over this socket, which is shut down at the deadline."""
        with self._lock:
            self._socket = sock
            if self.expired:
                _shut_down(sock)

    def begin_sending(self) -> None:
        """The first byte may leave now; raises SendPrevented or DeadlinePassed if it must not."""
        if self._before_send is not None:
            try:
                self._before_send()
            except Exception as error:
                raise SendPrevented from error
        with self._lock:
            if self.expired or time.monotonic() >= self.deadline_at:
                raise DeadlinePassed
            self.sending = True

    def expire(self) -> None:
        """The exchange has lost its socket, unless it had already ended."""
        with self._lock:
            if self._finished:
                return
            self.expired = True
            if self._socket is not None:
                _shut_down(self._socket)

    def finish(self) -> None:
        """The socket is no longer this exchange's: another may use it, so it is left alone."""
        with self._lock:
            self._finished = True
            self._socket = None


def _shut_down(sock: socket.socket) -> None:
    # SSLSocket.shutdown would turn the socket back into a plain one under the reader's hands.
    with contextlib.suppress(OSError):  # it is closed, or not connected any more
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Watchdog:
    """Expires every watched exchange at its deadline, within milliseconds."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._watched: set[Exchange] = set()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def watch(self, exchange: Exchange) -> None:
        """The exchange is expired at its deadline unless it is released before."""
        with self._condition:
            self._watched.add(exchange)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="spapi-deadlines", daemon=True
                )
                self._thread.start()
            # Deadlines mostly come in order, so that a call seldom has to wake the thread.
            if exchange.deadline_at < self._wakes_at:
                self._condition.notify()

    def release(self, exchange: Exchange) -> None:
        """The exchange is no longer watched."""
        with self._condition:
            self._watched.discard(exchange)

    def _run(self) -> None:
        with self._condition:
            while True:
                now = time.monotonic()
                for exchange in [one for one in self._watched if one.deadline_at <= now]:
                    self._watched.discard(exchange)
                    exchange.expire()
                self._wakes_at = min((one.deadline_at for one in self._watched), default=math.inf)
                wait = None if self._wakes_at == math.inf else self._wakes_at - time.monotonic()
                self._condition.wait(wait)


_watchdog = Watchdog()


def watchdog() -> Watchdog:
    """The watchdog of this process."""
    return _watchdog


def _start_anew() -> None:
    # A forked child inherits the object, but not its thread, and perhaps a lock in mid-use.
    global _watchdog
    _watchdog = Watchdog()


os.register_at_fork(after_in_child=_start_anew)
