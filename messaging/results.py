"""What came of a send, written down: kept until it is, once, however late and in whatever company."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.db.models import OuterRef, Subquery

from messaging.action_types import ACTION_TYPES
from messaging.classification import Sendable, Verdict, classify
from messaging.delivery import NO_LOOKS_YET, Claimed, Job
from messaging.models import ActionAttempt, AttemptOutcome, OutgoingAction
from messaging.services import apply_holds
from messaging.states import STOPPABLE, TAKEN, Status
from sellers.services import mark_connection
from solicit_dashboard.conflicts import repeated_on_conflict
from spapi import Accepted, SpApiError

logger = logging.getLogger(__name__)

KEPT_BODY_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class SendResult:
    """What came of a claimed action."""

    claimed: Claimed
    answer: Accepted | SpApiError
    duration_ms: int | None


def record(results: Iterable[SendResult], *, now: datetime) -> None:
    """The attempts are finished and the actions stand where the answers put them; idempotent.

    An answer that comes after the sweeper gave the attempt up changes the action only when it is
    Amazon's acceptance, which is a fact however late it comes. A result that the database will not
    have costs no other one; the sweeper finds its action. Raises OperationalError or InterfaceError
    while the database is away: nothing is written then, and the caller tries again.
    """
    results = list(results)
    try:
        repeated_on_conflict(lambda: _record_together(results, now))
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError:
        logger.exception("Results could not be written together; written one by one")
        for result in results:
            _record_alone(result, now)


def _record_alone(result: SendResult, now: datetime) -> None:
    try:
        repeated_on_conflict(lambda: _record_together([result], now))
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError:
        attempt = result.claimed.attempt_id
        logger.exception("The result of attempt %s could not be written", attempt)


def _record_together(results: Sequence[SendResult], now: datetime) -> None:
    ids = [result.claimed.job.action_id for result in results]
    with transaction.atomic(durable=True):
        # Locked first and in one order, as the sweeper does: neither has to give way to the other.
        locked = OutgoingAction.objects.filter(pk__in=ids).order_by("pk").select_for_update()
        list(locked.values_list("pk"))
        done = _record_accepted(results, now)
        for result in results:
            if result.claimed.attempt_id in done:
                continue
            job = result.claimed.job
            verdict = _judge(result, now)
            is_live = _finish_attempt(result, verdict, now)
            if verdict.status == Status.SENT:
                _mark_sent(result.claimed, now)
            elif is_live:
                _move_on(job, verdict, now)
            if verdict.connection is not None:
                mark_connection(job.account, verdict.connection, verdict.reason)
                apply_holds(at=now, account_ids=[job.account.pk])


def _record_accepted(results: Sequence[SendResult], now: datetime) -> set[int]:
    """The attempts that Amazon accepted and that nobody gave up, written in one go; by their ids.

    Nearly all results are of this kind. Their actions are locked: nobody gives one up meanwhile.
    """
    accepted = {
        result.claimed.attempt_id: result
        for result in results
        if isinstance(result.answer, Accepted)
    }
    still_open = ActionAttempt.objects.filter(
        pk__in=accepted, finished_at=None, abandoned_at=None, action__status=Status.SENDING
    )
    rows = dict(still_open.order_by().values_list("pk", "action_id"))
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.executemany(
            _FINISH,
            [
                (
                    connection.ops.adapt_datetimefield_value(now),
                    AttemptOutcome.ACCEPTED.value,
                    accepted[pk].answer.status,
                    *_kept_words(accepted[pk].answer),
                    accepted[pk].duration_ms,
                    pk,
                )
                for pk in rows
            ],
        )
    accepting = ActionAttempt.objects.filter(action=OuterRef("pk"), pk__in=rows)
    moved = OutgoingAction.objects.filter(pk__in=rows.values()).transition(
        Status.SENDING,
        Status.SENT,
        at=now,
        sent_attempt=Subquery(accepting.values("pk")),
        lease_until=None,
    )
    if len(moved) != len(rows):
        raise AssertionError("A locked action has moved.")
    return set(rows)


# One row after another through one statement: written by the ORM, each would cost more than its call.
_FINISH = (
    f"UPDATE {ActionAttempt._meta.db_table} SET finished_at = %s, outcome = %s, status_code = %s,"  # noqa: S608
    " request_id = %s, body = %s, duration_ms = %s WHERE id = %s"
)


def _kept_words(answer: Accepted | SpApiError) -> tuple[str, str]:
    """Amazon's id of the request and the raw body, as long as the columns are."""
    return (
        answer.request_id[:100].replace("\x00", ""),
        answer.body[:KEPT_BODY_CHARACTERS].replace("\x00", ""),
    )


