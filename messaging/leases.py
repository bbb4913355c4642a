"""The lease on a shard: keeps two drivers from pacing the same lanes.

It only prevents waste and 429s. Whether something is sent twice depends on the claim alone.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from redis import Redis

from messaging.clock import Clock
from solicit_dashboard.redis import redis_key

LEASE_MS = 6_000
RENEW_SECONDS = 2.0
STATE_SECONDS = 3_600

# KEYS: lease, state. ARGV: our token, lease in ms, state (empty: keep), its life in seconds.
# Extends the lease and saves the lanes' state only while the lease is ours.
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4]) end
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3]) end
return redis.call('DEL', KEYS[1])
"""


def is_driven(redis: Redis, shard: int) -> bool:
    """Whether somebody holds the lease of this shard."""
    return bool(redis.exists(_lease_key(shard)))


def _lease_key(shard: int) -> str:
    return redis_key("shard", shard, "lease")


class ShardLease:
    """One driver's hold on one shard. Redis errors go through to the caller."""

    def __init__(self, redis: Redis, shard: int, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._lease_key = _lease_key(shard)
        self._state_key = redis_key("shard", shard, "state")
        self._token = secrets.token_hex(16)
        self._renew = redis.register_script(_RENEW)
        self._release = redis.register_script(_RELEASE)
        self.good_until = 0.0  # boottime seconds

    def acquire(self) -> bool:
        """Whether the shard is ours now."""
        asked_at = self._clock.boottime()
        if not self._redis.set(self._lease_key, self._token, nx=True, px=LEASE_MS):
            return False
        self.good_until = asked_at + LEASE_MS / 1000
        return True

    def is_held(self) -> bool:
        """Whether the shard is ours for certain; asked before every call that leaves."""
        return self._clock.boottime() < self.good_until

    def renew(self, state: dict[str, Any] | None) -> bool:
        """The lease is extended and the state saved, unless the lease was lost."""
        asked_at = self._clock.boottime()
        ours = self._renew(
            keys=[self._lease_key, self._state_key],
            args=[self._token, LEASE_MS, self._encode(state), STATE_SECONDS],
        )
        self.good_until = asked_at + LEASE_MS / 1000 if ours else 0.0
        return bool(ours)

    def release(self, state: dict[str, Any]) -> None:
        """Somebody else may take the shard at once, and goes on from this state."""
        self.good_until = 0.0
        self._release(
            keys=[self._lease_key, self._state_key],
            args=[self._token, self._encode(state), STATE_SECONDS],
        )

    def load_state(self) -> dict[str, Any]:
        """The state that was saved last; empty when there is none."""
        saved = self._redis.get(self._state_key)
        state: dict[str, Any] = json.loads(saved) if saved is not None else {}
        return state

    def server_offset(self) -> float:
        """Redis' clock less our monotonic one, in seconds, so that a state can be dated."""
        return self._server_time() - self._clock.monotonic()

    def _server_time(self) -> float:
        seconds, microseconds = self._redis.time()
        return float(seconds) + float(microseconds) / 1e6

    @staticmethod
    def _encode(state: dict[str, Any] | None) -> str:
        return json.dumps(state, separators=(",", ":")) if state is not None else ""
