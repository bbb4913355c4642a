"""Moments and lengths of time in words: "20 Nov 14:05", "tomorrow 09:00", "4 min ago".

`local` is a moment in the zone of its reader, `now` one in any zone. A list says several moments in
each of its rows, so they are put together from numbers, which is quicker than `strftime`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def exact_words(local: datetime) -> str:
    """To the second, with the zone: "20 November 2026 14:05:10 CET"."""
    return f"{full_day_words(local)} {clock_words(local)}:{local.second:02} {local.tzname()}"


def full_day_words(local: datetime) -> str:
    """The day with its year: "20 November 2026"."""
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def day_words(local: datetime, now: datetime) -> str:
    """The day, with the year when it is another: "20 Nov", "20 Nov 2025"."""
    is_this_year = local.year == now.astimezone(local.tzinfo).year
    return short_day_words(local) if is_this_year else f"{short_day_words(local)} {local.year}"


def short_day_words(local: datetime) -> str:
    """The day without its year: "20 Nov"."""
    return f"{local.day} {_MONTHS[local.month - 1][:3]}"


def clock_words(local: datetime) -> str:
    """The time of day: "14:05"."""
    return f"{local.hour:02}:{local.minute:02}"


def moment_words(at: datetime) -> str:
    """Day and time in the reader's zone: "20 Nov 14:05"."""
    local = timezone.localtime(at)
    return f"{day_words(local, timezone.now())} {clock_words(local)}"


def near_words(at: datetime, now: datetime) -> str:
    """The moment as one says it, in the reader's zone: 14:05:10, tomorrow 09:00, 24 Nov."""
    local = timezone.localtime(at)
    if abs(at - now) < timedelta(minutes=1):
        return f"{clock_words(local)}:{local.second:02}"
    days = (local.date() - now.astimezone(local.tzinfo).date()).days
    if days == 0:
        return clock_words(local)
    if days == 1:
        return f"tomorrow {clock_words(local)}"
    return day_words(local, now)


def relative_words(at: datetime, now: datetime) -> str:
    """How long ago or how soon: "in 26 h", "4 min ago"."""
    span = span_words(abs(at - now))
    return f"in {span}" if at > now else f"{span} ago"


def span_words(span: timedelta) -> str:
    """A length of time in its largest fitting unit: "45 s", "4 min", "26 h", "3 days"."""
    seconds = int(span.total_seconds())
    if seconds >= 72 * 3600:
        return f"{seconds // 86400} days"
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
