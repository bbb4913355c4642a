"""How fast a lane may go, and so when a queue will be empty."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from messaging.action_types import ActionType
from spapi import OPERATIONS


def sends_per_second(action_type: ActionType) -> float:
    """The published rate of the sending operation, less our margin, in calls per second and account."""
    published: float = OPERATIONS[action_type.send].rate
    return published * settings.SPAPI_RATE_FACTOR * settings.LANE_MARGIN


def finish_time(action_type: ActionType, *, waiting: int, start: datetime) -> datetime:
    """When an account's queue of that length will be empty, if it begins at `start`."""
    return start + timedelta(seconds=waiting / sends_per_second(action_type))
