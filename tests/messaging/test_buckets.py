"""Pacing: never throttled, and hardly slower than Amazon allows, over a network that jitters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import pace
from benchmarks.pace import MARGIN, AmazonsBucket, Network, World, simulate
from messaging.buckets import Answer, Bucket, LaneLimiter
from messaging.clock import Clock
from spapi import OPERATIONS, LimitReached

OPERATION = OPERATIONS["getSolicitationActionsForOrder"]


def network(seed: int, latency: float, jitter: float, cold: float) -> Network:
    return Network(Random(seed), latency=latency, jitter=jitter, cold=cold)


networks = st.builds(
    network,
    seed=st.integers(0, 2**32),
    latency=st.floats(0, 0.5),
    jitter=st.floats(0, 0.5),
    cold=st.floats(0, 2),
)


@settings(max_examples=60, deadline=None)
@given(
    delay=networks,
    drift=st.floats(-2e-4, 2e-4),
    tokens=st.sampled_from([0, 1, 5]),
)
def test_the_lane_is_never_throttled_and_reaches_its_limit(
    delay: Callable[[], float], drift: float, tokens: int
) -> None:
    """Whatever the network does, whichever clock runs faster, and however full Amazon's bucket is."""
    amazon = AmazonsBucket(1 + drift, 5, tokens)
    world = World(Bucket(rate=1, burst=5, margin=MARGIN, now=0.0), amazon, delay)
    world.run(300)
    world.settle()
    assert amazon.throttled == 0
    assert 300 / world.last_arrival >= 0.97


@settings(max_examples=25, deadline=None)
@given(delay=networks, rate=st.sampled_from([0.5, 2.0, 5.0]), burst=st.sampled_from([1, 2, 5, 10]))
def test_other_rates_and_bursts_are_never_throttled_either(
    delay: Callable[[], float], rate: float, burst: int
) -> None:
    amazon = AmazonsBucket(rate, burst, burst)
    world = World(Bucket(rate=rate, burst=burst, margin=MARGIN, now=0.0), amazon, delay)
    world.run(200)
    world.settle()
    assert amazon.throttled == 0


@settings(max_examples=40, deadline=None)
@given(delay=networks, pauses=st.lists(st.floats(0, 12), min_size=1, max_size=8))
def test_a_lane_that_rests_now_and_then_is_never_throttled(
    delay: Callable[[], float], pauses: list[float]
) -> None:
    """After a rest the full burst leaves at once: the moment at which careless buckets fail."""
    amazon = AmazonsBucket(1, 5, 5)
    world = World(Bucket(rate=1, burst=5, margin=MARGIN, now=0.0), amazon, delay)
    for pause in pauses:
        world.run(7)
        world.settle()
        world.now += pause
    assert amazon.throttled == 0


@settings(max_examples=60, deadline=None)
@given(
    delay=networks,
    driven=st.lists(st.floats(0.5, 12), min_size=2, max_size=6),
    gaps=st.lists(st.floats(0, 9), min_size=6, max_size=6),
    clean=st.lists(st.booleans(), min_size=6, max_size=6),
    late=st.floats(0, 6),
)
def test_hand_overs_and_kills_never_lead_to_a_429(
    delay: Callable[[], float],
    driven: list[float],
    gaps: list[float],
    clean: list[bool],
    late: float,
) -> None:
    """A driver that leaves saves its state. One that is killed saved it some seconds before."""
    amazon = AmazonsBucket(1, 5, 5)
    world = World(Bucket(rate=1, burst=5, margin=MARGIN, now=0.0), amazon, delay)
    for seconds, gap, is_clean in zip(driven, gaps, clean, strict=False):
        world.run(until=world.now + seconds)
        if is_clean:
            world.settle()
        saved, saved_at = world.bucket.dump(world.now), world.now
        if not is_clean:
            world.run(until=saved_at + late)
            # nobody takes the shard before the lease of the dead driver has run out
            gap += max(0.0, saved_at + 6 - world.now)
        world.pass_by(world.now + gap)
        heir = Bucket(rate=1, burst=5, margin=MARGIN, now=world.now)
        heir.restore(saved, age=world.now - saved_at, clean=is_clean, now=world.now)
        world.bucket = heir
    world.run(10)
    world.settle()
    assert amazon.throttled == 0


