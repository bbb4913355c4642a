"""What a measurement of notifications says."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# What docs/operations.md promises: here within a minute.
LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Times:
    """Milliseconds from the message's arrival in the queue."""

    name: str
    median_ms: float
    p95_ms: float
    slowest_ms: float


@dataclass(frozen=True)
class Shown:
    """One run; `load` is what the machine had to do in the minute before its end."""

    database: str
    messages: int
    shown: int
    throttled: int
    latency_ms: float
    load: float
    times: list[Times]

    @property
    def is_within(self) -> bool:
        """Whether all were shown in time, and Amazon was not asked too often."""
        slowest = max((one.slowest_ms for one in self.times), default=0.0)
        in_time = slowest <= LIMIT_SECONDS * 1000
        return self.shown == self.messages and in_time and self.throttled == 0


def times_of(name: str, seconds: Sequence[float]) -> Times:
    """The figures of at least one time."""
    ordered = sorted(seconds)
    p95 = ordered[round(0.95 * (len(ordered) - 1))]
    found = (statistics.median(ordered), p95, ordered[-1])
    return Times(name, *(round(one * 1000, 1) for one in found))
