"""The doors by name. Each brings in everything, every message twice, a step at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from django.utils import timezone

from orders.ingest.due import sync_account
from orders.states import DoorName
from spapi import Unlimited
from tests.doors.csv_files import by_csv
from tests.doors.notifications import by_notifications
from tests.doors.reports import arrivals_and_returns, by_reports
from tests.doors.stage import Stage

Steps = Iterator[None]
# Steps of a door's work: between two of them other doors may do theirs. `chance` shuffles.
DoorSteps = Callable[[Stage, Random], Steps]


def by_polling(stage: Stage, chance: Random) -> Steps:
    """The search for everything, twice, page by page."""
    for _time in range(2):
        since = stage.since
        while True:
            result = sync_account(
                stage.account, now=timezone.now(), since=since, max_pages=1, limiter=Unlimited()
            )
            assert result.error == "", result.error
            yield
            if result.finished:
                break
            since = None


DOORS: dict[DoorName, DoorSteps] = {
    DoorName.POLLING: by_polling,
    DoorName.NOTIFICATIONS: by_notifications,
    DoorName.REPORTS: by_reports,
    DoorName.CSV: by_csv,
}
# What tells of orders that which no other door does (arrivals, returns): done after every run, so
# that the tables can be compared.
BESIDE_ALL: list[DoorSteps] = [arrivals_and_returns]
