"""What Amazon's list of actions means: for what waits to be sent, and for what is unconfirmed.

An empty list proves little: Amazon's is known to be empty at random, and was once empty for everyone
(https://github.com/amzn/selling-partner-api-models/issues/187 and 4927). For what waits it means
"ask again later"; for what is unconfirmed it counts only when an order of the same account and
marketplace that should be offered is offered in the same minute (the control).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q

from messaging.action_types import ACTION_TYPES
from messaging.classification import describe, wait_after
from messaging.delivery import NO_LOOKS_YET, Job, put_off
from messaging.models import OutgoingAction, OutgoingActionQuerySet
from messaging.services import apply_holds
from messaging.states import WATCHED, Status
from messaging.uploading import FileGoneError
from orders.models import Order
from sellers.models import SellerAccount
from sellers.services import note_trouble
from solicit_dashboard.conflicts import repeats_on_conflict
from spapi import (
    LimitReached,
    OfferedActions,
    Rejected,
    SpApiError,
    Throttled,
    TokenExpired,
)

logger = logging.getLogger(__name__)

# From one look at an unconfirmed action to the next: 2 min after it left, then at about 10 min, 1 h,
# 6 h, and daily.
LOOK_SCHEDULE = (timedelta(minutes=8), timedelta(minutes=50), timedelta(hours=5))
DAILY = timedelta(days=1)
# Two looks that find it offered must lie so far apart, three that do not must span this.
OFFERED_APART = timedelta(minutes=2)
OFFERED_NEEDED = 2
ABSENT_SPAN = timedelta(hours=24)
ABSENT_NEEDED = 3
LOOK_FAILED_AGAIN = timedelta(minutes=1)
# A file that cannot be uploaded is tried after 1, 2, 4 … minutes, and then every hour.
UPLOAD_AGAIN_AT_MOST = timedelta(hours=1)
UPLOAD_FAILED = "A file could not be uploaded"
_SOON_AGAIN = (Throttled, LimitReached, TokenExpired)
# An order that was not offered lets others be the control for so long: longer than a daily look, or
# the same few that Amazon never offers would be asked each day, and those that it does offer never.
CONTROL_RESTS = timedelta(days=3)
NOT_OFFERED = "Amazon does not offer it yet; asked again then"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at Amazon's list for one action's order; `asked_at` (UTC) is no later than the call.

    With `at_upload` it never came to it: the upload of a file failed before, with `answer`.
    """

    job: Job
    answer: OfferedActions | SpApiError
    asked_at: datetime
    at_upload: bool = False

    @property
    def is_offered(self) -> bool:
        """Whether Amazon offers the action for this order now."""
        return isinstance(self.answer, OfferedActions) and self.answer.offers(self.job.kind)

    @property
    def is_absent(self) -> bool:
        """Whether a well-formed list came that does not hold the action."""
        return (
            isinstance(self.answer, OfferedActions)
            and self.answer.well_formed
            and not self.is_offered
        )


def record_looks(looks: Sequence[Look], *, now: datetime) -> list[Job]:
    """Orders know what Amazon offers; what waits and is offered is returned, ready to be claimed.

    What waits and is not offered looks again the next day; what is unconfirmed must go to
    `record_watched` with its control instead. A look that the database will not have costs no other
    one; its action is put off. Raises OperationalError or InterfaceError while the database is away.
    """
    try:
        return _record_looks(looks, now)
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError:
        logger.exception("Looks could not be written together: %s", len(looks))
        if len(looks) == 1:
            put_off(looks[0].job, now)
            return []
        return [job for look in looks for job in record_looks([look], now=now)]


