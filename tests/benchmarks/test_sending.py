"""The figures of sending mean what they say; nothing is timed here."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from redis import Redis

from benchmarks.sending_figures import (
    BURST,
    Run,
    departure_ms,
    duplicates,
    lines_of,
    over_limit,
    shares,
)
from benchmarks.sending_site import Workers, jitter_rules, running_redis
from sandbox.faults import parse_rules
from sandbox.faults.rules import LIST

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def posts(seller: str, *seconds: float) -> list[dict[str, Any]]:
    return [
        {
            "seller": seller,
            "order_id": f"{seller}-{number}",
            "at": (START + timedelta(seconds=after)).isoformat(),
        }
        for number, after in enumerate(seconds)
    ]


def run(**measured: Any) -> Run:
    always: dict[str, Any] = {"throttled": 0, "duplicates": 0, "peak_rss_mb": 80.0}
    return Run("SQLite", 1, 5, 1, latency_ms=150, jitter_ms=30, **always | measured)


def test_a_lane_that_uses_the_burst_and_then_every_second_has_reached_its_limit() -> None:
    at_the_limit = [0.0] * 5 + [float(second) for second in range(1, 36)]
    assert shares(posts("A", *at_the_limit)) == {"A": 1.0}
    half_as_fast = [2 * second for second in at_the_limit]
    assert shares(posts("A", *at_the_limit) + posts("B", *half_as_fast)) == {"A": 1.0, "B": 0.5}


def test_a_seller_with_no_more_than_a_burst_has_no_share() -> None:
    assert shares(posts("A", 0, 0, 0, 0, 0.1)) == {}


def test_a_small_sellers_time_counts_from_the_release() -> None:
    found = posts("A", *range(300)) + posts("B", *[1.0] * 5, *range(2, 17))
    assert over_limit(found, "B", START.timestamp()) == pytest.approx(16 / 15)


def test_no_more_orders_than_a_burst_are_measured_against_no_limit() -> None:
    found = posts("A", *[0.0] * BURST)
    assert over_limit(found, "A", START.timestamp()) is None
    lines = dict(lines_of(run(asked=5, sent=5, seconds=0.2)))
    assert lines["share of the limit"] == "not met by 5 orders or fewer"
    assert not {"share of the limit, slowest", "share of the limit, mean"} & lines.keys()
    assert not run(asked=5, sent=5).reaches(0.0)
    assert run(slowest_share=0.95).reaches(0.95)
    assert not run(slowest_share=0.94).reaches(0.95)


def test_a_click_is_measured_to_the_leaving_of_its_call() -> None:
    assert departure_ms([400.0, 100.0, 120.0], latency_ms=150) == pytest.approx(45.0)
    lines = dict(lines_of(run(clicks=3, first_call_ms={"median": 45.0})))
    assert lines["click to first call's leaving, median"] == "45.0 ms"
    assert not {"sent", "share of the limit", "CPU per order"} & lines.keys()


def test_a_second_post_for_an_order_is_a_duplicate() -> None:
    assert duplicates(posts("A", 1, 2) + posts("B", 1)) == 0
    assert duplicates(posts("A", 1, 2) + posts("A", 3)) == 1


def test_jitter_is_spread_evenly_from_nothing_to_the_most() -> None:
    rules = parse_rules(jitter_rules(200.0), seed=1)
    chance = Random(1)
    for rule in rules:
        rule.chance = chance
    counts = dict.fromkeys([10, 30, 50, 70, 90, 110, 130, 150, 170, 190], 0)
    for _call in range(5_000):
        fired = next(rule for rule in rules if rule.matches(LIST, None, None) and rule.fires(0.0))
        counts[fired.do["ms"]] += 1
    assert min(counts.values()) > 400
    assert max(counts.values()) < 600
    assert jitter_rules(0.0) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's books are read from /proc")
def test_what_processes_use_is_read_from_the_kernels_books() -> None:
    # the books are kept in whole ticks, which lose some of it
    burn = (
        "import time\nt = time.process_time()\nwhile time.process_time() < t + 0.4: pass\ninput()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", burn], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        workers = Workers([child.pid])
        end = time.monotonic() + 30
        while workers.use().cpu_seconds < 0.3 and time.monotonic() < end:
            time.sleep(0.05)
        use = workers.use()
        assert 0.3 <= use.cpu_seconds < 5
        assert 2 < use.rss_mb <= use.peak_rss_mb < 200
        assert Workers([os.getpid() + 10_000_000]).use().cpu_seconds == 0
    finally:
        child.communicate(b"\n")


def test_the_redis_of_a_measurement_answers_and_is_gone_afterwards(tmp_path: Any) -> None:
    with running_redis(tmp_path) as url:
        assert Redis.from_url(url).ping()
