"""Claims whose commit was not acknowledged: nobody knows whether they stand until it is read again."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, transaction

from messaging.delivery import Claimed, Job
from messaging.models import ActionAttempt, OutgoingAction
from messaging.results import SendResult, record
from messaging.states import Status
from solicit_dashboard.conflicts import repeats_on_conflict
from spapi import Aborted

logger = logging.getLogger(__name__)

# PostgreSQL's lock_not_available: somebody has the row, perhaps the commit in question.
_LOCKED = "55P03"


@dataclass(frozen=True, slots=True)
class Doubt:
    """These jobs may have been claimed by this worker at that moment (UTC); none of them was sent."""

    jobs: dict[int, Job]
    claimed_at: datetime
    worker: str

    def is_over(self, now: datetime) -> bool:
        """Whether the sweeper has taken over: the lease of such a claim has run out."""
        return now - self.claimed_at > timedelta(seconds=settings.LEASE_SECONDS)


@repeats_on_conflict
def standing_claims(doubt: Doubt) -> list[Claimed]:
    """The claims of the doubt that stand in the database, each with its open attempt.

    An attempt is known by its worker and the moment of its claim. The actions are locked first, so
    that a commit that is still under way has ended; raises OperationalError when it has not.
    """
    with transaction.atomic(durable=True):
        actions = OutgoingAction.objects.filter(pk__in=doubt.jobs).order_by("pk")
        list(actions.select_for_update(nowait=True).values_list("pk"))
        attempts = ActionAttempt.objects.filter(
            action_id__in=doubt.jobs,
            action__status=Status.SENDING,
            claimed_at=doubt.claimed_at,
            worker=doubt.worker,
            finished_at=None,
            abandoned_at=None,
        )
        stand = list(attempts.order_by("pk").values_list("pk", "action_id"))
    if stand:
        logger.warning("%s claims stand whose commit was not acknowledged.", len(stand))
    return [
        # nothing left, so that what became of earlier attempts does not matter
        Claimed(job=doubt.jobs[action_id], attempt_id=pk, had_unconfirmed=False)
        for pk, action_id in stand
    ]


def settle(doubt: Doubt, *, now: datetime) -> bool:
    """Of the doubt's claims, those that stand are back in the queue: what they are for has not left.

    When their lease is over they are the sweeper's. False while their commit is still under way;
    raises a database error when it cannot be told. Either way it can be repeated.
    """
    if doubt.is_over(now):
        return True
    answer = Aborted("The commit of its claim was not acknowledged.")
    try:
        stand = [SendResult(claimed, answer, None) for claimed in standing_claims(doubt)]
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCKED:
            raise
        return False
    if stand:
        record(stand, now=now)
    return True


def doubt_about(jobs: Iterable[Job], *, claimed_at: datetime, worker: str) -> Doubt:
    """The doubt about a claim of these jobs that ended in a database error."""
    return Doubt({job.action_id: job for job in jobs}, claimed_at, worker)
