"""The token bucket that paces one operation of one lane, and the limiter that the client sees.

It is the generic cell rate algorithm. Its theory of Amazon's bucket is careful in two ways, both of
which were needed to stay clear of 429 at the full rate: a call is counted from its *answer* (the
request arrived at some moment before that, and Amazon's bucket refills from the arrival), and the
rate is taken a little lower than published (LANE_MARGIN). A bucket of which nothing is known starts
empty.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from messaging.clock import Clock
from spapi import Limiter, LimitReached, Operation


class Bucket:
    """Tokens of one operation. All moments are seconds of one monotonic clock; not thread-safe."""

    def __init__(self, *, rate: float, burst: int, margin: float, now: float) -> None:
        self.margin = margin
        self.burst = burst
        self.interval = 1 / (rate * margin)
        self.in_flight = 0
        # When the bucket would be full again, if nothing more were sent.
        self.full_at = now
        self.empty(now)

    def next_at(self, now: float) -> float:
        """The earliest moment at which another call may leave; in the past when it may leave now.

        Calls in flight are counted as if they were answered at this moment.
        """
        full_at = self.full_at
        if self.in_flight:
            full_at = max(full_at, now) + self.in_flight * self.interval
        return full_at - (self.burst - 1) * self.interval

    def take(self) -> None:
        """A call leaves."""
        self.in_flight += 1

    def give_back(self) -> None:
        """A call that was to leave did not."""
        self.in_flight -= 1

    def answered(self, at: float) -> None:
        """The call that left is over, whatever its answer."""
        self.in_flight -= 1
        self.full_at = max(self.full_at, at) + self.interval

    def empty(self, now: float) -> None:
        """Nothing is left: the state after a 429, and the one to assume when nothing is known."""
        self.full_at = max(self.full_at, now + self.burst * self.interval)

    def set_rate(self, rate: float, now: float) -> None:
        """Amazon named this rate (calls per second); as many tokens are missing as before."""
        interval = 1 / (rate * self.margin)
        missing = max(0.0, self.full_at - now) / self.interval
        self.interval = interval
        self.full_at = now + missing * interval

    def dump(self, now: float) -> list[float]:
        """What another process needs to go on: seconds until full, and the interval."""
        full_at = self.full_at
        if self.in_flight:
            full_at = max(full_at, now) + self.in_flight * self.interval
        return [full_at - now, self.interval]

    def restore(self, saved: list[float], *, age: float, clean: bool, now: float) -> None:
        """Goes on from what was saved `age` seconds ago.

        A state that its owner did not save on leaving (`clean`) misses what was sent after it, until
        the lease ran out a moment ago: the bucket is taken to be empty, with a call under way.
        """
        until_full, self.interval = saved
        self.full_at = now + until_full - age
        if not clean:
            self.full_at = max(self.full_at, now + (self.burst + 1) * self.interval)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call's answer says about the pace: when it came, and Amazon's words on the rate."""

    at: float
    status: int | None
    rate: float | None


class LaneLimiter(Limiter):
    """Lets a thread make the one call whose token its driver has taken, and notes its answer.

    A second call in the same breath (a client that repeats itself) is refused, since nobody took a
    token for it. Thread-safe: each thread sees its own call only.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._local = threading.local()

    def begin(self) -> None:
        """This thread may make one call."""
        self._local.tokens = 1
        self._local.answer = None

    def end(self) -> Answer | None:
        """What came of this thread's call; None when it never left."""
        answer: Answer | None = self._local.answer
        self._local.tokens = 0
        return answer

    def acquire(self, operation: Operation) -> None:
        if not getattr(self._local, "tokens", 0):
            raise LimitReached(retry_after=1.0)
        self._local.tokens -= 1

    def answered(self, operation: Operation, status: int | None, rate_limit: float | None) -> None:
        self._local.answer = Answer(at=self._clock.monotonic(), status=status, rate=rate_limit)
