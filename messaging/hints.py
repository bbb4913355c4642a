"""Telling the lanes that something is due. A hint may be lost: the dispatcher looks every few seconds."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from solicit_dashboard.redis import get_redis, redis_key

logger = logging.getLogger(__name__)

WAKE_KEY_SECONDS = 30
# How long one question to Redis waits for a hint; less than its connections wait for an answer.
LISTEN_SECONDS = 4
# On the list of hints: no account, but "listen no more".
NOBODY = 0


def shard_of(account_id: int) -> int:
    """The shard that drives this account's lanes."""
    return account_id % int(settings.LANE_SHARDS)


def wake_key(shard: int) -> str:
    """The Redis list on which the driver of a shard waits for account ids."""
    return redis_key("wake", shard)


def wake_lanes_on_commit(account_ids: Iterable[int]) -> None:
    """After the transaction, the drivers of these accounts look for due actions at once."""
    wanted = sorted(set(account_ids))
    transaction.on_commit(lambda: wake_lanes(wanted))


def wake_lanes(account_ids: Iterable[int]) -> None:
    """The drivers of these accounts look for due actions; never fails, for a hint may be lost."""
    try:
        by_shard: defaultdict[int, list[int]] = defaultdict(list)
        for account_id in account_ids:
            by_shard[shard_of(account_id)].append(account_id)
        for shard, ids in by_shard.items():
            _push(shard, ids)
        for shard in sorted(by_shard):
            offer_shard(shard)
    except (RedisError, OperationalError, OSError) as error:
        logger.warning("The lanes could not be woken, the dispatcher will: %s", error)


def stop_listening(shard: int) -> None:
    """Whoever waits on the list of the shard's hints looks up at once; never fails."""
    with contextlib.suppress(RedisError):
        _push(shard, [NOBODY])


class HintListener:
    """Hands in the account ids that are hinted at for one shard, as they come, from its own thread."""

    def __init__(self, shard: int, hand_in: Callable[[int], None]) -> None:
        self._shard = shard
        self._hand_in = hand_in
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="wake", daemon=True)

    def start(self) -> None:
        """From now on hints are taken from the list."""
        self._thread.start()

    def stop(self) -> None:
        """No hint is taken any more that is meant for the next driver; may be called again."""
        if self._ended.is_set():
            return
        self._ended.set()
        stop_listening(self._shard)
        self._thread.join(2.0)

    def _listen(self) -> None:
        key = wake_key(self._shard)
        while not self._ended.is_set():
            try:
                woken = get_redis().blpop([key], timeout=LISTEN_SECONDS)
                if woken and int(woken[1]) != NOBODY:
                    self._hand_in(int(woken[1]))
            except RedisError:
                self._ended.wait(1.0)


def _push(shard: int, account_ids: list[int]) -> None:
    with get_redis().pipeline(transaction=False) as pipe:
        pipe.rpush(wake_key(shard), *account_ids)
        pipe.expire(wake_key(shard), WAKE_KEY_SECONDS)
        pipe.execute()


def offer_shard(shard: int) -> None:
    """A Celery task offers to drive this shard; whoever holds its lease goes on undisturbed."""
    current_app.send_task(
        "messaging.tasks.drive_lanes", args=[shard], queue="lanes", expires=30, retry=False
    )
