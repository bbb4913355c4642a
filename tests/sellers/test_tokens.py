"""Access tokens are shared, encrypted, and survive Redis."""

from __future__ import annotations

import multiprocessing
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from redis import BlockingConnectionPool, Redis

from sellers import tokens
from sellers.tokens import RedisTokenStore
from solicit_dashboard.ports import free_port
from solicit_dashboard.redis import get_redis
from spapi import AccessToken

pytestmark = pytest.mark.usefixtures("redis_empty")

CANARY = "Atza|canary-7f3a"
KEY = "digest-of-credentials"


def token(value: str = CANARY, *, lasts: float = 3600) -> AccessToken:
    return AccessToken(value, datetime.now(UTC) + timedelta(seconds=lasts))


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Redis(
        connection_pool=BlockingConnectionPool(port=free_port(), socket_connect_timeout=1)
    )
    monkeypatch.setattr(tokens, "get_redis", lambda: nobody)


def commands() -> int:
    return int(get_redis().info("stats")["total_commands_processed"])


def test_another_process_finds_the_token() -> None:
    ours = token()
    RedisTokenStore().put(KEY, ours)
    assert RedisTokenStore().get(KEY) == ours
    assert RedisTokenStore().get("another key") is None


def test_no_token_stands_in_redis_in_the_clear() -> None:
    RedisTokenStore().put(KEY, token())
    stored = [get_redis().get(name) for name in get_redis().keys("*")]
    assert len(stored) == 1
    assert CANARY.encode() not in stored[0]
    assert b"Atza" not in stored[0]
    assert CANARY not in repr(token())


def test_a_hot_call_asks_redis_nothing() -> None:
    store = RedisTokenStore()
    store.put(KEY, token())
    before = commands()
    for _call in range(100):
        store.get(KEY)
    assert commands() == before + 1  # the one that counts


def test_a_token_near_its_end_gives_way_to_a_newer_one_of_another_process() -> None:
    store = RedisTokenStore()
    store.put(KEY, token("Atza|old", lasts=100))
    newer = token("Atza|new")
    RedisTokenStore().put(KEY, newer)
    assert store.get(KEY) == newer


def test_a_dropped_token_is_gone_for_everybody() -> None:
    store = RedisTokenStore()
    store.put(KEY, token())
    store.drop(KEY)
    assert store.get(KEY) is None
    assert RedisTokenStore().get(KEY) is None
    store.drop(KEY)


def test_dropping_an_old_token_leaves_anothers_new_one() -> None:
    store = RedisTokenStore()
    store.put(KEY, token("Atza|old"))
    newer = token("Atza|new")
    RedisTokenStore().put(KEY, newer)
    store.drop(KEY)
    assert store.get(KEY) == newer


def test_a_token_leaves_redis_when_it_expires() -> None:
    RedisTokenStore().put(KEY, token(lasts=50))
    (name,) = get_redis().keys("*")
    assert 0 < get_redis().ttl(name) <= 50
    RedisTokenStore().put("expired", token(lasts=-5))
    assert len(get_redis().keys("*")) == 1


def test_a_token_of_a_lost_key_is_fetched_anew(caplog: pytest.LogCaptureFixture) -> None:
    RedisTokenStore().put(KEY, token())
    with override_settings(TOKEN_KEYS=("A" * 43 + "=",)):
        assert RedisTokenStore().get(KEY) is None
    assert CANARY not in caplog.text


def test_without_redis_tokens_stay_in_the_process(no_redis: None) -> None:
    store = RedisTokenStore()
    ours = token()
    with store.lock(KEY):
        assert store.get(KEY) is None
        store.put(KEY, ours)
    assert store.get(KEY) == ours
    store.drop(KEY)
    assert store.get(KEY) is None


def test_the_lock_is_held_by_one_of_many_threads_and_stores() -> None:
    inside, most, fetched = 0, 0, []

    def refresh() -> None:
        nonlocal inside, most
        store = RedisTokenStore()
        with store.lock(KEY):
            inside += 1
            most = max(most, inside)
            if store.get(KEY) is None:
                time.sleep(0.01)
                fetched.append(1)
                store.put(KEY, token())
            inside -= 1

    threads = [threading.Thread(target=refresh) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, len(fetched)) == (1, 1)


def test_different_sellers_do_not_wait_for_each_other() -> None:
    store = RedisTokenStore()
    with store.lock("one"), store.lock("two"):
        pass


def test_a_dead_holders_lock_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LOCK_SECONDS", 0.2)
    held = RedisTokenStore().lock(KEY)
    held.__enter__()
    with RedisTokenStore().lock(KEY):
        pass
    held.__exit__(None, None, None)  # too late to release, and no error


def test_a_fork_in_the_middle_of_a_refresh_does_not_lock_the_child() -> None:
    store = RedisTokenStore()

    def child() -> None:
        with store._locks[KEY]:
            pass

    with store.lock(KEY):
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(10)
    assert process.exitcode == 0
