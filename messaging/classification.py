"""What an answer of Amazon means for an outgoing action: by what is known of its effect.

Never by the status code alone. See the table in docs/sending.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.action_types import ACTION_TYPES
from messaging.models import AttemptOutcome
from messaging.states import Status
from sellers.models import Connection
from sellers.services import connection_after
from spapi import (
    Aborted,
    Accepted,
    AlreadyRequested,
    ConnectFailed,
    Effect,
    InvalidCombination,
    LimitReached,
    NoAnswer,
    NotAvailable,
    OutsideWindow,
    SpApiError,
    Throttled,
    TokenExpired,
)

FIRST_LOOK_AFTER = timedelta(minutes=2)
RETRY_AFTER = timedelta(seconds=30)
NEXT_DAY = timedelta(days=1)

# What became of a call without an answer, by the `reason` of its error.
_NOT_CONNECTED = {
    "dns": "Amazon's address was not found",
    "refused": "the connection was refused",
    "unreachable": "Amazon could not be reached",
    "connect_timeout": "no connection came about in time",
    "deadline": "no connection came about in time",
    "tls": "no secure connection came about",
    "not_public": "the address that was found is not a public one",
}
_NOT_ANSWERED = {
    "reset": "the connection was reset",
    "closed": "the connection was closed",
    "read_timeout": "Amazon did not answer in time",
    "deadline": "Amazon did not answer in time",
    "protocol": "what came was not HTTP",
    "cut_body": "the answer was cut short",
}


@dataclass(frozen=True, slots=True)
class Sendable:
    """What classification needs to know of the action that was sent."""

    kind: str
    opens_at: datetime
    closes_at: datetime
    had_unconfirmed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means: the state that follows, when to look again, and the sentence for it.

    `connection` is set when the trouble is the account's and not the order's.
    """

    status: Status
    outcome: AttemptOutcome
    reason: str = ""
    look_at: datetime | None = None
    connection: Connection | None = None


def classify(answer: Accepted | SpApiError, action: Sendable, now: datetime) -> Verdict:
    """The verdict on the answer to a send, at that moment (UTC)."""
    if isinstance(answer, Accepted):
        return Verdict(Status.SENT, AttemptOutcome.ACCEPTED)
    if answer.effect == Effect.NOT_SENT:
        return _not_sent(answer, now)
    if answer.effect == Effect.REJECTED:
        return _rejected(answer, action, now)
    return Verdict(
        Status.UNCONFIRMED,
        AttemptOutcome.UNKNOWN,
        reason=f"It left, and no usable answer came: {describe(answer)}",
        look_at=now + FIRST_LOOK_AFTER,
    )


def wait_after(error: SpApiError) -> timedelta:
    """How long to leave an order alone after a call that had no effect."""
    if isinstance(error, Throttled | LimitReached):
        return timedelta(seconds=error.retry_after or 1.0)
    if isinstance(error, TokenExpired):
        return timedelta(seconds=2)
    return RETRY_AFTER


def describe(error: SpApiError) -> str:
    """Amazon's own words, or what became of the call, short enough for a table."""
    if isinstance(error, Aborted):
        return "it waited too long for its turn"
    known = {ConnectFailed: _NOT_CONNECTED, NoAnswer: _NOT_ANSWERED}.get(type(error), {})
    words = known.get(error.reason) or error.message or error.reason or type(error).__name__
    if error.status:
        words = f"{words} (HTTP {error.status})"
    return words[:200].replace("\x00", "")


def _not_sent(error: SpApiError, now: datetime) -> Verdict:
    trouble = connection_after(error)
    if trouble is not None:
        return Verdict(
            Status.HELD, AttemptOutcome.NOT_SENT, reason=describe(error), connection=trouble
        )
    return Verdict(
        Status.QUEUED,
        AttemptOutcome.NOT_SENT,
        reason=f"Not sent, tried again soon: {describe(error)}",
        look_at=now + wait_after(error),
    )


def _rejected(error: SpApiError, action: Sendable, now: datetime) -> Verdict:
    if not ACTION_TYPES[action.kind].is_solicitation:
        # Amazon's words on solicitations mean nothing here, least of all that it was sent before.
        return Verdict(Status.REFUSED, AttemptOutcome.REJECTED, reason=_refusal(error))
    if isinstance(error, OutsideWindow):
        if now - action.opens_at < action.closes_at - now:
            return Verdict(
                Status.QUEUED,
                AttemptOutcome.REJECTED,
                reason="Amazon says that it is too early; asked again tomorrow",
                look_at=now + NEXT_DAY,
            )
        return Verdict(Status.REFUSED, AttemptOutcome.REJECTED, reason="Refused: too late")
    if isinstance(error, NotAvailable) and action.had_unconfirmed:
        return Verdict(
            Status.PROBABLY_SENT,
            AttemptOutcome.REJECTED,
            reason="Amazon no longer offers it after an attempt whose answer was lost",
            look_at=now + NEXT_DAY,
        )
    return Verdict(Status.REFUSED, AttemptOutcome.REJECTED, reason=_refusal(error))


def _refusal(error: SpApiError) -> str:
    if isinstance(error, AlreadyRequested):
        return "Refused: already requested"
    if isinstance(error, NotAvailable):
        return "Refused: not available (asked before, or Amazon's own rules)"
    if isinstance(error, InvalidCombination):
        return "Refused: not available in this state of the order"
    return f"Refused: {describe(error)}"
