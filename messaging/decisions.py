"""What a person decides when nobody knows whether something was sent.

Amazon can be asked about a solicitation, and the lanes do that; about a message it cannot. One
action at a time, with a reason, by a named person, on the record; never by the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import models, transaction

from audit.models import AuditKind
from audit.services import record_event
from messaging.hints import wake_lanes_on_commit
from messaging.models import ActionEvent, OutgoingAction, Priority
from messaging.services import LOOK_LEAD, NotAllowedError, apply_holds, hold
from messaging.states import Status
from orders.numbers import clean_order_number
from solicit_dashboard.conflicts import repeats_on_conflict

# An answer that is still under way has come by then, and Seller Central shows what was sent.
SEND_AGAIN_AFTER = timedelta(minutes=15)


class Choice(models.TextChoices):
    """What a person can say of it."""

    SEEN = "seen", "It is there"
    AGAIN = "again", "It is not there: send it again"
    LEAVE = "leave", "Leave it"


# What may be decided in which state. What Amazon can be asked about is never sent again on a
# person's word, and what is given up stays given up unless somebody sees it.
_CHOICES: dict[Status, tuple[Choice, ...]] = {
    Status.UNCONFIRMED: (Choice.SEEN, Choice.AGAIN, Choice.LEAVE),
    Status.PROBABLY_SENT: (Choice.SEEN,),
    Status.UNRESOLVED: (Choice.SEEN,),
}
DECIDABLE = frozenset(_CHOICES)


class DecisionRefusedError(Exception):
    """The decision cannot be taken as it was given: `field` says which part, the text says why."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Decision:
    """What somebody decides. `order_number` is what they typed, `seen_step` the last step they saw."""

    choice: Choice
    reason: str
    order_number: str = ""
    seen_step: int | None = None


def choices_for(action: OutgoingAction) -> tuple[Choice, ...]:
    """What may be decided about it now; nothing when there is nothing to decide."""
    choices = _CHOICES.get(Status(action.status), ())
    if action.type.is_solicitation or action.text_forgotten_at is not None:
        return tuple(choice for choice in choices if choice != Choice.AGAIN)
    return choices


def send_again_at(action: OutgoingAction) -> datetime:
    """From when on (UTC) it may be sent again: some time after its last attempt ended."""
    last = action.attempts.order_by("-number").first()
    if last is None:
        return action.status_at + SEND_AGAIN_AFTER
    return (last.finished_at or last.abandoned_at or last.claimed_at) + SEND_AGAIN_AFTER


def last_step(action: OutgoingAction) -> ActionEvent | None:
    """The step that led to the state in which it is, with the person who took it."""
    return action.events.select_related("user").order_by("-pk").first()


@repeats_on_conflict
def decide(action: OutgoingAction, decision: Decision, *, user: User, at: datetime) -> None:
    """The action stands where this person's word puts it, at that moment (UTC).

    Seen: sent, with their name as the evidence. Again: queued, to leave after the hold. Left:
    unresolved. The same person's second click changes nothing more. Raises DecisionRefusedError for
    what is missing or too early, NotAllowedError when the action has moved since they looked,
    saying who or what moved it.
    """
    if not decision.reason:
        raise DecisionRefusedError("reason", "Say why: it stands on the record.")
    after, fields = _road(decision.choice, user, at)
    with transaction.atomic():
        # locked: of two who decide, the second finds what the first has decided
        locked = OutgoingAction.objects.select_for_update(of=("self",)).get(pk=action.pk)
        step = last_step(locked)
        if _has_moved(locked, step, decision):
            if step is not None and (step.user_id, step.after) == (user.pk, after):
                return
            raise NotAllowedError(_who_was_sooner(locked, step))
        if decision.choice == Choice.AGAIN:
            _check_again(action, decision, at)
        before = Status(locked.status)
        OutgoingAction.objects.filter(pk=action.pk).transition(
            before, after, at=at, user=user, reason=decision.reason, **fields
        )
        record_event(
            AuditKind.DECIDED,
            user=user,
            account_id=action.account_id,
            subject=action.order.amazon_order_id,
            action=action.pk,
            before=before.value,
            decision=decision.choice.value,
            reason=decision.reason,
        )
        if decision.choice == Choice.AGAIN:
            apply_holds(at=at, account_ids=[action.account_id])
            wake_lanes_on_commit([action.account_id])


def _has_moved(action: OutgoingAction, step: ActionEvent | None, decision: Decision) -> bool:
    if decision.choice not in choices_for(action):
        return True
    return decision.seen_step is not None and decision.seen_step != (step.pk if step else 0)


def _check_again(action: OutgoingAction, decision: Decision, at: datetime) -> None:
    if clean_order_number(decision.order_number) != action.order.amazon_order_id:
        raise DecisionRefusedError(
            "order_number", "Type the number of this order, to be sure that it is the right one."
        )
    first_moment = send_again_at(action)
    if at < first_moment:
        minutes = -(-int((first_moment - at).total_seconds()) // 60)
        raise DecisionRefusedError(
            "choice",
            "Too early: it may be sent again "
            f"{int(SEND_AGAIN_AFTER.total_seconds() // 60)} minutes after its last attempt, "
            f"in {max(1, minutes)} min. What was sent may not be shown yet.",
        )
    if at > action.not_after:
        raise DecisionRefusedError("choice", "Too late: the time in which it may be sent is over.")


def _road(choice: Choice, user: User, at: datetime) -> tuple[Status, dict[str, Any]]:
    """The state that follows, and what else is written with it."""
    if choice == Choice.SEEN:
        return Status.SENT, {"seen_by": user}
    if choice == Choice.LEAVE:
        return Status.UNRESOLVED, {}
    not_before = at + hold()
    return Status.QUEUED, {
        "look_at": max(at, not_before - LOOK_LEAD),
        "not_before": not_before,
        "priority": Priority.CLICK,
        "stop_asked_by": None,
    }


def _who_was_sooner(action: OutgoingAction, step: ActionEvent | None) -> str:
    state = action.get_status_display()
    if step is not None and step.user is not None:
        return f"{step.user.get_username()} was sooner: it is “{state}” now. Look again."
    return f"It has changed since you looked: it is “{state}” now. Look again."
