"""What a measurement of incoming orders says."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Speed:
    """Orders a second, ours and the database's best (0: not compared)."""

    name: str
    ours: float
    best: float

    @property
    def share(self) -> float:
        """Ours as a part of the best."""
        return self.ours / self.best if self.best else 1.0

    @property
    def is_within(self) -> bool:
        """Whether ours is at least half of the best."""
        return self.share >= LEAST_SHARE


@dataclass(frozen=True)
class Speeds:
    """All of one database."""

    database: str
    orders: int
    items: int
    speeds: list[Speed]
