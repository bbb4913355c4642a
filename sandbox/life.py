"""The planned life of one order: what happens to it, and when, from purchase to delivery.

Nothing here changes with time. What an order *is* at a moment is read from its plan, so that any
moment, past or future, can be asked about.
"""

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from sandbox.marketplaces import Marketplace
from sandbox.moments import DAY, HOUR, MINUTE

OPENS_AFTER = 5 * DAY
CLOSES_AFTER = 30 * DAY


class Status(StrEnum):
    """`FulfillmentStatus` of Amazon's model orders_2026-01-01.json."""

    PENDING_AVAILABILITY = "PENDING_AVAILABILITY"
    PENDING = "PENDING"
    UNSHIPPED = "UNSHIPPED"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"
    UNFULFILLABLE = "UNFULFILLABLE"


# Days from the last moment of shipping to the promised delivery (earliest, latest). For FBA orders
# this is Amazon's secret: its answers carry no delivery window for them.
TRANSIT_DAYS = {
    "SAME_DAY": (1, 1),
    "NEXT_DAY": (1, 1),
    "SECOND_DAY": (2, 2),
    "EXPEDITED": (3, 3),
    "PRIORITY": (3, 3),
}
OTHER_TRANSIT_DAYS = (2, 7)

_FBA_SERVICES = ("STANDARD", "NEXT_DAY", "SECOND_DAY", "EXPEDITED", "SAME_DAY", "PRIORITY")
_FBA_WEIGHTS = (45, 20, 15, 10, 5, 5)
_FBM_SERVICES = ("STANDARD", "EXPEDITED", "FREE_ECONOMY")
_FBM_WEIGHTS = (75, 15, 10)


@dataclass(frozen=True, slots=True)
class Life:
    """One order's plan; all moments in whole seconds since 1970, UTC.

    `promise` is what Amazon counts its window from, `shown` whether its answers carry it.
    `replaces` is the number of the order that this one replaces. `updates` are all moments at which
    Amazon's `lastUpdatedTime` moves.
    """

    number: int
    marketplace: Marketplace
    purchased: int
    by_amazon: bool
    on_amazon: bool
    service: str
    programs: tuple[str, ...]
    subscribed: bool
    ship_by: tuple[int, int]
    promise: tuple[int, int]
    statuses: tuple[tuple[int, Status], ...]
    updates: tuple[int, ...]
    shipped: int | None
    delivered: int | None
    undeliverable: bool
    cancel_asked: int | None
    cancelled_by: str
    replaces: int | None

    @property
    def opens(self) -> int:
        """First moment at which Amazon takes a solicitation: earliest promise and 5 days."""
        return self.promise[0] + OPENS_AFTER

    @property
    def closes(self) -> int:
        """Last moment at which Amazon takes a solicitation: latest promise and 30 days."""
        return self.promise[1] + CLOSES_AFTER

    @property
    def fulfilled_by(self) -> str:
        """`fulfilledBy` of Amazon's model."""
        return "AMAZON" if self.by_amazon else "MERCHANT"

    def status_at(self, at: float) -> Status:
        """The order's status at a moment not before its purchase."""
        current = self.statuses[0][1]
        for since, status in self.statuses:
            if since > at:
                break
            current = status
        return current

    def updated_at(self, at: float) -> int:
        """`lastUpdatedTime` as it reads at a moment not before the purchase."""
        return self.updates[bisect_right(self.updates, at) - 1]


def plan_life(
    chance: Random,
    number: int,
    purchased: int,
    marketplaces: tuple[Marketplace, ...],
    earlier: "Life | None",
) -> Life:
    """The life of the order bought at `purchased`; `earlier` is one that it may replace."""
    replaces = earlier is not None and chance.random() < 0.03
    weights = [6, 4, 3, 2, 2, 1][: len(marketplaces)]
    [marketplace] = chance.choices(marketplaces[: len(weights)], weights)
    if replaces and earlier is not None:
        marketplace = earlier.marketplace
    on_amazon = replaces or chance.random() >= 0.02
    by_amazon = chance.random() < 0.6 or not on_amazon
    if by_amazon:
        [service] = chance.choices(_FBA_SERVICES, _FBA_WEIGHTS)
    else:
        [service] = chance.choices(_FBM_SERVICES, _FBM_WEIGHTS)
    ship_by = _ship_by(chance, purchased, marketplace, by_amazon)
    statuses, cancel_asked, cancelled_by = _statuses(
        chance, purchased, ship_by[1], by_amazon, on_amazon
    )
    shipped = next((at for at, status in statuses if status is Status.SHIPPED), None)
    delivered = None if shipped is None else shipped + int(chance.uniform(0.6, 5) * DAY)
    updates = {at for at, _ in statuses}
    if cancel_asked is not None:
        updates.add(cancel_asked)
    if delivered is not None and not by_amazon:
        updates.add(delivered)  # only packages of the seller's own shipping are seen to arrive
    return Life(
        number=number,
        marketplace=marketplace,
        purchased=purchased,
        by_amazon=by_amazon,
        on_amazon=on_amazon,
        service=service,
        programs=_programs(chance, by_amazon, on_amazon),
        subscribed=by_amazon and on_amazon and not replaces and chance.random() < 0.08,
        ship_by=ship_by,
        promise=_promise(ship_by, service, by_amazon),
        statuses=tuple(statuses),
        updates=tuple(sorted(updates)),
        shipped=shipped,
        delivered=delivered,
        undeliverable=not by_amazon and chance.random() < 0.01,
        cancel_asked=cancel_asked,
        cancelled_by=cancelled_by,
        replaces=earlier.number if replaces and earlier is not None else None,
    )


