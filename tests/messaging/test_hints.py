"""Hints: ids on a list and an offer to the workers; losing one costs seconds, never an action."""

import queue

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError
from pytest_django import Settings
from redis import RedisError

from messaging import hints
from messaging.hints import (
    NOBODY,
    HintListener,
    offer_shard,
    shard_of,
    stop_listening,
    wake_key,
    wake_lanes,
    wake_lanes_on_commit,
)
from solicit_dashboard.redis import get_redis

pytestmark = pytest.mark.usefixtures("redis_empty")


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    shards: list[int] = []
    monkeypatch.setattr(hints, "offer_shard", shards.append)
    return shards


def woken(shard: int) -> list[int]:
    return [int(one) for one in get_redis().lrange(wake_key(shard), 0, -1)]


def test_an_account_belongs_to_one_shard(settings: Settings) -> None:
    settings.LANE_SHARDS = 3
    assert [shard_of(account) for account in range(1, 7)] == [1, 2, 0, 1, 2, 0]


def test_every_account_wakes_its_driver_and_every_shard_is_offered_once(
    settings: Settings, offered: list[int]
) -> None:
    settings.LANE_SHARDS = 2
    wake_lanes([1, 2, 4])
    assert (woken(0), woken(1)) == ([2, 4], [1])
    assert offered == [0, 1]


def test_hints_that_nobody_takes_are_forgotten(offered: list[int]) -> None:
    wake_lanes([1])
    assert 0 < get_redis().ttl(wake_key(0)) <= 30


@pytest.mark.parametrize("error", [RedisError("away"), OperationalError("away"), OSError("away")])
def test_a_lost_hint_is_no_error(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_shard: int) -> None:
        raise error

    monkeypatch.setattr(hints, "offer_shard", fail)
    wake_lanes([1])


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_request_wakes_nobody(offered: list[int]) -> None:
    with transaction.atomic():
        wake_lanes_on_commit([1])
        transaction.set_rollback(True)
    assert (woken(0), offered) == ([], [])
    with transaction.atomic():
        wake_lanes_on_commit([2, 1, 2])
        assert woken(0) == []
    assert (woken(0), offered) == ([1, 2], [0])


def test_an_offer_is_a_message_of_ids_on_the_lanes_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(
        hints.current_app, "send_task", lambda name, **options: sent.append((name, options))
    )
    offer_shard(3)
    ((name, options),) = sent
    assert name == "messaging.tasks.drive_lanes"
    assert (options["args"], options["queue"]) == ([3], "lanes")
    assert (options["expires"], options["retry"]) == (30, False)


def test_whoever_listens_can_be_told_to_stop_and_a_redis_that_is_away_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop_listening(2)
    assert woken(2) == [NOBODY]
    assert 0 < get_redis().ttl(wake_key(2)) <= 30

    def away() -> None:
        raise RedisError("away")

    monkeypatch.setattr(hints, "get_redis", away)
    stop_listening(2)


def test_a_listener_hands_in_what_is_hinted_at_until_it_is_stopped() -> None:
    heard: queue.SimpleQueue[int] = queue.SimpleQueue()
    listener = HintListener(3, heard.put)
    get_redis().rpush(wake_key(3), 7)
    listener.start()
    assert heard.get(timeout=20) == 7
    get_redis().rpush(wake_key(3), 8)
    assert heard.get(timeout=20) == 8
    listener.stop()
    listener.stop()
    assert heard.empty()  # its own end is no hint
    get_redis().rpush(wake_key(3), 9)
    assert woken(3) == [9]


def test_a_listener_survives_a_redis_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: queue.SimpleQueue[int] = queue.SimpleQueue()
    away = [True]

    def sometimes() -> object:
        if away.pop() if away else False:
            raise RedisError("away")
        return get_redis()

    monkeypatch.setattr(hints, "get_redis", sometimes)
    listener = HintListener(3, heard.put)
    get_redis().rpush(wake_key(3), 7)
    listener.start()
    assert heard.get(timeout=20) == 7
    listener.stop()
