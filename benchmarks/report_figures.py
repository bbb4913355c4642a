"""What a measurement of a report says."""

from __future__ import annotations

from dataclasses import dataclass

MOST_MB = 200.0


@dataclass(frozen=True)
class ReportFigures:
    """One report on one database: memory in MB (10^6 bytes), before it began and at the most."""

    database: str
    lines: int
    orders: int
    seconds: float
    at_first_mb: float
    peak_mb: float

    @property
    def is_within(self) -> bool:
        """Whether it was read in less memory than it may take."""
        return self.peak_mb < MOST_MB
