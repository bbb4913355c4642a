"""What a measurement of sending says, and how it is worked out from the POSTs that Amazon saw.

The share of the limit: with the full burst Amazon lets N calls pass in N - burst seconds (times one
over the rate), and the lane took so long from its first POST's arrival to its last. What the margin
and one answer cost keep it below 1: 0.999 for 300 orders and 150 ms, 0.995 for 40.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

RATE, BURST = 1.0, 5


@dataclass(frozen=True)
class Run:
    """One run. Times are in seconds unless the name says otherwise."""

    database: str
    sellers: int
    orders: int
    workers: int
    latency_ms: float
    jitter_ms: float
    seconds: float
    asked: int
    sent: int
    slowest_share: float
    mean_share: float
    throttled: int
    duplicates: int
    cpu_ms_per_order: float
    cpu_seconds_per_1000: float
    peak_rss_mb: float
    grown_mb_per_1000: float
    redis_commands_per_order: float
    small_over_limit: float | None = None
    first_call_ms: Mapping[str, float] | None = None


def shares(posts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """By seller, what was reached of the limit; sellers with no more than a burst are left out."""
    found = {}
    for seller, moments in _moments(posts).items():
        needed = (len(moments) - BURST) / RATE
        if needed > 0:
            found[seller] = needed / (max(moments) - min(moments))
    return found


def over_limit(posts: Sequence[Mapping[str, Any]], seller: str, released_at: float) -> float:
    """The seller's time from the release to its last POST over what the limit alone needs."""
    moments = _moments(posts)[seller]
    return (max(moments) - released_at) / ((len(moments) - BURST) / RATE)


def duplicates(posts: Sequence[Mapping[str, Any]]) -> int:
    """POSTs for orders for which Amazon had seen one before."""
    return sum(times - 1 for times in Counter(post["order_id"] for post in posts).values())


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return statistics.fmean(values) if values else 0.0


def print_run(run: Run) -> None:
    """The run as a person reads it."""
    print(
        f"\n{run.sellers} sellers, up to {run.orders} orders each, {run.workers} worker(s), {run.database},"
        f" {run.latency_ms:g} ms latency, {run.jitter_ms:g} ms jitter"
    )
    lines = [
        ("share of the limit, slowest", f"{run.slowest_share:.4f}"),
        ("share of the limit, mean", f"{run.mean_share:.4f}"),
        ("429", str(run.throttled)),
        ("duplicate POSTs", str(run.duplicates)),
        ("sent", f"{run.sent} of {run.asked} in {run.seconds:.1f} s"),
        ("CPU per order", f"{run.cpu_ms_per_order:.2f} ms"),
        ("CPU per 1,000 orders", f"{run.cpu_seconds_per_1000:.2f} s"),
        ("peak memory of the workers", f"{run.peak_rss_mb:.0f} MB"),
        ("… grown per 1,000 orders", f"{run.grown_mb_per_1000:.1f} MB"),
        ("Redis commands per order", f"{run.redis_commands_per_order:.2f}"),
    ]
    if run.small_over_limit is not None:
        lines.append(("small seller's time over its limit", f"{run.small_over_limit:.3f}"))
    for name, milliseconds in (run.first_call_ms or {}).items():
        lines.append((f"click to first call, {name}", f"{milliseconds:.1f} ms"))
    for name, value in lines:
        print(f"  {name:<36} {value:>22}")


def _moments(posts: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    moments: defaultdict[str, list[float]] = defaultdict(list)
    for post in posts:
        moments[post["seller"]].append(datetime.fromisoformat(post["at"]).timestamp())
    return moments
