"""What a measurement of pages says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One page: times in milliseconds, and the number of statements that it takes."""

    page: str
    median_ms: float
    p95_ms: float
    queries: int
    limit_ms: float

    @property
    def is_within(self) -> bool:
        """Whether the median keeps the limit that we set ourselves."""
        return self.median_ms <= self.limit_ms


@dataclass(frozen=True)
class Result:
    """All figures of one database."""

    database: str
    orders: int
    fill_seconds: float
    figures: list[Figure]
