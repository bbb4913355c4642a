"""python -m benchmarks.pace --calls N [--seed S] [--json]

Paces N calls of one lane against an exact model of Amazon's bucket, over a simulated network: no
socket, no waiting. Connections are cold after every start, each way takes up to 1.5 s longer than
the last, the two clocks drift by up to 300 ppm, drivers hand over every 45 s, and some are killed:
their lease has to run out, and the state that they saved last is old, or lost with Redis. Half of the
calls are made by lanes that always have something to do, half by lanes that rest now and then.

Reported are the 429s, and for the first half the share of what Amazon allowed: calls less the burst,
over the rate and the time from the first arrival to the last, that of dead drivers included. The
exit code is 1 when a 429 came or the share is under 0.98.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from random import Random

from messaging.buckets import Bucket

RATE, BURST, MARGIN = 1.0, 5, 0.9995
LEASE_SECONDS, RENEW_SECONDS, DRIVE_SECONDS = 6.0, 2.0, 45.0
KILLED, LOST = 0.04, 0.02  # of the drivers' ends; of the states that they leave
LATENCY, JITTER, COLD = 0.15, 1.5, 2.0  # seconds: both ways, and at most on each way
LONGEST_REST = 12.0
DRIFTS = (-3e-4, 0.0, 3e-4)
GOOD_SHARE = 0.98


class AmazonsBucket:
    """Amazon's own bucket, exactly: it refills by the time of arrival, in fractions."""

    def __init__(self, rate: float, burst: int, tokens: int) -> None:
        self.rate, self.burst = Fraction(rate), burst
        self.tokens, self.at = Fraction(tokens), Fraction(0)
        self.throttled = 0

    def arrives(self, at: float) -> bool:
        """Whether the call that arrives then (seconds, never earlier than the last) may pass."""
        passed = Fraction(at) - self.at
        if passed < 0:
            raise ValueError("calls arrive in the order of time")
        self.tokens = min(Fraction(self.burst), self.tokens + passed * self.rate)
        self.at = Fraction(at)
        if self.tokens < 1:
            self.throttled += 1
            return False
        self.tokens -= 1
        return True


class World:
    """A lane that calls whenever its bucket lets it, and an Amazon at the far end of the network.

    Time is in seconds and only jumps. `delay` gives the length of one way.
    """

    def __init__(self, bucket: Bucket, amazon: AmazonsBucket, delay: Callable[[], float]) -> None:
        self.bucket, self.amazon, self.delay = bucket, amazon, delay
        self.now = 0.0
        self.calls = 0
        self.first_arrival = self.last_arrival = 0.0
        self.driver = 0
        # Moment, number of the call, whose call it is, whether it is the answer, and which one.
        self._events: list[tuple[float, int, int, bool, bool]] = []

    def run(self, calls: int = 10**9, *, until: float = float("inf")) -> None:
        """So many more calls are made, or time is up; their answers may still be under way."""
        wanted = self.calls + calls
        while self.calls < wanted:
            while self.calls < wanted and self.bucket.next_at(self.now) <= self.now:
                self.bucket.take()
                self.calls += 1
                self._later(self.now + self.delay(), self.driver)
            moment = self.bucket.next_at(self.now)
            if self._events:
                moment = min(moment, self._events[0][0])
            if moment > until:
                self.now = max(self.now, until)
                return
            self._go_to(moment)

    def settle(self) -> None:
        """All answers have come."""
        while self._events:
            self._go_to(self._events[0][0])

    def rest(self, until: float) -> None:
        """The driver has nothing to do until then; answers still come."""
        while self._events and self._events[0][0] <= until:
            self._go_to(self._events[0][0])
        self.now = max(self.now, until)

    def pass_by(self, until: float) -> None:
        """The driver is gone: nobody calls until then, and what is under way still arrives."""
        self.driver += 1
        self.rest(until)

    def _go_to(self, moment: float) -> None:
        self.now = max(self.now, moment)
        while self._events and self._events[0][0] <= self.now:
            at, _, driver, is_answer, accepted = heapq.heappop(self._events)
            if not is_answer:
                self.first_arrival = self.first_arrival or at
                self.last_arrival = at
                self._later(at + self.delay(), driver, answer=self.amazon.arrives(at))
            elif driver == self.driver:
                self.bucket.answered(at)
                if not accepted:
                    self.bucket.empty(at)

    def _later(self, at: float, driver: int, *, answer: bool | None = None) -> None:
        event = (at, self.calls, driver, answer is not None, bool(answer))
        heapq.heappush(self._events, event)


