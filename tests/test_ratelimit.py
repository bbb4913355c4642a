"""The token buckets in Redis, against a server that runs."""

from __future__ import annotations

import threading
import time

import pytest
from django.test import override_settings
from redis import BlockingConnectionPool, Redis

from solicit_dashboard import ratelimit
from solicit_dashboard.ports import free_port
from solicit_dashboard.ratelimit import RedisLimiter
from solicit_dashboard.redis import get_redis, redis_key
from spapi import OPERATIONS, LimitReached

pytestmark = pytest.mark.usefixtures("redis_empty")

SEARCH = OPERATIONS["searchOrders"]
GET_ORDER = OPERATIONS["getOrder"]


def calls_until_refused(limiter: RedisLimiter, at_most: int = 100) -> tuple[int, float]:
    """How many calls may be made at once, and how many seconds the next has to wait."""
    for count in range(at_most):
        try:
            limiter.acquire(SEARCH)
        except LimitReached as refusal:
            return count, refusal.retry_after or 0.0
    raise AssertionError("never refused")


def test_an_unknown_bucket_is_full_and_then_fills_at_amazons_rate() -> None:
    count, wait = calls_until_refused(RedisLimiter("eu:A1"))
    assert count == SEARCH.burst == 20
    assert 0.99 / SEARCH.rate < wait <= 1 / SEARCH.rate


def test_a_refused_call_takes_nothing() -> None:
    limiter = RedisLimiter("eu:A1")
    calls_until_refused(limiter)
    first = calls_until_refused(limiter)[1]
    assert calls_until_refused(limiter)[1] <= first


def test_tokens_come_back_with_the_servers_time() -> None:
    limiter = RedisLimiter("eu:A1")
    with override_settings(SPAPI_RATE_FACTOR=2000):  # 11 tokens a second
        _count, wait = calls_until_refused(limiter)
        assert wait < 0.1
        time.sleep(wait)
        limiter.acquire(SEARCH)


def test_each_account_and_operation_has_its_own_bucket() -> None:
    calls_until_refused(RedisLimiter("eu:A1"))
    RedisLimiter("eu:A1").acquire(GET_ORDER)
    RedisLimiter("na:A1").acquire(SEARCH)


def test_many_threads_share_one_bucket() -> None:
    passed = []

    def call() -> None:
        limiter = RedisLimiter("eu:A1")
        for _attempt in range(10):
            try:
                limiter.acquire(SEARCH)
            except LimitReached:
                continue
            passed.append(1)

    threads = [threading.Thread(target=call) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == SEARCH.burst


def test_a_429_empties_the_bucket() -> None:
    limiter = RedisLimiter("eu:A1")
    limiter.acquire(SEARCH)
    limiter.answered(SEARCH, 429, None)
    count, wait = calls_until_refused(RedisLimiter("eu:A1"))
    assert count == 0
    assert wait > 0.99 / SEARCH.rate


def test_the_rate_that_amazon_names_is_applied_by_everybody() -> None:
    limiter = RedisLimiter("eu:A1")
    limiter.acquire(SEARCH)
    limiter.answered(SEARCH, 200, 0.5)
    _count, wait = calls_until_refused(RedisLimiter("eu:A1"))
    assert 1.9 < wait <= 2.0


@pytest.mark.parametrize("told", [None, 0.0, -1.0, float("inf"), float("nan"), SEARCH.rate])
def test_a_rate_that_is_none_or_no_news_costs_no_command(told: float | None) -> None:
    limiter = RedisLimiter("eu:A1")
    limiter.acquire(SEARCH)
    before = commands()
    limiter.answered(SEARCH, 200, told)
    limiter.answered(SEARCH, None, None)
    assert commands() == before + 1  # the one that counts
    assert get_redis().hget(redis_key("bucket", "eu:A1", SEARCH.name), "rate") is None


def commands() -> int:
    return int(get_redis().info("stats")["total_commands_processed"])


def test_a_known_rate_is_stored_once() -> None:
    limiter = RedisLimiter("eu:A1")
    limiter.acquire(SEARCH)
    limiter.answered(SEARCH, 200, 0.5)
    limiter.acquire(SEARCH)
    before = commands()
    limiter.answered(SEARCH, 200, 0.5)
    assert commands() == before + 1


def test_buckets_are_forgotten_when_nobody_calls() -> None:
    limiter = RedisLimiter("eu:A1")
    limiter.acquire(SEARCH)
    key = redis_key("bucket", "eu:A1", SEARCH.name)
    assert 0 < get_redis().ttl(key) <= 24 * 3600
    limiter.answered(GET_ORDER, 429, None)
    assert 0 < get_redis().ttl(redis_key("bucket", "eu:A1", GET_ORDER.name)) <= 24 * 3600


def test_without_redis_no_call_is_made_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Redis(
        connection_pool=BlockingConnectionPool(port=free_port(), socket_connect_timeout=1)
    )
    monkeypatch.setattr(ratelimit, "get_redis", lambda: nobody)
    limiter = RedisLimiter("eu:A1")
    with pytest.raises(LimitReached) as refusal:
        limiter.acquire(SEARCH)
    assert refusal.value.retry_after == ratelimit.REDIS_AWAY_SECONDS
    limiter.answered(SEARCH, 429, 1.0)
