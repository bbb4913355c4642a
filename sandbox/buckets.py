"""Amazon's usage plans: one token bucket for each application, selling partner and operation.

Rates and bursts: "usage plans and rate limits" of Amazon's guide and the operations' own tables.
A throttled request takes no token (Amazon does not say; this is the kinder reading).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate` in tokens a second, `burst` the bucket's size."""

    rate: float
    burst: int


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


class Buckets:
    """All buckets; `factor` multiplies every rate and leaves the bursts alone."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}

    def take(self, key: tuple[str, str, str], plan: Plan, now: float) -> bool:
        """Whether a token was there, and taken; `now` in seconds of a clock that never goes back.

        A bucket is full when it is first used and never holds more than the plan's burst.
        """
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(plan.burst, now)
        refill = (now - bucket.filled) * plan.rate * self.factor
        bucket.tokens = min(plan.burst, bucket.tokens + refill)
        bucket.filled = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def shown_rate(self, plan: Plan) -> str:
        """The value of `x-amzn-RateLimit-Limit`: the rate, not what is left."""
        return repr(float(round(plan.rate * self.factor, 6)))
