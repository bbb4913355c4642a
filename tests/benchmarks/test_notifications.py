"""The figures of notifications mean what they say; nothing is timed here."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.notification_figures import LIMIT_SECONDS, Shown, times_of


def shown(**facts: Any) -> Shown:
    always: dict[str, Any] = {"messages": 2, "shown": 2, "throttled": 0, "load": 1.0}
    seconds = facts.pop("seconds", [0.2, 0.4])
    times = [times_of("until it is committed", seconds)] if seconds else []
    return Shown("SQLite", latency_ms=150, times=times, **always | facts)


def test_the_median_and_the_slowest_twentieth_are_said_in_milliseconds() -> None:
    found = times_of("shown", [number / 1000 for number in range(101, 0, -1)])
    assert (found.median_ms, found.p95_ms, found.slowest_ms) == (51, 96, 101)
    alone = times_of("shown", [0.25])
    assert (alone.median_ms, alone.p95_ms, alone.slowest_ms) == (250, 250, 250)


@pytest.mark.parametrize(
    "trouble",
    [
        {"shown": 1},
        {"shown": 0, "seconds": []},
        {"throttled": 1},
        {"seconds": [0.2, LIMIT_SECONDS + 0.1]},
    ],
    ids=str,
)
def test_an_order_that_is_not_here_within_a_minute_or_a_429_is_not_within(
    trouble: dict[str, Any],
) -> None:
    assert shown().is_within
    assert not shown(**trouble).is_within