@pytest.mark.parametrize("drift", pace.DRIFTS)
@pytest.mark.parametrize("rests", [False, True])
def test_twenty_thousand_calls_of_drivers_that_follow_one_another_are_never_throttled(
    drift: float, rests: bool
) -> None:
    """Cold starts, jitter, hand-overs, kills, lost states; a hundred thousand: benchmarks.pace."""
    found = simulate(20_000, drift=drift, seed=1, rests=rests)
    assert found.hand_overs > 300
    assert found.kills > 5
    assert found.throttled == 0
    assert pace.is_fast(found)
    assert (found.share is None) == rests


class CountedFromTheSending(Bucket):
    """A careless bucket: a call is counted when it leaves."""

    now = 0.0

    def next_at(self, now: float) -> float:
        self.now = now
        return self.full_at - (self.burst - 1) * self.interval

    def take(self) -> None:
        super().take()
        self.full_at = max(self.full_at, self.now) + self.interval

    def answered(self, at: float) -> None:
        self.in_flight -= 1


class FullAtFirst(Bucket):
    """A careless bucket: when nothing is known, all is thought to be there."""

    def empty(self, now: float) -> None:
        return None


@pytest.mark.parametrize("careless", [CountedFromTheSending, FullAtFirst])
def test_the_simulation_tells_a_careless_bucket_from_a_careful_one(
    careless: type[Bucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "Bucket", careless)
    assert simulate(20_000, drift=0.0, seed=1, rests=True).throttled > 0


def bucket_at(now: float = 100.0, *, rate: float = 1.0, burst: int = 5) -> Bucket:
    return Bucket(rate=rate, burst=burst, margin=1.0, now=now)


def free_calls(bucket: Bucket, now: float) -> int:
    """How many calls may leave at this moment."""
    number = 0
    while bucket.next_at(now) <= now:
        bucket.take()
        number += 1
    for _ in range(number):
        bucket.give_back()
    return number


def test_an_unknown_bucket_starts_empty_and_fills_to_its_burst() -> None:
    bucket = bucket_at(100.0)
    assert [free_calls(bucket, at) for at in (100.0, 100.9, 101.0, 103.0, 105.0, 999.0)] == [
        0,
        0,
        1,
        3,
        5,
        5,
    ]


def test_a_call_is_counted_from_its_answer_and_until_then_as_if_it_were_answered_now() -> None:
    bucket = bucket_at(0.0)
    bucket.take()
    assert free_calls(bucket, 50.0) == 4
    bucket.answered(50.0)
    assert free_calls(bucket, 50.0) == 4
    assert free_calls(bucket, 51.0) == 5


def test_a_token_given_back_was_never_taken() -> None:
    bucket = bucket_at(0.0)
    bucket.take()
    bucket.give_back()
    assert (bucket.in_flight, free_calls(bucket, 9.0)) == (0, 5)


def test_a_429_empties_the_bucket_and_one_interval_brings_one_call() -> None:
    bucket = bucket_at(0.0)
    bucket.empty(20.0)
    assert [free_calls(bucket, at) for at in (20.0, 20.99, 21.0, 25.0)] == [0, 0, 1, 5]


def test_a_429_never_makes_a_bucket_fuller_than_it_was() -> None:
    bucket = bucket_at(0.0)
    for _ in range(8):
        bucket.take()
    for _ in range(8):
        bucket.answered(0.0)
    before = bucket.next_at(0.0)
    bucket.empty(0.0)
    assert bucket.next_at(0.0) == before


@pytest.mark.parametrize(("rate", "seconds"), [(0.5, 8.0), (2.0, 2.0), (1.0, 4.0)])
def test_another_rate_leaves_as_many_tokens_and_changes_how_fast_they_come(
    rate: float, seconds: float
) -> None:
    bucket = bucket_at(0.0)
    assert free_calls(bucket, 1.0) == 1  # four are missing
    bucket.set_rate(rate, 1.0)
    assert free_calls(bucket, 1.0) == 1
    assert free_calls(bucket, 1.0 + seconds - 0.01) == 4
    assert free_calls(bucket, 1.0 + seconds) == 5


def test_a_named_rate_is_used_with_the_margin() -> None:
    bucket = Bucket(rate=1, burst=5, margin=0.5, now=0.0)
    bucket.set_rate(4.0, 0.0)
    assert bucket.interval == 0.5


@settings(max_examples=25, deadline=None)
@given(delay=networks, rate=st.sampled_from([0.25, 0.5, 3.0]), after=st.integers(1, 40))
def test_a_rate_that_amazon_changes_and_names_is_kept(
    delay: Callable[[], float], rate: float, after: int
) -> None:
    amazon = AmazonsBucket(1, 5, 5)
    world = World(Bucket(rate=1, burst=5, margin=MARGIN, now=0.0), amazon, delay)
    world.run(after)
    world.settle()
    world.bucket.set_rate(rate, world.now)
    amazon.arrives(world.now)  # takes the bucket to this moment at the old rate
    amazon.tokens += 1
    amazon.rate = Fraction(rate)
    world.run(60)
    world.settle()
    assert amazon.throttled == 0


def test_a_clean_state_goes_on_where_it_was_left() -> None:
    bucket = bucket_at(0.0)
    for _ in range(3):
        bucket.take()
        bucket.answered(10.0)
    heir = bucket_at(500.0)
    heir.restore(bucket.dump(10.0), age=1.0, clean=True, now=500.0)
    assert free_calls(heir, 500.0) == free_calls(bucket, 11.0) == 3
    assert heir.interval == bucket.interval


def test_calls_under_way_when_the_state_is_saved_are_counted_in_it() -> None:
    bucket = bucket_at(0.0)
    bucket.take()
    bucket.take()
    heir = bucket_at(10.0)
    heir.restore(bucket.dump(10.0), age=0.0, clean=True, now=10.0)
    assert free_calls(heir, 10.0) == 3


@pytest.mark.parametrize("age", [0.0, 1.0, 6.0, 600.0])
def test_a_state_that_was_not_left_clean_starts_as_if_emptied_now(age: float) -> None:
    """What its driver sent after saving it is not in it, up to the end of the lease."""
    heir = bucket_at(50.0)
    heir.restore(bucket_at(0.0).dump(30.0), age=age, clean=False, now=50.0)
    assert [free_calls(heir, at) for at in (50.0, 51.0, 52.0, 56.0)] == [0, 0, 1, 5]


def test_an_unclean_state_that_is_worse_than_empty_stays_so() -> None:
    bucket = bucket_at(0.0)
    for _ in range(9):
        bucket.take()
    heir = bucket_at(0.0)
    heir.restore(bucket.dump(0.0), age=0.0, clean=False, now=0.0)
    assert heir.next_at(0.0) == bucket.next_at(0.0)


# The limiter that the client sees


def test_a_thread_may_make_the_one_call_whose_token_was_taken() -> None:
    limiter = LaneLimiter(Clock())
    with pytest.raises(LimitReached):
        limiter.acquire(OPERATION)
    limiter.begin()
    limiter.acquire(OPERATION)
    with pytest.raises(LimitReached) as second:
        limiter.acquire(OPERATION)
    assert second.value.retry_after == 1.0
    limiter.begin()
    limiter.end()
    with pytest.raises(LimitReached):
        limiter.acquire(OPERATION)


def test_a_thread_sees_the_answer_to_its_own_call_alone() -> None:
    limiter = LaneLimiter(Clock())
    limiter.begin()
    limiter.acquire(OPERATION)

    def other() -> None:
        limiter.begin()
        limiter.acquire(OPERATION)
        limiter.answered(OPERATION, 429, None)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert limiter.end() is None
    limiter.begin()
    before = Clock().monotonic()
    limiter.answered(OPERATION, 200, 0.5)
    answer = limiter.end()
    assert answer is not None
    assert answer == Answer(at=answer.at, status=200, rate=0.5)
    assert before <= answer.at <= Clock().monotonic()


def test_a_call_that_never_left_has_no_answer() -> None:
    limiter = LaneLimiter(Clock())
    limiter.begin()
    assert limiter.end() is None
