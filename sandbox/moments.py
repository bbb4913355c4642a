"""Moments as the sandbox keeps them (whole or fractional seconds since 1970, UTC) and writes them."""

from datetime import UTC, datetime

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def to_text(moment: int) -> str:
    """ISO 8601 in UTC to the second, as Amazon's examples have it: 2024-12-25T02:30:00Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_exact_text(moment: float) -> str:
    """ISO 8601 in UTC to the millisecond, for the record of what was received."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def from_text(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 date and time with a zone; ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