@repeats_on_conflict
def _record_looks(looks: Sequence[Look], now: datetime) -> list[Job]:
    ready = []
    with transaction.atomic(durable=True):
        _mark_offers(looks, now)
        for look in looks:
            job = look.job
            if job.status in WATCHED:
                raise ValueError("A watched action is judged by record_watched.")
            if look.is_offered:
                ready.append(job)
                continue
            if isinstance(look.answer, SpApiError) and note_trouble(job.account, look.answer):
                apply_holds(at=now, account_ids=[job.account.pk])
            action = OutgoingAction.objects.filter(pk=job.action_id, status=Status.QUEUED)
            if look.at_upload:
                _put_off_upload(action, cast(SpApiError, look.answer), now)
                continue
            next_at, reason = _postpone(look, now)
            action.update(look_at=next_at, not_before=next_at, reason=reason, looks=0)
    return ready


def _put_off_upload(action: OutgoingActionQuerySet, error: SpApiError, now: datetime) -> None:
    """The upload is tried again, each time later; or never, when the file is gone.

    `looks`, which counts nothing else of what waits, counts the failures.
    """
    if isinstance(error, FileGoneError):
        reason = f"Not sent: {describe(error)}"
        action.transition(Status.QUEUED, Status.CANCELLED, at=now, reason=reason)
        return
    failures = action.values_list("looks", flat=True).first() or 0
    if isinstance(error, _SOON_AGAIN):
        next_at = now + wait_after(error)
    else:
        next_at = now + min(LOOK_FAILED_AGAIN * 2 ** min(failures, 10), UPLOAD_AGAIN_AT_MOST)
        failures += 1
    action.update(
        looks=failures,
        look_at=next_at,
        not_before=next_at,
        reason=f"{UPLOAD_FAILED}: {describe(error)}",
    )


@repeats_on_conflict
def record_watched(look: Look, *, control_is_offered: bool, now: datetime) -> None:
    """An unconfirmed (or probably sent) solicitation has had one look more, and stands where it leads.

    `control_is_offered`: whether, in the same minute, an order of the same account and marketplace
    that should be offered is. A look that was overtaken by another one, or by the answer itself,
    does not count. Raises ValueError for a message, of which Amazon's list says nothing afterwards.
    """
    if not ACTION_TYPES[look.job.kind].is_solicitation:
        raise ValueError("An unconfirmed message is a person's to decide.")
    action = OutgoingAction.objects.filter(
        # Asked when it was time to, by whoever writes it how late: of two drivers who asked at one
        # moment, the one that hung must not count as a second look.
        pk=look.job.action_id,
        status=look.job.status,
        look_at__lte=look.asked_at,
    )
    with transaction.atomic(durable=True):
        _mark_offers([look], now)
        row = action.values(
            "looks", "offered_looks", "absent_looks", "first_offered_at", "first_absent_at"
        ).first()
        if row is None:
            return
        next_at = now + _next_span(look.job.status, row["looks"])
        if isinstance(look.answer, SpApiError):
            if note_trouble(look.job.account, look.answer) is not None:
                apply_holds(at=now, account_ids=[look.job.account.pk])
            if isinstance(look.answer, Rejected):
                action.update(looks=F("looks") + 1, look_at=next_at)
            else:
                action.update(look_at=_after_error(look.answer, now))
        elif look.is_offered:
            _record_offered(look, row["offered_looks"], row["first_offered_at"], now)
        elif look.is_absent and control_is_offered:
            since = row["first_absent_at"] or now
            absent = row["absent_looks"] + 1
            if (
                look.job.status == Status.UNCONFIRMED
                and absent >= ABSENT_NEEDED
                and look.asked_at - since >= ABSENT_SPAN
            ):
                action.transition(
                    Status.UNCONFIRMED,
                    Status.PROBABLY_SENT,
                    at=now,
                    reason="Amazon no longer offers it, in three looks over a day",
                    look_at=now + DAILY,
                )
                return
            action.update(
                looks=F("looks") + 1,
                absent_looks=absent,
                first_absent_at=since,
                offered_looks=0,
                first_offered_at=None,
                look_at=next_at,
            )
        else:
            action.update(looks=F("looks") + 1, look_at=next_at)


