"""Mistakes about what Amazon answers and lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from messaging import (
    classification,
    looks,
    results,
)
from messaging.classification import Verdict
from messaging.delivery import Claimed
from messaging.lanes import Lane
from messaging.looks import Look
from messaging.models import (
    AttemptOutcome,
    OutgoingAction,
)
from messaging.states import Status
from spapi import (
    NoAnswer,
    ServerError,
    SpApiError,
    Throttled,
    UnknownForbidden,
)
from tests.model.mistakes import bug

# Answers


@bug
def timeout_retries() -> Iterator[None]:
    """No answer: once more."""
    with _retrying(NoAnswer):
        yield


@bug
def server_error_retries() -> Iterator[None]:
    """5xx: once more."""
    with _retrying(ServerError):
        yield


@bug
def unknown_text_refuses() -> Iterator[None]:
    """Every 403 is a refusal."""
    with _retrying(UnknownForbidden, Status.REFUSED, AttemptOutcome.REJECTED):
        yield


@bug
def throttled_is_unclear() -> Iterator[None]:
    """429: who knows."""
    with _retrying(Throttled, Status.UNCONFIRMED, AttemptOutcome.UNKNOWN):
        yield


@bug
def late_acceptance_is_ignored() -> Iterator[None]:
    """What comes after the sweeper comes too late."""

    def only_while_sending(claimed: Claimed, now: datetime) -> None:
        OutgoingAction.objects.filter(pk=claimed.job.action_id).transition(
            Status.SENDING,
            Status.SENT,
            at=now,
            sent_attempt=claimed.attempt_id,
            lease_until=None,
        )

    with patch.object(results, "_mark_sent", only_while_sending):
        yield


@bug
def abandoned_result_overwrites() -> Iterator[None]:
    """Whatever comes for an action is its state, of whichever attempt it may be."""
    finish = results._finish_attempt

    def finish_and_believe(*arguments: Any) -> bool:
        finish(*arguments)
        return True

    with patch.object(results, "_finish_attempt", finish_and_believe):
        yield


# Looks


@bug
def absent_once_means_sent() -> Iterator[None]:
    """Amazon no longer offers it, so it was sent."""
    record_watched = looks.record_watched

    def conclude(look: Look, *, control_is_offered: bool, now: datetime) -> None:
        if look.is_absent:
            OutgoingAction.objects.filter(pk=look.job.action_id).transition(
                Status.UNCONFIRMED, Status.PROBABLY_SENT, at=now, look_at=now + timedelta(days=1)
            )
        record_watched(look, control_is_offered=control_is_offered, now=now)

    with patch("messaging.controls.record_watched", conclude):
        yield


@bug
def absent_without_a_control() -> Iterator[None]:
    """Three empty lists over a day are enough, whatever the list of another order says."""
    with patch.object(Lane, "control_is_fresh", lambda *_: True):
        yield


@bug
def offered_once_means_not_sent() -> Iterator[None]:
    """Amazon offers it, so it was not sent."""
    with (
        patch.object(looks, "OFFERED_NEEDED", 1),
        patch.object(looks, "OFFERED_APART", timedelta(0)),
    ):
        yield


@contextmanager
def _retrying(
    kind: type[SpApiError],
    status: Status = Status.QUEUED,
    outcome: AttemptOutcome = AttemptOutcome.NOT_SENT,
) -> Iterator[None]:
    """Errors of this kind have another verdict."""
    classify = classification.classify

    def mistaken(answer: Any, action: Any, now: datetime) -> Verdict:
        if isinstance(answer, kind):
            return Verdict(status, outcome, look_at=now + timedelta(seconds=30))
        return classify(answer, action, now)

    with patch.object(results, "classify", mistaken):
        yield
