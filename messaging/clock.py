"""Which time it is: the database's for due times and leases, the machine's own for pacing."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from django.db import connection


class Clock:
    """The database's clock, read now and then and carried on by the machine's in between.

    Workers whose clocks disagree therefore agree on what is due and whose lease is over.
    """

    def __init__(self) -> None:
        # One value, so that a thread never sees half of a new reading.
        self._reading = (self.boottime(), datetime.now(UTC))

    def synchronise(self) -> None:
        """`now()` follows the database's clock again. Raises a database error when it is away."""
        database_now = read_database_clock()
        self._reading = (self.boottime(), database_now)

    def now(self) -> datetime:
        """The time in UTC, as the database has it."""
        read_at, database_now = self._reading
        return database_now + timedelta(seconds=self.boottime() - read_at)

    def monotonic(self) -> float:
        """Seconds that only run forward, for pacing."""
        return time.monotonic()

    def boottime(self) -> float:
        """Seconds that run on while the machine sleeps, for leases."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()


def read_database_clock() -> datetime:
    """The database's time in UTC; on SQLite, which has none of its own, this machine's."""
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
