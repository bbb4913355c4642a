"""Reports that a seller has ordered: what was asked for, and how far Amazon is with it."""

from dataclasses import dataclass

QUEUED = 1.5
MADE = 4.0
"""Seconds after the order at which a report leaves the queue, and at which it is done."""

KEPT = 90 * 86_400
"""Seconds for which Amazon keeps a report."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report as it was ordered at `at`; moments in seconds since 1970.

    `orders` says how many there are to report, `fatal` that Amazon fails at it.
    """

    number: int
    seller: int
    report_type: str
    marketplaces: tuple[str, ...]
    start: float
    end: float
    at: float
    orders: int = 0
    fatal: bool = False

    @property
    def report_id(self) -> str:
        """Amazon's number of the report."""
        return f"{50_000_000 + self.number}"

    @property
    def document_id(self) -> str:
        """Amazon's id of the report's document."""
        return f"amzn1.spdoc.1.4.na.{self.number:08x}-0000-4000-8000-{int(self.at):012x}"

    def status_at(self, at: float) -> str:
        """`processingStatus` of model reports_2021-06-30.json; no data is `CANCELLED`."""
        if at < self.at + QUEUED:
            return "IN_QUEUE"
        if at < self.at + MADE:
            return "IN_PROGRESS"
        if self.fatal:
            return "FATAL"
        return "DONE" if self.orders else "CANCELLED"
