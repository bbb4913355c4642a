"""The steps of sending that touch the database: take up, claim, record, sweep.

The order of the one send procedure is kept by `messaging.lanes`: look, claim committed, call,
record. No call is made inside a transaction.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from messaging.action_types import ACTION_TYPES, REVIEW_REQUEST
from messaging.classification import FIRST_LOOK_AFTER
from messaging.models import ActionAttempt, AttemptOutcome, OutgoingAction
from messaging.order_rules import message_refusals, order_allows
from messaging.services import apply_holds, cancel_stopped
from messaging.states import STOPPABLE, WATCHED, Status
from orders.eligibility import ReviewWindow
from orders.models import Order
from orders.states import WAITING_REFUSALS, Refusal
from sellers.models import SellerAccount
from solicit_dashboard.conflicts import repeated_on_conflict
from spapi import Attachment

logger = logging.getLogger(__name__)

PUT_OFF = timedelta(minutes=10)


@dataclass(slots=True)
class Job:
    """What a lane needs to know of a due action; a snapshot, the row decides."""

    action_id: int
    account: SellerAccount
    order_id: int
    amazon_order_id: str
    marketplace_id: str
    kind: str
    status: Status
    priority: int
    not_before: datetime
    not_after: datetime
    opens_at: datetime
    payload: dict[str, Any] = field(default_factory=dict)
    # Its files as Amazon's storage has them, once they are there; see `messaging.uploading`.
    uploads: Uploads | None = None

    @property
    def turn(self) -> tuple[int, datetime, int]:
        """Who goes first: a click before a batch before a rule, then the earliest closing window."""
        return (self.priority, self.not_after, self.action_id)


@dataclass(frozen=True, slots=True)
class Uploads:
    """What a message names its files by, and when the first of them began to go up (UTC)."""

    attachments: tuple[Attachment, ...]
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """An action that this process alone may send, once."""

    job: Job
    attempt_id: int
    had_unconfirmed: bool


def take_up(
    account: SellerAccount,
    api: str,
    *,
    now: datetime,
    limit: int,
    but_not: Collection[int] = (),
    with_files: bool = True,
) -> list[Job]:
    """The next due actions of a lane, in their turn; what our own rules no longer allow is settled.

    Not `with_files`: those without files alone.
    """
    opens_after = ReviewWindow.from_settings().opens_after
    due = OutgoingAction.objects.filter(account=account, api=api).due(now).exclude(pk__in=but_not)
    if not with_files:
        due = due.filter(files=None)
    rows = due.order_by("priority", "not_after", "pk").values_list(
        "pk",
        "order_id",
        "order__amazon_order_id",
        "order__marketplace_id",
        "kind",
        "status",
        "priority",
        "not_before",
        "not_after",
        "order__earliest_delivery_at",
        "payload",
    )[:limit]
    jobs = [
        Job(
            action_id=pk,
            account=account,
            order_id=order_id,
            amazon_order_id=amazon_order_id,
            marketplace_id=marketplace_id,
            kind=kind,
            status=Status(status),
            priority=priority,
            not_before=not_before,
            not_after=not_after,
            opens_at=(earliest or now) + opens_after,
            payload=payload,
        )
        for (
            pk,
            order_id,
            amazon_order_id,
            marketplace_id,
            kind,
            status,
            priority,
            not_before,
            not_after,
            earliest,
            payload,
        ) in rows
    ]
    refused = _settle_refused([job for job in jobs if job.status == Status.QUEUED], now)
    return [job for job in jobs if job.action_id not in refused]


def claim(
    jobs: Sequence[Job], *, now: datetime, worker: str, lease: timedelta | None = None
) -> list[Claimed]:
    """Those of the jobs that are now ours alone to send, each with its attempt written and committed.

    The others were claimed, stopped, put on hold or overtaken by their order's own facts meanwhile.
    A job that the database will not have costs no other one; it is put off. While the database is
    away, OperationalError or InterfaceError: it is not known whether they are claimed, see
    `messaging.doubts`.
    """
    lease = lease or timedelta(seconds=settings.LEASE_SECONDS)
    while jobs:
        try:
            return repeated_on_conflict(partial(_claim, jobs, now, worker, lease))
        except _OvertakenError as error:
            jobs = [job for job in jobs if job.action_id not in error.action_ids]
        except (OperationalError, InterfaceError):
            raise
        except DatabaseError:
            logger.exception("Claims could not be written together: %s", len(jobs))
            if len(jobs) == 1:
                put_off(jobs[0], now)
                return []
            alone = (claim([job], now=now, worker=worker, lease=lease) for job in jobs)
            return [won for claims in alone for won in claims]
    return []


def put_off(job: Job, now: datetime) -> None:
    """What the database will not have is not tried again for a while, so that others get their turn."""
    try:
        OutgoingAction.objects.filter(pk=job.action_id, status=job.status).update(
            look_at=now + PUT_OFF, reason="A fault of ours, see the log; tried again then"
        )
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError:
        logger.exception("Action %s cannot be put off either", job.action_id)


class _OvertakenError(Exception):
    """These were stopped, or refused by their orders, while the claim waited; it was undone."""

    def __init__(self, action_ids: set[int]) -> None:
        super().__init__()
        self.action_ids = action_ids


def _claim(jobs: Sequence[Job], now: datetime, worker: str, lease: timedelta) -> list[Claimed]:
    by_id = {job.action_id: job for job in jobs}
    allowed = OutgoingAction.objects.filter(order_allows({job.kind for job in jobs}, now))
    with transaction.atomic(durable=True):
        ids = (
            allowed.filter(pk__in=by_id)
            .claimable(now)
            .transition(Status.QUEUED, Status.SENDING, at=now, lease_until=now + lease)
        )
        if not ids:
            return []
        earlier = ActionAttempt.objects.filter(
            action__order_id__in=[by_id[pk].order_id for pk in ids]
        )
        numbers: Counter[int] = Counter()
        # of the order, not of the action: an earlier one may have been cancelled since
        unclear: set[tuple[int, str]] = set()
        for action_id, number, order_id, kind, outcome, abandoned_at in earlier.values_list(
            "action_id", "number", "action__order_id", "action__kind", "outcome", "abandoned_at"
        ).order_by():
            numbers[action_id] = max(numbers[action_id], number)
            # given up, and nothing heard of it since: a late answer may have said what it did
            is_forgotten = abandoned_at is not None and not outcome
            if outcome == AttemptOutcome.UNKNOWN or is_forgotten:
                unclear.add((order_id, kind))
        attempts = ActionAttempt.objects.bulk_create(
            [
                ActionAttempt(
                    action_id=pk,
                    number=numbers[pk] + 1,
                    claimed_at=now,
                    worker=worker,
                )
                for pk in ids
            ]
        )
        # A statement that has to wait for a row reads that row anew, and nothing else: a switch, a
        # pause or an exclusion that was committed meanwhile is found only by the next statement.
        standing = set(allowed.filter(pk__in=ids).unstopped().values_list("pk", flat=True))
        if len(standing) < len(ids):
            raise _OvertakenError(set(ids) - standing)
    return [
        Claimed(
            job=job,
            attempt_id=attempt.pk,
            had_unconfirmed=(job.order_id, job.kind) in unclear,
        )
        for attempt in attempts
        for job in [by_id[attempt.action_id]]
    ]


def sweep(now: datetime) -> None:
    """No lease is older than now, no window is over for what still waits, nothing stopped waits on.

    Holds are as they should be.
    """
    actions = OutgoingAction.objects.of_every_account()
    with transaction.atomic():
        actions.filter(lease_until__lt=now).transition(
            Status.SENDING,
            Status.UNCONFIRMED,
            at=now,
            reason="The worker stopped before Amazon's answer was recorded",
            lease_until=None,
            look_at=now + FIRST_LOOK_AFTER,
            **NO_LOOKS_YET,
        )
        # Also those whose action a late 201 of an earlier attempt has moved on.
        ActionAttempt.objects.filter(finished_at=None, abandoned_at=None).exclude(
            action__status=Status.SENDING
        ).update(abandoned_at=now)
    cancel_stopped(at=now)
    for status in sorted(STOPPABLE):
        actions.filter(not_after__lt=now).transition(
            status, Status.EXPIRED, at=now, reason="The window closed before Amazon accepted it"
        )
    # Of an unconfirmed message nothing more will ever be known here: a person decides.
    for status in sorted(WATCHED):
        actions.filter(not_after__lt=now, kind=REVIEW_REQUEST.name).transition(
            status,
            Status.UNRESOLVED,
            at=now,
            reason="The window closed and the outcome was never known",
        )
    apply_holds(at=now)


NO_LOOKS_YET: dict[str, Any] = {
    "looks": 0,
    "offered_looks": 0,
    "absent_looks": 0,
    "first_offered_at": None,
    "first_absent_at": None,
}


def _settle_refused(jobs: Sequence[Job], now: datetime) -> set[int]:
    """The jobs whose order's own rules no longer hold; each is postponed, expired or cancelled."""
    order_ids: dict[bool, list[int]] = {True: [], False: []}
    for job in jobs:
        order_ids[ACTION_TYPES[job.kind].is_solicitation].append(job.order_id)
    refusals: dict[bool, dict[int, Refusal]] = {
        True: Order.objects.filter(pk__in=order_ids[True]).refusals(now),
        False: message_refusals(order_ids[False]),
    }
    settled = set()
    for job in jobs:
        refusal = refusals[ACTION_TYPES[job.kind].is_solicitation].get(job.order_id)
        if refusal is None:
            continue
        settled.add(job.action_id)
        action = OutgoingAction.objects.filter(pk=job.action_id)
        if refusal in WAITING_REFUSALS:
            is_early = refusal == Refusal.TOO_EARLY
            next_at = job.opens_at if is_early else now + timedelta(days=1)
            action.filter(status=Status.QUEUED).update(
                look_at=next_at, not_before=next_at, reason=f"{refusal.label}: looked at again then"
            )
        elif refusal == Refusal.WINDOW_CLOSED:
            action.transition(
                Status.QUEUED,
                Status.EXPIRED,
                at=now,
                reason="The window closed before Amazon accepted it",
            )
        else:
            action.transition(
                Status.QUEUED,
                Status.CANCELLED,
                at=now,
                reason=f"Not sent, the order has changed: {refusal.label.lower()}",
            )
    return settled