def _judge(result: SendResult, now: datetime) -> Verdict:
    job = result.claimed.job
    return classify(
        result.answer,
        Sendable(
            kind=job.kind,
            opens_at=job.opens_at,
            closes_at=job.not_after,
            had_unconfirmed=result.claimed.had_unconfirmed,
        ),
        now,
    )


def _finish_attempt(result: SendResult, verdict: Verdict, now: datetime) -> bool:
    """The attempt holds the answer; returns whether it was still the action's open attempt."""
    attempt = ActionAttempt.objects.filter(pk=result.claimed.attempt_id, finished_at=None)
    answer = result.answer
    request_id, body = _kept_words(answer)
    facts = {
        "finished_at": now,
        "outcome": verdict.outcome,
        "status_code": answer.status,
        "request_id": request_id,
        "body": body,
        "duration_ms": result.duration_ms,
    }
    if isinstance(answer, SpApiError):
        facts |= {
            "code": (answer.code or type(answer).__name__)[:100].replace("\x00", ""),
            "message": (answer.message or answer.reason)[:500].replace("\x00", ""),
        }
    if attempt.filter(abandoned_at=None).update(**facts):
        return True
    attempt.update(**facts)
    return False


def _mark_sent(claimed: Claimed, now: datetime) -> None:
    """Amazon accepted it: a fact, whatever has become of the action in the meantime."""
    job = claimed.job
    evidence: dict[str, Any] = {"sent_attempt": claimed.attempt_id, "lease_until": None}
    action = OutgoingAction.objects.filter(pk=job.action_id)
    if action.transition(Status.SENDING, Status.SENT, at=now, **evidence):
        return
    before = action.values_list("status", flat=True).get()
    if before not in TAKEN:
        newer = _newer_solicitation(job)
        if newer is not None and newer.status in STOPPABLE:
            OutgoingAction.objects.filter(pk=newer.pk).transition(
                Status(newer.status),
                Status.CANCELLED,
                at=now,
                reason="Amazon's answer to an earlier request came late: the buyer is asked",
            )
        elif newer is not None:
            # It may have left, and it stands for the order now: it takes the evidence.
            action, before = OutgoingAction.objects.filter(pk=newer.pk), newer.status
    if before != Status.SENT:
        action.transition(
            Status(before), Status.SENT, at=now, reason="Amazon's answer came late", **evidence
        )


def _newer_solicitation(job: Job) -> OutgoingAction | None:
    """The solicitation that was made for the order after this one was cancelled or had expired."""
    if not ACTION_TYPES[job.kind].is_solicitation:
        return None
    return (
        OutgoingAction.objects.filter(order_id=job.order_id, kind=job.kind, status__in=TAKEN)
        .exclude(pk=job.action_id)
        .select_for_update()
        .first()
    )


def _move_on(job: Job, verdict: Verdict, now: datetime) -> None:
    look_at = verdict.look_at or now
    fields: dict[str, Any] = {"look_at": look_at, "lease_until": None}
    if verdict.status == Status.QUEUED:
        fields["not_before"] = look_at
    if verdict.status == Status.UNCONFIRMED:
        fields |= NO_LOOKS_YET
    OutgoingAction.objects.filter(pk=job.action_id).transition(
        Status.SENDING, verdict.status, at=now, reason=verdict.reason, **fields
    )
