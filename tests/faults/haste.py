"""Makes a day pass in a second: the waits of sending and of reconciliation, shortened from outside.

For processes of the rig only. The product's own figures stand in its modules; here each is replaced
by name, and a name that is no longer there is an error, so that nothing stays long unnoticed.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from messaging import classification, delivery, driver, lanes, leases, looks, tasks
from messaging.delivery import Job

DAY = 1.0
# From one look at what is probably sent to the next, which goes on until the window closes: in a long
# run there are hundreds of those, and a lane has only so many looks.
_DAILY = float(os.environ.get("RIG_DAILY_SECONDS", "3"))
_SECONDS: dict[ModuleType, dict[str, Any]] = {
    classification: {"FIRST_LOOK_AFTER": 0.5, "RETRY_AFTER": 0.3, "NEXT_DAY": DAY},
    delivery: {"FIRST_LOOK_AFTER": 0.5},
    looks: {
        "LOOK_SCHEDULE": (0.4, 0.5, 0.6, 0.7, *[DAY] * 12),
        "DAILY": _DAILY,
        "OFFERED_APART": 0.3,
        "ABSENT_SPAN": 1.5,
        "LOOK_FAILED_AGAIN": 0.3,
        "UPLOAD_AGAIN_AT_MOST": 1.5,
        "CONTROL_RESTS": 5 * DAY,
    },
    lanes: {"CONTROL_GOOD_FOR": DAY},
}
_PLAIN: dict[ModuleType, dict[str, float | int]] = {
    leases: {"LEASE_MS": 1_000, "RENEW_SECONDS": 0.4},
    driver: {
        "RENEW_SECONDS": 0.4,
        "FIND_DUE_SECONDS": 0.15,
        "LINGER_SECONDS": 2.0,
        "DATABASE_PAUSE_SECONDS": 0.1,
    },
    tasks: {"DRIVE_SECONDS": 5.0},
}


def make_haste() -> None:
    """This process waits seconds where the product waits minutes and days."""
    for module, figures in _SECONDS.items():
        for name, seconds in figures.items():
            replace(module, name, _span(seconds))
    for module, plain in _PLAIN.items():
        for name, figure in plain.items():
            replace(module, name, figure)
    replace(looks, "next_daily_look", _next_daily_look)


def replace(holder: object, name: str, value: Any) -> None:
    """The name stands for the value from now on; AttributeError when it did not stand for anything."""
    getattr(holder, name)
    setattr(holder, name, value)


def _span(seconds: float | tuple[float, ...]) -> Any:
    if isinstance(seconds, tuple):
        return tuple(timedelta(seconds=one) for one in seconds)
    return timedelta(seconds=seconds)


def _next_daily_look(job: Job, now: datetime) -> datetime:
    return now + timedelta(seconds=DAY)
