"""What happened before the demonstration began, made out as plans: one for each outgoing action.

Everything agrees with what the sandbox knows: an order that Amazon would still accept is in no plan
but a cancelled one (which leaves it free) or, on an account that is paused, one on hold; an order
that was asked is always in one. A request after the window's end is in none: our own rules would
not have let it out, so that somebody must have tried it in Seller Central.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from messaging.models import AttemptOutcome
from messaging.states import Status
from orders.models import Order
from solicit_dashboard.demo.record import PastRequest

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# Texts of Amazon's 403 (public issue threads), and what we say of each.
REFUSALS = {
    "already_requested": (
        "You have already requested a review for this order.",
        "Refused: already requested",
    ),
    "not_available": (
        "The requested solicitation is not available for this amazonOrderId.",
        "Refused: not available (asked before, or Amazon's own rules)",
    ),
}
LOST = "the connection was reset"
LOST_REASON = f"It left, and no usable answer came: {LOST}"

# How many of each of the rarer states a large account shows.
UNCONFIRMED, PROBABLY_SENT, UNRESOLVED, EXPIRED, CANCELLED, NOT_OFFERED = 3, 3, 3, 8, 6, 4


@dataclass(frozen=True)
class Step:
    """From one state to the next."""

    before: str
    after: Status
    at: datetime
    reason: str = ""
    by_person: bool = False


@dataclass(frozen=True)
class PastAttempt:
    """What came of the one try."""

    at: datetime
    took: timedelta
    outcome: AttemptOutcome
    status_code: int | None = None
    code: str = ""
    message: str = ""
    request_id: str = ""
    body: str = ""


@dataclass(frozen=True)
class Plan:
    """One outgoing action with all that happened to it; moments in UTC."""

    order: Order
    created_at: datetime
    steps: tuple[Step, ...] = ()
    attempt: PastAttempt | None = None
    look_at: datetime | None = None
    looks: int = 0
    offer_checked_at: datetime | None = None
    is_offered: bool = True
    note: str = ""

    @property
    def status(self) -> Status:
        """The state in which it is left."""
        return self.steps[-1].after if self.steps else Status.QUEUED

    @property
    def reason(self) -> str:
        """Why it is in that state."""
        return self.note or (self.steps[-1].reason if self.steps else "")

    @property
    def status_at(self) -> datetime:
        """When that state began."""
        return self.steps[-1].at if self.steps else self.created_at


def plan_past(
    requests: Sequence[PastRequest],
    orders: dict[str, Order],
    *,
    eligible: Iterable[Order],
    closed: Iterable[Order],
    now: datetime,
    is_paused: bool,
) -> list[Plan]:
    """Plans for an account's requests of the past, and for some that came to nothing.

    `orders` by number, `eligible` those that may be asked now and were not, `closed` those whose
    window closed without anybody asking.
    """
    chance = Random(len(orders))  # noqa: S311 - the same past at every first start
    known = [
        (request, orders[request.order_id])
        for request in requests
        if request.order_id in orders and request.at <= _closes(orders[request.order_id])
    ]
    open_windows = [pair for pair in known if _closes(pair[1]) > now + 2 * DAY]
    accepted = sorted(
        (pair for pair in open_windows if pair[0].outcome == "accepted"),
        key=lambda pair: pair[0].at,
        reverse=True,
    )
    # of an account with few orders most should simply have been sent
    rare = min(UNCONFIRMED, len(accepted) // 6)
    unconfirmed = accepted[:rare]
    probably = accepted[3 * rare : 4 * rare]
    ended = [pair for pair in known if pair[0].outcome == "accepted" and _closes(pair[1]) < now]
    unresolved = ended[-min(UNRESOLVED, len(ended) // 6) :] if len(ended) >= 6 else []
    by_hand = [pair for pair in open_windows if pair[0].outcome == "already_requested"]
    not_offered = [] if is_paused else by_hand[:NOT_OFFERED]

    special = {
        request.order_id: make(request, order, now)
        for pairs, make in (
            (unconfirmed, _unconfirmed),
            (probably, _probably_sent),
            (unresolved, _unresolved),
            (not_offered, _not_offered),
        )
        for request, order in pairs
    }
    plans = [
        special.get(request.order_id) or _answered(request, order, chance)
        for request, order in known
    ]
    plans += [_expired(order) for order in list(closed)[:EXPIRED]]
    waiting = list(eligible)
    if is_paused:
        plans += [_held(order, now) for order in waiting[: 2 * CANCELLED]]
        waiting = waiting[2 * CANCELLED :]
    plans += [_cancelled(order, now) for order in waiting[:CANCELLED]]
    return plans


def _answered(request: PastRequest, order: Order, chance: Random) -> Plan:
    took = timedelta(milliseconds=180 + int(chance.expovariate(1 / 140)))
    if request.outcome == "accepted":
        attempt = PastAttempt(
            request.at, took, AttemptOutcome.ACCEPTED, 201, request_id=request.request_id, body="{}"
        )
        return _tried(request, order, attempt, Status.SENT)
    message, reason = REFUSALS[request.outcome]
    attempt = PastAttempt(
        request.at,
        took,
        AttemptOutcome.REJECTED,
        403,
        code="Unauthorized",
        message=message,
        request_id=request.request_id,
        body=f'{{"errors":[{{"code":"Unauthorized","message":"{message}","details":""}}]}}',
    )
    return _tried(request, order, attempt, Status.REFUSED, reason)


def _unconfirmed(request: PastRequest, order: Order, now: datetime) -> Plan:
    plan = _tried(request, order, _lost(request.at), Status.UNCONFIRMED, LOST_REASON)
    since = now - request.at
    looks = 2 if since < HOUR else 3 if since < 7 * HOUR else 4
    return replace(plan, looks=looks, look_at=now + 5 * HOUR)


def _probably_sent(request: PastRequest, order: Order, now: datetime) -> Plan:
    plan = _tried(request, order, _lost(request.at), Status.UNCONFIRMED, LOST_REASON)
    known_at = min(plan.status_at + DAY + HOUR, now - HOUR)
    step = Step(
        Status.UNCONFIRMED,
        Status.PROBABLY_SENT,
        known_at,
        "Amazon no longer offers it, in three looks over a day",
    )
    return replace(plan, steps=(*plan.steps, step), looks=5, look_at=now + 9 * HOUR)


def _unresolved(request: PastRequest, order: Order, now: datetime) -> Plan:
    plan = _tried(request, order, _lost(request.at), Status.UNCONFIRMED, LOST_REASON)
    step = Step(
        Status.UNCONFIRMED,
        Status.UNRESOLVED,
        max(_closes(order), plan.status_at),
        "The window closed and the outcome was never known",
    )
    return replace(plan, steps=(*plan.steps, step), looks=6)


def _not_offered(request: PastRequest, order: Order, now: datetime) -> Plan:
    """Asked by hand in Seller Central: Amazon does not offer it, and does not say why."""
    created_at = min(request.at, now - 3 * HOUR)
    return Plan(
        order,
        created_at,
        look_at=now + 20 * HOUR + timedelta(seconds=order.pk * 7919 % 7200),
        offer_checked_at=now - 2 * HOUR,
        is_offered=False,
        note="Amazon does not offer it yet; asked again then",
    )


def _expired(order: Order) -> Plan:
    created_at, closed_at = _closes(order) - 40 * HOUR, _closes(order)
    return Plan(
        order,
        created_at,
        (
            Step(
                Status.QUEUED,
                Status.EXPIRED,
                closed_at + MINUTE,
                "The window closed before it could be sent",
            ),
        ),
    )


def _cancelled(order: Order, now: datetime) -> Plan:
    created_at = max(now - 30 * HOUR, order.opens_at() or now)
    return Plan(
        order,
        created_at,
        (
            Step(
                Status.QUEUED,
                Status.CANCELLED,
                min(created_at + timedelta(seconds=7), now),
                "Cancelled by {person}",
                by_person=True,
            ),
        ),
    )


def _held(order: Order, now: datetime) -> Plan:
    created_at = now - 5 * HOUR
    return Plan(
        order,
        created_at,
        (
            Step(
                Status.QUEUED,
                Status.HELD,
                created_at,
                "Sending is stopped for this account",
            ),
        ),
        look_at=created_at,
    )


def _tried(
    request: PastRequest, order: Order, attempt: PastAttempt, after: Status, reason: str = ""
) -> Plan:
    created_at = attempt.at - MINUTE
    return Plan(
        order,
        created_at,
        (
            Step(Status.QUEUED, Status.SENDING, attempt.at),
            Step(Status.SENDING, after, attempt.at + attempt.took, reason),
        ),
        attempt,
        look_at=attempt.at,
        offer_checked_at=attempt.at,
    )


def _lost(at: datetime) -> PastAttempt:
    return PastAttempt(at, timedelta(seconds=2), AttemptOutcome.UNKNOWN, message=LOST)


def _closes(order: Order) -> datetime:
    return order.closes_at() or order.purchased_at + 45 * DAY
