from __future__ import annotations

from contextlib import ExitStack

import pytest
from redis import ConnectionError as RedisConnectionError

from messaging.files import slots
from messaging.files.slots import AT_ONCE, TooManyUploadsError, upload_place
from solicit_dashboard.redis import get_redis, redis_key

pytestmark = pytest.mark.usefixtures("redis_empty")


def test_three_at_once_and_the_fourth_when_one_is_done() -> None:
    with ExitStack() as stack:
        for _place in range(AT_ONCE - 1):
            stack.enter_context(upload_place(1))
        with upload_place(1), pytest.raises(TooManyUploadsError, match="3 files of yours"):
            stack.enter_context(upload_place(1))
        with upload_place(1):
            pass
        with upload_place(2):
            pass


def test_a_place_whose_process_died_frees_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(slots.time, "time", lambda: now)
    get_redis().zadd(redis_key("uploads", 1), {f"dead {n}": now + 1 for n in range(AT_ONCE)})
    with pytest.raises(TooManyUploadsError), upload_place(1):
        pass
    now += 2
    with upload_place(1):
        assert get_redis().zcard(redis_key("uploads", 1)) == 1
    assert not get_redis().exists(redis_key("uploads", 1))


def test_an_upload_that_failed_frees_its_place() -> None:
    for _upload in range(AT_ONCE + 1):
        with pytest.raises(ZeroDivisionError), upload_place(1):
            _ = 1 / 0


def test_without_redis_nobody_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise RedisConnectionError

    monkeypatch.setattr(slots, "get_redis", away)
    with ExitStack() as stack:
        for _place in range(AT_ONCE + 1):
            stack.enter_context(upload_place(1))
