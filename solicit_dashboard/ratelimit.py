"""Amazon's token buckets, kept in Redis for every call that no lane makes.

Amazon counts per application, selling partner, region and operation
(https://developer-docs.amazon.com/sp-api/docs/usage-plans-and-rate-limits). One Lua script on the
server's clock takes the tokens, so that processes and machines share a bucket. Unknown state is
a full bucket: these calls are few, and a lane, which runs at the limit, keeps buckets of its own.
"""

from __future__ import annotations

import math

from django.conf import settings
from redis import RedisError

from solicit_dashboard.redis import get_redis, redis_key
from spapi import Limiter, LimitReached, Operation

# How soon to look again when Redis does not answer, in seconds.
REDIS_AWAY_SECONDS = 30.0
# A rate that Amazon told is believed for a day after the last call.
KEEP_SECONDS = 24 * 3600
THROTTLED = 429

# Returns the seconds to wait (0: the token is taken) and the rate that was applied.
_ACQUIRE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local stored = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'rate')
local burst = tonumber(ARGV[2])
local rate = tonumber(stored[3]) or tonumber(ARGV[1])
local tokens = tonumber(stored[1]) or burst
local passed = math.max(0, now - (tonumber(stored[2]) or now))
tokens = math.min(burst, tokens + passed * rate)
local wait = 0
if tokens > 0.999999 then
  tokens = tokens - 1
else
  wait = (1 - tokens) / rate
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(math.max(tonumber(ARGV[3]), burst / rate)))
return {tostring(wait), tostring(rate)}
"""

# Empties the bucket (ARGV[1] = '1') and keeps the rate that Amazon told (ARGV[2], '' for none).
_ANSWERED = """
local time = redis.call('TIME')
if ARGV[1] == '1' then
  local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
  redis.call('HSET', KEYS[1], 'tokens', '0', 'at', string.format('%.6f', now))
end
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'rate', ARGV[2])
end
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[3]))
"""


class RedisLimiter(Limiter):
    """Lets a call pass while the account's bucket for the operation holds a token; never sleeps.

    `account_key` names the selling partner and region (`sellers.clients.account_key`). Safe for
    threads, and for several limiters of the same account in several processes.
    """

    def __init__(self, account_key: str) -> None:
        self._account_key = account_key
        self._rates: dict[str, float] = {}

    def acquire(self, operation: Operation) -> None:
        """A token is taken, or LimitReached says in how many seconds there will be one.

        Without Redis nobody knows what other processes have used up: LimitReached then, too.
        """
        try:
            wait, rate = get_redis().eval(
                _ACQUIRE, 1, self._key(operation), _rate(operation), operation.burst, KEEP_SECONDS
            )
        except RedisError as error:
            raise LimitReached(REDIS_AWAY_SECONDS, "Redis does not answer") from error
        self._rates[operation.name] = float(rate)
        if float(wait) > 0:
            raise LimitReached(float(wait))

    def answered(self, operation: Operation, status: int | None, rate_limit: float | None) -> None:
        """A 429 has emptied the bucket; a rate that Amazon named is applied from now on."""
        throttled = status == THROTTLED
        told = repr(rate_limit) if self._is_news(operation, rate_limit) else ""
        if not (throttled or told):
            return  # mostly: no command at all
        try:
            get_redis().eval(
                _ANSWERED, 1, self._key(operation), "1" if throttled else "0", told, KEEP_SECONDS
            )
        except RedisError:
            # the call itself went well or badly by its own right; the next 429 says it again
            return

    def _is_news(self, operation: Operation, rate_limit: float | None) -> bool:
        if rate_limit is None or not 0 < rate_limit < math.inf:
            return False
        return not math.isclose(rate_limit, self._rates.get(operation.name, 0), rel_tol=1e-6)

    def _key(self, operation: Operation) -> str:
        return redis_key("bucket", self._account_key, operation.name)


def _rate(operation: Operation) -> float:
    return operation.rate * float(settings.SPAPI_RATE_FACTOR)
