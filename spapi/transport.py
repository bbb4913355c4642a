"""One HTTP exchange."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Times are in seconds, `max_body` in bytes.

    `fresh` demands a new connection. `before_send` is called when the connection stands, directly
    before the first byte leaves; if it raises, nothing is sent.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    connect_timeout: float = 5.0
    deadline: float = 45.0
    max_body: int = 1 << 20
    fresh: bool = False
    before_send: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer whose status line came whole; `complete` says whether its body did too.

    The names of `headers` are in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True


class TransportFailed(Exception):  # noqa: N818 - named for what happened
    """No answer. `sent` is False only if it is certain that not a byte left this machine.

    `reused` says that it happened on a kept-alive connection before any byte of an answer.
    """

    def __init__(self, reason: str, *, sent: bool, reused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.reused = reused


class SendRefused(Exception):  # noqa: N818 - named for what happened
    """`before_send` raised (see the cause); nothing was sent."""


class Transport(Protocol):
    """What a client needs of the network; used by several threads at once."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer to the request. Raises TransportFailed or SendRefused."""

    def close(self) -> None:
        """Kept-alive connections are closed; a later `send` opens new ones."""