def _ship_by(
    chance: Random, purchased: int, marketplace: Marketplace, by_amazon: bool
) -> tuple[int, int]:
    """From the start of the purchase's day to the end of a later one, in the marketplace's time."""
    offset = marketplace.utc_offset * HOUR
    midnight = (purchased + offset) // DAY * DAY - offset
    days = chance.choice((0, 1, 1)) if by_amazon else chance.choice((1, 2, 2))
    latest = midnight + (days + 1) * DAY - 1
    if latest < purchased + 2 * HOUR:
        latest += DAY
    return midnight, latest


def _promise(ship_by: tuple[int, int], service: str, by_amazon: bool) -> tuple[int, int]:
    """FBA: days after the latest shipping; FBM: whole days, as `deliverByWindow` shows them."""
    least, most = TRANSIT_DAYS.get(service, OTHER_TRANSIT_DAYS)
    earliest, latest = ship_by[1] + least * DAY, ship_by[1] + most * DAY
    if by_amazon:
        return earliest, latest
    return earliest - DAY + 1, latest


def _statuses(
    chance: Random, purchased: int, ship_latest: int, by_amazon: bool, on_amazon: bool
) -> tuple[list[tuple[int, Status]], int | None, str]:
    """The course of an order, the moment at which the buyer asked to cancel, and who cancelled."""
    course = [(purchased, Status.PENDING)]
    ready = purchased + int(chance.uniform(20, 50) * MINUTE)
    fate = chance.random()
    if fate < 0.005:
        course[0] = (purchased, Status.PENDING_AVAILABILITY)
        course.append((purchased + int(chance.uniform(1, 9) * HOUR), Status.PENDING))
        ready = course[-1][0] + int(chance.uniform(20, 50) * MINUTE)
    course.append((ready, Status.UNSHIPPED))
    if not on_amazon and fate > 0.8:
        course.append((ready + HOUR, Status.UNFULFILLABLE))
        return course, None, ""
    cancel_asked = None
    if 0.01 < fate < 0.06:
        who = chance.choice(("BUYER", "BUYER", "MERCHANT", "AMAZON"))
        if who == "BUYER":
            cancel_asked = ready + int(chance.uniform(5, 50) * MINUTE)
        cancelled = (cancel_asked or ready) + int(chance.uniform(5, 90) * MINUTE)
        if who != "BUYER" or chance.random() < 0.8:
            return [*course, (cancelled, Status.CANCELLED)], cancel_asked, who
    # Later than any request to cancel: a parcel that has left cannot be called back.
    soonest = (cancel_asked or ready) + HOUR
    shipped = max(soonest, int(ship_latest - chance.uniform(0.02, 0.9) * DAY))
    if not by_amazon and chance.random() < 0.04:
        shipped = ship_latest + int(chance.uniform(0.1, 2) * DAY)
    if not by_amazon and chance.random() < 0.06:
        course.append((shipped, Status.PARTIALLY_SHIPPED))
        shipped += int(chance.uniform(0.3, 1.5) * DAY)
    return [*course, (shipped, Status.SHIPPED)], cancel_asked, ""


def _programs(chance: Random, by_amazon: bool, on_amazon: bool) -> tuple[str, ...]:
    programs = []
    if on_amazon and chance.random() < 0.07:
        programs.append("AMAZON_BUSINESS")
    if on_amazon and by_amazon and chance.random() < 0.65:
        programs.append("PRIME")
    if on_amazon and not by_amazon and chance.random() < 0.05:
        programs.append("FBM_SHIP_PLUS")
    return tuple(programs)
