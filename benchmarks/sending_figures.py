"""What a measurement of sending says, and how it is worked out from the POSTs that Amazon saw.

The share of the limit: with the full burst Amazon lets N calls pass in N - burst seconds (times one
over the rate), and the lane took so long from its first POST's arrival to its last. What the margin
and one answer cost keep it below 1: 0.999 for 300 orders and 150 ms, 0.995 for 40. A seller with no
more orders than the burst meets no limit and has no share of one.

From a click to its first call: Amazon's stand-in notes a call when it has arrived, one way over the
simulated network after it left. The median of that way, half of the latency, is taken off, so that
the figure is the product's own time. (Nine of ten ways take 0.66 to 1.5 times the median, so that a
single click is known no more exactly than that.)
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

RATE, BURST = 1.0, 5


@dataclass(frozen=True)
class Run:
    """One run. Times are in seconds unless the name says otherwise; what was not measured is None."""

    database: str
    sellers: int
    orders: int
    workers: int
    latency_ms: float
    jitter_ms: float
    throttled: int
    duplicates: int
    peak_rss_mb: float
    asked: int = 0
    sent: int = 0
    seconds: float | None = None
    slowest_share: float | None = None
    mean_share: float | None = None
    cpu_ms_per_order: float | None = None
    cpu_seconds_per_1000: float | None = None
    grown_mb_per_1000: float | None = None
    redis_commands_per_order: float | None = None
    small_over_limit: float | None = None
    clicks: int = 0
    first_call_ms: Mapping[str, float] | None = None

    def reaches(self, share: float) -> bool:
        """Whether every seller reached so much of its limit, as far as they met it."""
        return self.slowest_share is not None and self.slowest_share >= share


def shares(posts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """By seller, what was reached of the limit; sellers with no more than a burst are left out."""
    found = {}
    for seller, moments in _moments(posts).items():
        needed = (len(moments) - BURST) / RATE
        if needed > 0:
            found[seller] = needed / (max(moments) - min(moments))
    return found


def over_limit(posts: Sequence[Mapping[str, Any]], seller: str, released_at: float) -> float | None:
    """The seller's time from the release to its last POST over what the limit alone needs.

    None when the limit alone needs no time: for no more POSTs than a burst.
    """
    moments = _moments(posts)[seller]
    needed = (len(moments) - BURST) / RATE
    return (max(moments) - released_at) / needed if needed > 0 else None


def duplicates(posts: Sequence[Mapping[str, Any]]) -> int:
    """POSTs for orders for which Amazon had seen one before."""
    return sum(times - 1 for times in Counter(post["order_id"] for post in posts).values())


def departure_ms(arrived_after_ms: Sequence[float], latency_ms: float) -> float:
    """The median time from a click to the moment when its first call left, in milliseconds.

    `arrived_after_ms` are the times to the calls' arrivals; `latency_ms` is that of both ways.
    """
    return statistics.median(arrived_after_ms) - latency_ms / 2


def print_run(run: Run) -> None:
    """The run as a person reads it."""
    what = f"{run.clicks} clicks" if run.clicks else f"up to {run.orders} orders each"
    print(
        f"\n{run.sellers} sellers, {what}, {run.workers} worker(s), {run.database},"
        f" {run.latency_ms:g} ms latency, {run.jitter_ms:g} ms jitter"
    )
    for name, value in lines_of(run):
        print(f"  {name:<50} {value:>22}")


def lines_of(run: Run) -> Iterator[tuple[str, str]]:
    """What was measured, each with its name."""
    if run.asked:
        took = f" in {run.seconds:.1f} s" if run.seconds is not None else ""
        yield "sent", f"{run.sent} of {run.asked}{took}"
        if run.slowest_share is None:
            yield "share of the limit", f"not met by {BURST} orders or fewer"
    figures = (
        ("share of the limit, slowest", run.slowest_share, ".4f", ""),
        ("share of the limit, mean", run.mean_share, ".4f", ""),
        ("small seller's time over its limit", run.small_over_limit, ".3f", ""),
        ("429", run.throttled, "d", ""),
        ("duplicate POSTs", run.duplicates, "d", ""),
        ("CPU per order", run.cpu_ms_per_order, ".2f", " ms"),
        ("CPU per 1,000 orders", run.cpu_seconds_per_1000, ".2f", " s"),
        ("peak memory of the workers", run.peak_rss_mb, ".0f", " MB"),
        ("… grown per 1,000 orders", run.grown_mb_per_1000, ".1f", " MB"),
        ("Redis commands per order", run.redis_commands_per_order, ".2f", ""),
    )
    for name, figure, form, unit in figures:
        if figure is not None:
            yield name, f"{figure:{form}}{unit}"
    for name, milliseconds in (run.first_call_ms or {}).items():
        yield f"click to first call's leaving, {name}", f"{milliseconds:.1f} ms"


def _moments(posts: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    moments: defaultdict[str, list[float]] = defaultdict(list)
    for post in posts:
        moments[post["seller"]].append(datetime.fromisoformat(post["at"]).timestamp())
    return moments
