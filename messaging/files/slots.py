"""At most three uploads of one person at once, over all processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from redis import RedisError

from solicit_dashboard.redis import get_redis, redis_key

AT_ONCE = 3
# Longer than an upload can take: a place whose process died is free again after this.
PLACE_SECONDS = 180


class TooManyUploadsError(Exception):
    """This person uploads as much as one may at once; the message is a sentence for them."""


@contextmanager
def upload_place(user_id: int) -> Iterator[None]:
    """One of the person's places is taken while this is open; without Redis nobody counts.

    Raises TooManyUploadsError when all are taken.
    """
    key, mine, now = redis_key("uploads", user_id), token_hex(8), time.time()
    try:
        with get_redis().pipeline() as steps:
            steps.zremrangebyscore(key, 0, now)
            steps.zadd(key, {mine: now + PLACE_SECONDS})
            steps.zcard(key)
            steps.expire(key, PLACE_SECONDS)
            taken = int(steps.execute()[2])
    except RedisError:
        yield
        return
    try:
        if taken > AT_ONCE:
            raise TooManyUploadsError(
                f"{AT_ONCE} files of yours are on their way. Wait for one, then try again."
            )
        yield
    finally:
        _leave(key, mine)


def _leave(key: str, mine: str) -> None:
    try:
        get_redis().zrem(key, mine)
    except RedisError:
        return  # it frees itself
