"""Access tokens shared by all processes: encrypted in Redis, with a copy in each process.

Redis is a convenience here. Without it every process refreshes for itself, which Amazon allows.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from redis import RedisError
from redis.exceptions import LockError

from sellers.encryption import SecretUnreadableError, decrypt_secret, encrypt_secret
from solicit_dashboard.redis import get_redis, redis_key
from spapi import AccessToken, TokenStore

logger = logging.getLogger(__name__)

# While our own copy lasts longer than this, Redis is not asked. It must be more than the time
# before its end at which spapi refreshes a token, or we would not notice another's fresh one.
OWN_COPY_LASTS = timedelta(seconds=150)
# A refresh is one HTTP call with a deadline of 45 s: after this the process that began it is dead.
LOCK_SECONDS = 60.0
# How often whoever waits for another process looks again.
LOCK_LOOK_SECONDS = 0.02


class RedisTokenStore(TokenStore):
    """Keeps access tokens where all processes find them. Safe for threads and forks."""

    def __init__(self) -> None:
        self._forget()
        # a lock that another thread held at the fork would never be released in the child
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._own: dict[str, AccessToken] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def get(self, key: str) -> AccessToken | None:
        """The token kept under the key; asks Redis only when our own copy is old or missing."""
        own = self._own.get(key)
        if own is not None and own.expires_at - datetime.now(UTC) > OWN_COPY_LASTS:
            return own
        return self._take_newer(key)

    def put(self, key: str, token: AccessToken) -> None:
        """The token is kept under the key, in Redis until it expires."""
        self._own[key] = token
        seconds = int((token.expires_at - datetime.now(UTC)).total_seconds())
        if seconds <= 0:
            return
        secret = json.dumps({"value": token.value, "expires_at": token.expires_at.isoformat()})
        with contextlib.suppress(RedisError):
            get_redis().set(_token_key(key), encrypt_secret(secret, context=_context(key)), seconds)

    def drop(self, key: str) -> None:
        """The token that this process knew is kept no longer.

        A newer one that another process has put into Redis in the meantime stays.
        """
        own = self._own.pop(key, None)
        shared = self._shared(key)
        if shared is None or own is None or shared.value == own.value:
            with contextlib.suppress(RedisError):
                get_redis().delete(_token_key(key))

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Held by one thread of one process at a time, who sees what the one before has put.

        Whoever waited a minute goes on without it: a second refresh does no harm, a stop would.
        """
        with self._guard:
            own_lock = self._locks[key]
        with own_lock:
            shared_lock = get_redis().lock(
                redis_key("token-lock", key),
                timeout=LOCK_SECONDS,
                blocking_timeout=LOCK_SECONDS,
                sleep=LOCK_LOOK_SECONDS,
            )
            try:
                held = shared_lock.acquire()
            except RedisError:
                held = False
            try:
                if held:
                    # our copy may last long and still be the one that another has just replaced
                    self._take_newer(key)
                yield
            finally:
                if held:
                    # it ran out while we held it, or Redis went away: either way it is gone
                    with contextlib.suppress(LockError, RedisError):
                        shared_lock.release()

    def _take_newer(self, key: str) -> AccessToken | None:
        own, shared = self._own.get(key), self._shared(key)
        if shared is not None and (own is None or shared.expires_at > own.expires_at):
            self._own[key] = shared
            return shared
        return own

    def _shared(self, key: str) -> AccessToken | None:
        try:
            stored = get_redis().get(_token_key(key))
        except RedisError:
            return None
        if not isinstance(stored, bytes):
            return None
        try:
            token = json.loads(decrypt_secret(stored, context=_context(key)))
            return AccessToken(token["value"], datetime.fromisoformat(token["expires_at"]))
        except (SecretUnreadableError, ValueError, KeyError, TypeError):
            logger.warning("A shared access token could not be read; a new one will be fetched.")
            return None


def _token_key(key: str) -> str:
    return redis_key("token", key)


def _context(key: str) -> str:
    return f"access_token:{key}"
