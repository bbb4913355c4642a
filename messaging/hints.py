"""Telling the lanes that something is due. A hint may be lost: the dispatcher looks every few seconds."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from solicit_dashboard.redis import get_redis, redis_key

logger = logging.getLogger(__name__)

WAKE_KEY_SECONDS = 30
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
        for account_id in account_ids:
            _push(shard_of(account_id), account_id)
        for shard in sorted({shard_of(account_id) for account_id in account_ids}):
            offer_shard(shard)
    except (RedisError, OperationalError, OSError) as error:
        logger.warning("The lanes could not be woken, the dispatcher will: %s", error)


def stop_listening(shard: int) -> None:
    """Whoever waits on the list of the shard's hints looks up at once; never fails."""
    with contextlib.suppress(RedisError):
        _push(shard, NOBODY)


def _push(shard: int, account_id: int) -> None:
    with get_redis().pipeline(transaction=False) as pipe:
        pipe.rpush(wake_key(shard), account_id)
        pipe.expire(wake_key(shard), WAKE_KEY_SECONDS)
        pipe.execute()


def offer_shard(shard: int) -> None:
    """A Celery task offers to drive this shard; whoever holds its lease goes on undisturbed."""
    current_app.send_task(
        "messaging.tasks.drive_lanes", args=[shard], queue="lanes", expires=30, retry=False
    )