class Network:
    """Gives the length of one way; the first few after each start take longer (connections, TLS)."""

    def __init__(self, chance: Random, *, latency: float, jitter: float, cold: float) -> None:
        self._chance = chance
        self._latency, self._jitter, self._cold = latency, jitter, cold
        self.start()

    def start(self, jitter: float | None = None) -> None:
        """A process has started: it has no connections, and perhaps another network."""
        self._used = 0
        self._jitter = self._jitter if jitter is None else jitter

    def __call__(self) -> float:
        self._used += 1
        extra = self._cold * self._chance.random() if self._used <= 10 else 0.0
        return self._latency / 2 + self._jitter * self._chance.random() + extra


@dataclass(frozen=True)
class Pace:
    """What a simulation found; `drift` is how much faster Amazon's clock runs."""

    calls: int
    drift: float
    rests: bool
    hand_overs: int
    kills: int
    throttled: int
    share: float | None


def simulate(calls: int, *, drift: float, seed: int, rests: bool = False) -> Pace:
    """So many calls by drivers that follow one another; the last ones' answers have come.

    With `rests`, the queue runs dry now and then; the share is then not known.
    """
    chance = Random(seed)
    network = Network(chance, latency=LATENCY, jitter=JITTER, cold=COLD)
    amazon = AmazonsBucket(RATE * (1 + drift), BURST, BURST)
    world = World(_new_bucket(0.0), amazon, network)
    hand_overs = kills = 0
    while world.calls < calls:
        ends_at = world.now + DRIVE_SECONDS
        while rests and world.now < ends_at and world.calls < calls:
            world.run(min(chance.randint(1, 12), calls - world.calls), until=ends_at)
            world.rest(min(world.now + LONGEST_REST * chance.random(), ends_at))
        world.run(calls - world.calls, until=ends_at)
        if world.calls >= calls:
            break
        clean = chance.random() >= KILLED
        if clean:
            hand_overs += 1
            world.settle()
            saved, saved_at = world.bucket.dump(world.now), world.now
            gap = 0.1 * chance.random()
        else:
            kills += 1
            saved, saved_at = world.bucket.dump(world.now), world.now
            world.run(calls - world.calls, until=saved_at + RENEW_SECONDS * chance.random())
            # nobody takes the shard before the dead driver's lease has run out
            gap = LEASE_SECONDS - (world.now - saved_at) + 2 * chance.random()
            network.start(JITTER * chance.random() ** 2)
        world.pass_by(world.now + gap)
        heir = _new_bucket(world.now)
        if chance.random() >= LOST:
            heir.restore(saved, age=world.now - saved_at, clean=clean, now=world.now)
        world.bucket = heir
    world.settle()
    needed = (world.calls - BURST) / (RATE * (1 + drift))
    share = None if rests else needed / (world.last_arrival - world.first_arrival)
    return Pace(world.calls, drift, rests, hand_overs, kills, amazon.throttled, share)


def _new_bucket(now: float) -> Bucket:
    return Bucket(rate=RATE, burst=BURST, margin=MARGIN, now=now)


def main() -> int:
    """Simulates, prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pace",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=100_000, metavar="N", help="all in all")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    each = -(-options.calls // (2 * len(DRIFTS)))
    found = [
        simulate(each, drift=drift, seed=options.seed, rests=rests)
        for rests in (False, True)
        for drift in DRIFTS
    ]
    if options.json:
        print(json.dumps({"paces": [asdict(pace) for pace in found]}))
    else:
        for pace in found:
            print(
                f"{pace.calls:,} calls, drift {pace.drift * 1e6:+.0f} ppm, {pace.hand_overs} "
                f"hand-overs, {pace.kills} kills, {'with' if pace.rests else 'no'} rests:"
                f" {pace.throttled} times 429"
                + (f", share {pace.share:.4f}" if pace.share is not None else "")
            )
    return 1 if any(pace.throttled or not is_fast(pace) for pace in found) else 0


def is_fast(pace: Pace) -> bool:
    """Whether the lane came as near to the limit as it should."""
    return pace.share is None or pace.share >= GOOD_SHARE


if __name__ == "__main__":
    sys.exit(main())
