"""Who may call when: the limiter that every client must be given, and the retry of 429."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from spapi.operations import Operation


class Limiter(Protocol):
    """Says when a call may be made. One limiter belongs to one seller, application and region.

    After each `acquire` that returned, `answered` is called exactly once.
    """

    def acquire(self, operation: Operation) -> None:
        """Returns when the call may be made, or raises LimitReached.

        Whatever else it raises goes through to the caller; nothing has been sent then.
        """

    def answered(self, operation: Operation, status: int | None, rate_limit: float | None) -> None:
        """Is told how the call ended: its HTTP status, None if no answer came.

        `rate_limit` is Amazon's current rate for the operation in requests per second, None if
        the answer did not name it (Amazon names it on 20x, 400 and 404 only).
        """


class Unlimited(Limiter):
    """Lets every call pass: for a caller that keeps its own buckets."""

    def acquire(self, operation: Operation) -> None:
        return None

    def answered(self, operation: Operation, status: int | None, rate_limit: float | None) -> None:
        return None


@dataclass(frozen=True, slots=True)
class RetryInfo:
    """A 429 that will be answered by another try: of what, in how many seconds.

    `rate` is in requests per second (None where no rate is known), `count` is 1 for the first
    retry of a call.
    """

    operation: str
    delay_seconds: float
    rate: float | None
    count: int


@dataclass(frozen=True, slots=True)
class RateLimiting:
    """Whether a 429 is tried again by the client itself, at most `max_retries` times a call.

    `on_retry` is told before each wait. A 429 is known not to have been carried out, so that a
    POST may be repeated too.
    """

    retry: bool = False
    max_retries: int = 3
    on_retry: Callable[[RetryInfo], None] | None = None
