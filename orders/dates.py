"""Between which two moments Amazon promised the delivery, and how we know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeGuard

from orders.states import WindowSource
from spapi import Order, TimeWindow


@dataclass(frozen=True)
class DeliveryWindow:
    """The promised delivery: both moments in UTC, the earliest not after the latest."""

    earliest: datetime
    latest: datetime
    source: WindowSource


# Days from shipping to the promised delivery, when Amazon names no promise. Our estimate; Amazon's
# own sample for solicitations waits in the same way and then asks what is offered.
DAYS_BY_SERVICE_LEVEL: dict[str, tuple[int, int]] = {
    "SAME_DAY": (1, 1),
    "NEXT_DAY": (1, 1),
    "SECOND_DAY": (2, 2),
    "EXPEDITED": (3, 3),
    "PRIORITY": (3, 3),
}
OTHER_DAYS = (2, 7)  # STANDARD, FREE_ECONOMY, SCHEDULED, and words that we do not know

# A date outside of this, counted from the purchase, is no date but a fault in the data. Pre-orders
# may lie far ahead; a promise may be dated by a local midnight before the purchase in UTC.
BEFORE_PURCHASE = timedelta(days=2)
AFTER_PURCHASE = timedelta(days=730)


def delivery_window(order: Order) -> DeliveryWindow | None:
    """The window in which Amazon promised the delivery, or else our estimate; None without any date.

    Amazon promises `deliverByWindow` for seller-fulfilled orders only (Orders API 2026-01-01). For
    the others it is counted from the latest ship-by date, or else from the last known shipping, or
    else from the purchase, by service level. Reversed and absurd dates count as missing; of a
    window with one end, that end is both.
    """
    promised = _sound(order.deliver_by, order)
    if promised is not None:
        return DeliveryWindow(*promised, WindowSource.AMAZON)
    leaves_at = _leaves_at(order)
    if leaves_at is None:
        return None
    first, last = DAYS_BY_SERVICE_LEVEL.get(order.service_level or "", OTHER_DAYS)
    return DeliveryWindow(
        leaves_at + timedelta(days=first),
        leaves_at + timedelta(days=last),
        WindowSource.ESTIMATE,
    )


def _leaves_at(order: Order) -> datetime | None:
    ship_by = _sound(order.ship_by, order)
    if ship_by is not None:
        return ship_by[1]
    shipped = [
        package.shipped_at
        for package in order.packages
        if package.shipped_at is not None and _is_plausible(package.shipped_at, order)
    ]
    if shipped:
        return max(shipped)
    return order.created_at if _is_a_date(order.created_at) else None


def _sound(window: TimeWindow | None, order: Order) -> tuple[datetime, datetime] | None:
    if window is None:
        return None
    earliest, latest = window.earliest or window.latest, window.latest or window.earliest
    if earliest is None or latest is None or earliest > latest:
        return None
    if not (_is_plausible(earliest, order) and _is_plausible(latest, order)):
        return None
    return earliest, latest


def _is_plausible(moment: datetime, order: Order) -> bool:
    if not _is_a_date(moment):
        return False
    if not _is_a_date(order.created_at):
        return True
    return order.created_at - BEFORE_PURCHASE <= moment <= order.created_at + AFTER_PURCHASE


def _is_a_date(moment: datetime | None) -> TypeGuard[datetime]:
    """Whether it can be a moment of an order at all: Amazon's marketplaces are younger than 1995."""
    return moment is not None and 1995 <= moment.year < 2200