def next_daily_look(job: Job, now: datetime) -> datetime:
    """The next day at a time that is spread out by the action; sooner when the window closes before."""
    spread = timedelta(seconds=(job.action_id * 7919) % (8 * 3600))
    next_at = now + timedelta(hours=20) + spread
    if next_at <= job.not_after:
        return next_at
    return now + max((job.not_after - now) / 2, timedelta(minutes=10))


def control_orders(job: Job, *, now: datetime, limit: int) -> list[str]:
    """Numbers of orders that Amazon should offer now, of the same account and marketplace.

    Those that it did not offer a short while ago come last, the longest rested first: where all were
    empty at random, something must still tell.
    """
    candidates = (
        Order.objects.filter(account=job.account, marketplace_id=job.marketplace_id)
        .eligible(now)
        .unasked()
    )
    resting = Q(is_offered=False, offer_checked_at__gt=now - CONTROL_RESTS)
    found = list(
        candidates.exclude(resting)
        .order_by("-latest_delivery_at")
        .values_list("amazon_order_id", flat=True)[:limit]
    )
    if len(found) < limit:
        found += (
            candidates.filter(resting)
            .order_by("offer_checked_at")
            .values_list("amazon_order_id", flat=True)[: limit - len(found)]
        )
    return found


def record_control(
    account: SellerAccount, order: str, kind: str, answer: OfferedActions, *, now: datetime
) -> None:
    """The order that served as a control says what Amazon offers for it; others serve next time."""
    if answer.well_formed:
        Order.objects.filter(account=account, amazon_order_id=order).update(
            offer_checked_at=now, is_offered=answer.offers(kind)
        )


def _record_offered(
    look: Look, offered: int, first_offered_at: datetime | None, now: datetime
) -> None:
    job = look.job
    since = first_offered_at or now
    if offered + 1 >= OFFERED_NEEDED and look.asked_at - since >= OFFERED_APART:
        OutgoingAction.objects.filter(pk=job.action_id).transition(
            job.status,
            Status.QUEUED,
            at=now,
            reason="It did not happen: Amazon offers it still",
            look_at=now,
            not_before=now,
            **NO_LOOKS_YET,
        )
        return
    OutgoingAction.objects.filter(pk=job.action_id, status=job.status).update(
        looks=F("looks") + 1,
        offered_looks=offered + 1,
        first_offered_at=since,
        absent_looks=0,
        first_absent_at=None,
        look_at=now + OFFERED_APART,
    )


def _mark_offers(looks: Sequence[Look], now: datetime) -> None:
    """The orders say when Amazon was last asked for a review request, and what it answered."""
    looks = [look for look in looks if ACTION_TYPES[look.job.kind].is_solicitation]
    for is_offered in (True, False):
        ids = [
            look.job.order_id
            for look in looks
            if (look.is_offered if is_offered else look.is_absent)
        ]
        if ids:
            Order.objects.filter(pk__in=ids).update(offer_checked_at=now, is_offered=is_offered)


def _postpone(look: Look, now: datetime) -> tuple[datetime, str]:
    """When what waits is looked at again after this look, and why, in words."""
    if look.is_absent:
        return next_daily_look(look.job, now), NOT_OFFERED
    if isinstance(look.answer, OfferedActions):
        return now + LOOK_FAILED_AGAIN, "Amazon's list could not be read: it is malformed"
    reason = f"Amazon's list could not be read: {describe(look.answer)}"
    if isinstance(look.answer, Rejected):
        # Amazon read the question and will say the same in a minute.
        return next_daily_look(look.job, now), reason
    return _after_error(look.answer, now), reason


def _after_error(error: SpApiError, now: datetime) -> datetime:
    if isinstance(error, _SOON_AGAIN):
        return now + wait_after(error)
    return now + LOOK_FAILED_AGAIN


def _next_span(status: Status, looks: int) -> timedelta:
    """From the look after so many earlier ones to the next."""
    if status == Status.UNCONFIRMED and looks < len(LOOK_SCHEDULE):
        return LOOK_SCHEDULE[looks]
    return DAILY
