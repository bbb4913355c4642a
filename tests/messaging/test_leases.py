"""The lease on a shard: one holder, and nobody believes in it longer than Redis does."""

import pytest
from redis import RedisError

from messaging.clock import Clock
from messaging.leases import LEASE_MS, ShardLease
from solicit_dashboard.redis import get_redis, redis_key

pytestmark = pytest.mark.usefixtures("redis_empty")
SECONDS = LEASE_MS / 1000


class GivenClock(Clock):
    """A clock that stands where the test puts it."""

    def __init__(self) -> None:
        self.at = 1000.0
        super().__init__()

    def monotonic(self) -> float:
        return self.at

    def boottime(self) -> float:
        return self.at


def lease(clock: Clock | None = None, shard: int = 0) -> ShardLease:
    return ShardLease(get_redis(), shard, clock or GivenClock())


def test_one_holds_a_shard_and_another_may_hold_another_shard() -> None:
    first, second = lease(), lease()
    assert first.acquire()
    assert not second.acquire()
    assert first.is_held()
    assert not second.is_held()
    assert lease(shard=1).acquire()


def test_a_lease_is_believed_in_no_longer_than_it_lasts() -> None:
    clock = GivenClock()
    one = lease(clock)
    assert not one.is_held()
    one.acquire()
    clock.at += SECONDS - 0.01
    assert one.is_held()
    clock.at += 0.02
    assert not one.is_held()


def test_redis_forgets_a_lease_that_nobody_renews() -> None:
    lease().acquire()
    remaining = get_redis().pttl(redis_key("shard", 0, "lease"))
    assert 0 < remaining <= LEASE_MS


def test_renewing_extends_the_lease_and_saves_the_state() -> None:
    clock = GivenClock()
    one = lease(clock)
    one.acquire()
    clock.at += 4
    assert one.renew({"1:solicitations": {"at": 5.5}})
    clock.at += SECONDS - 1
    assert one.is_held()
    assert lease().load_state() == {"1:solicitations": {"at": 5.5}}
    assert 0 < get_redis().ttl(redis_key("shard", 0, "state")) <= 3600


def test_the_time_that_a_slow_renewal_took_is_not_counted_as_held() -> None:
    clock = GivenClock()
    one = lease(clock)
    one.acquire()
    real = one._renew

    def slow(**arguments: object) -> object:
        clock.at += 5
        return real(**arguments)

    one._renew = slow  # type: ignore[assignment]
    assert one.renew(None)
    clock.at += 1.01
    assert not one.is_held()


def test_a_lease_that_was_lost_is_not_renewed_and_saves_nothing() -> None:
    loser, winner = lease(), lease()
    loser.acquire()
    get_redis().flushall()
    winner.acquire()
    winner.renew({"whose": "winner"})
    assert not loser.renew({"whose": "loser"})
    assert not loser.is_held()
    assert winner.is_held()
    loser.release({"whose": "loser"})
    assert lease().load_state() == {"whose": "winner"}
    assert not lease().acquire()


def test_a_released_shard_can_be_taken_at_once_with_its_state() -> None:
    one, next_one = lease(), lease()
    one.acquire()
    one.release({"pace": 1})
    assert not one.is_held()
    assert next_one.acquire()
    assert next_one.load_state() == {"pace": 1}


def test_an_empty_redis_has_no_state() -> None:
    assert lease().load_state() == {}


def test_a_state_is_dated_by_the_clock_of_redis() -> None:
    clock = GivenClock()
    seconds, _ = get_redis().time()
    assert abs(lease(clock).server_offset() + clock.at - seconds) < 30


def test_a_redis_that_is_away_is_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    one = lease()

    def away(*_arguments: object, **_options: object) -> None:
        raise RedisError("away")

    monkeypatch.setattr(one._redis, "set", away)
    with pytest.raises(RedisError):
        one.acquire()
    assert not one.is_held()
