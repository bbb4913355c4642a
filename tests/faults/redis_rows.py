"""F14 to F19: a Redis that forgets, dies, falls silent, is full."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from redis.exceptions import OutOfMemoryError

from solicit_dashboard.env import EXIT_CONFIG
from tests.faults.kinds import KINDS
from tests.faults.load import (
    claim_delays,
    first_claim_after,
    keep_busy,
    percentile,
    verdict,
    wait_first,
)
from tests.faults.rig import Rig
from tests.faults.seen import visit
from tests.faults.table import row

PAUSED = "The queue is paused"


FLUSHES = 100


@row("F14", "Redis is flushed every 2 s", "0 twice, 0 lost; due to claimed within 10 s", minutes=4)
def flushed(seed: int) -> str:
    """A hundred times, under load."""
    with Rig(nodes=2, sellers=4, orders=4000, seed=seed) as rig:
        rig.queue(8)
        wait_first(rig)
        begun = time.time()
        flushed_at: list[float] = []

        def flush() -> None:
            if time.time() - begun >= 2 * (len(flushed_at) + 1):
                rig.redis.client().flushall()
                flushed_at.append(time.time())

        keep_busy(rig, 2 * FLUSHES + 1, each=4, meanwhile=flush)
        rig.queue(4)
        first_claim_after(rig, flushed_at[-1])
        said = verdict(rig)
        delays = claim_delays(rig)
        assert len(flushed_at) >= FLUSHES, f"only {len(flushed_at)} flushes"
        assert max(delays) <= 10, f"due to claimed: {max(delays):.1f} s"
        return (
            f"{len(flushed_at)} flushes; due to claimed p50 {percentile(delays, 50):.1f} s,"
            f" p99 {percentile(delays, 99):.1f} s, at most {max(delays):.1f} s; {said}"
        )


@row(
    "F15",
    "Redis killed and away for 60 s, 20 times",
    "0 twice, 0 lost; work goes on by itself; pages stay up and say that the queue is paused",
    minutes=25,
)
def away(seed: int) -> str:
    """It comes back empty. What is asked for meanwhile is queued all the same."""
    return gone([60.0] * 20, seed)


@row("F15q", "Redis killed and away for 2 s", "0 twice, 0 lost; work goes on by itself")
def away_once(seed: int) -> str:
    """The same, once."""
    return gone([2.0], seed)


def gone(outages: list[float], seed: int) -> str:
    """Redis was away for so long each time; how long until the first claim after its return."""
    with Rig(nodes=2, sellers=4, orders=max(800, 100 * len(outages)), seed=seed) as rig:
        return gone_in(rig, outages)


def gone_in(rig: Rig, outages: list[float]) -> str:
    """The same, in a rig with nodes."""
    back: list[float] = []
    for number, seconds in enumerate(outages):
        sent = rig.states()["sent"]
        rig.queue(10, KINDS[number % 2])
        wait_first(rig, sent + 3)
        rig.redis.kill()
        asked = rig.queue(10)
        assert len(asked) == 10, "queued while Redis was away"
        time.sleep(seconds)
        status, words = visit(rig)
        assert (status, PAUSED in words) == (200, True), f"{status} while Redis was away: {words}"
        rig.redis.start()
        rig.queue(4)
        back.append(first_claim_after(rig, time.time()))
    said = verdict(rig)
    return (
        f"{len(outages)} outages; first claim after return: median {percentile(back, 50):.1f} s, "
        f"longest {max(back):.1f} s; Overview {len(outages)} of {len(outages)} times 200 with "
        f"“{PAUSED}”; {said}"
    )


@row("F16", "Redis half open: bytes vanish both ways", "recovered or restarted within 120 s")
def half_open(seed: int) -> str:
    """Connections that stand fall silent for ever; new ones work. The rig is the service manager that
    heeds the health check (/readyz)."""
    with Rig(nodes=2, sellers=4, orders=400, seed=seed, proxied=("redis",)) as rig:
        rig.queue(8)
        wait_first(rig)
        rig.wait_for(lambda: rig.run(_IS_READY), "the health check is content")
        rig.proxies["redis"].forget()
        at = time.time()
        rig.queue(8)
        restarted_after = ""

        def goes_on() -> bool:
            nonlocal restarted_after
            if not restarted_after and not rig.run(_IS_READY):
                restarted_after = f", restarted after {time.time() - at:.0f} s by the health check"
                for node in [*rig.nodes, rig.clock]:
                    node.kill()
                    node.start()
            return rig.is_resolved()

        rig.wait_for(goes_on, "all of the work goes on", seconds=120, every=0.5)
        return f"the last was sent after {time.time() - at:.0f} s{restarted_after}; {verdict(rig)}"


_IS_READY = """
from django.test import RequestFactory
from solicit_dashboard.health import readyz
result = readyz(RequestFactory().get("/readyz")).status_code == 200
"""


@row(
    "F17",
    "10 resets of all connections to Redis in 3 s, 100 times",
    "0 twice, 0 lost; no stall of 30 s",
    minutes=8,
)
def storms(seed: int) -> str:
    """A hundred such storms."""
    return _storms(100, seed)


@row("F17q", "10 resets to Redis in 3 s, once", "0 twice, 0 lost; no stall of 30 s")
def storm(seed: int) -> str:
    """One such storm."""
    return _storms(1, seed)


LASTING_SECONDS = 30  # within which a worker is to notice that its connection is dead
LONG_SECONDS = 2


def _storms(number: int, seed: int) -> str:
    stalls: list[float] = []
    orders = max(800, 40 * number)
    with Rig(nodes=2, sellers=4, orders=orders, seed=seed, proxied=("redis",)) as rig:
        rig.queue(8)
        wait_first(rig)
        for _ in range(number):
            for _reset in range(10):
                rig.proxies["redis"].reset()
                time.sleep(0.3)
            rig.queue(8)
            stalls.append(first_claim_after(rig, time.time(), seconds=120))
        said = verdict(rig)
        lasting = sum(stall > LASTING_SECONDS for stall in stalls)
        assert not lasting, f"{lasting} stalls of over {LASTING_SECONDS} s"
        long = sum(stall > LONG_SECONDS for stall in stalls)
        return (
            f"{number} storms, {lasting} stalls of over {LASTING_SECONDS} s, {long} of over"
            f" {LONG_SECONDS} s; p99 {percentile(stalls, 99):.1f} s, longest {max(stalls):.1f} s; {said}"
        )


@row("F18", "Redis is full (noeviction)", "asking still works, rows stay queued; lost 0")
def full(seed: int) -> str:
    """`maxmemory` of a byte for three seconds."""
    with Rig(nodes=2, sellers=2, orders=400, seed=seed) as rig:
        rig.queue(4)
        wait_first(rig)
        client = rig.redis.client()
        client.config_set("maxmemory", 1)
        with suppress(OutOfMemoryError):
            client.set("rig", "1")
            raise AssertionError("Redis still takes something")
        asked = rig.queue(10)
        assert len(asked) == 10, "queued while Redis was full"
        threading.Event().wait(3)
        at = time.time()
        client.config_set("maxmemory", 0)
        rig.queue(2)
        back = first_claim_after(rig, at)
        return f"10 asked for meanwhile; first claim {back:.1f} s after; {verdict(rig)}"


@row(
    "F19",
    "Redis is set to evict (allkeys-lru)",
    "no worker starts, for lanes or the rest; each says why",
)
def evicting(seed: int) -> str:
    """Neither a worker for lanes nor the one for the rest, with the beat in it, starts then."""
    with Rig(sellers=2, orders=400, seed=seed) as rig:
        rig.queue(4)
        wait_first(rig)
        client = rig.redis.client()
        client.config_set("maxmemory-policy", "allkeys-lru")
        nodes = [*rig.nodes, rig.clock]
        for node in nodes:
            node.kill()
            node.start()
        for node in nodes:
            code = node.wait(30)
            assert code == EXIT_CONFIG, f"exit code {code} of {node.name}"
            assert "its maxmemory-policy is allkeys-lru" in node.log.read_text("utf-8", "replace")
        client.config_set("maxmemory-policy", "noeviction")
        for node in nodes:
            node.start()
        rig.queue(4)
        return f"exit code {EXIT_CONFIG} of both, with the reason; after mending it: {verdict(rig)}"
