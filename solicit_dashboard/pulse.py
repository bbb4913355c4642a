"""Whether Redis is there, for the banner of every page: known without waiting for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

GOOD_FOR_SECONDS = 3.0
_PING_SECONDS = 0.5


class Pulse:
    """The last sign of life, for all threads of a process. No page waits while another one asks."""

    def __init__(
        self, ping: Callable[[], None], monotonic: Callable[[], float], now: Callable[[], datetime]
    ) -> None:
        self._ping, self._monotonic, self._now = ping, monotonic, now
        self._asking = threading.Lock()
        self._good_until = float("-inf")
        self._lost_since: datetime | None = None

    def lost_since(self) -> datetime | None:
        """When this process first missed Redis (UTC); None while it answers.

        At most GOOD_FOR_SECONDS old, and as long as an answer takes while another thread asks.
        """
        if self._monotonic() >= self._good_until and self._asking.acquire(blocking=False):
            try:
                self._ask()
            finally:
                self._asking.release()
        return self._lost_since

    def _ask(self) -> None:
        try:
            self._ping()
        except RedisError:
            self._lost_since = self._lost_since or self._now()
        else:
            self._lost_since = None
        self._good_until = self._monotonic() + GOOD_FOR_SECONDS


def ping() -> None:
    """Redis answers, on a connection of its own, within about a second; else RedisError."""
    with Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=_PING_SECONDS,
        socket_timeout=_PING_SECONDS,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        client.ping()


_pulse = Pulse(ping, time.monotonic, timezone.now)


def lost_since() -> datetime | None:
    """When this process first missed Redis (UTC); None while it answers."""
    return _pulse.lost_since()
