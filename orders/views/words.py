"""The one state of an order in words: the answer, not the code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils import timezone

from messaging.models import OutgoingAction
from messaging.states import TONES, Status
from messaging.templatetags.actions import action_words, is_in_its_hold
from orders.eligibility import ReviewWindow
from orders.models import Order
from orders.states import Refusal, Tone
from orders.views.pills import CLOSING_SOON
from solicit_dashboard.moments import near_words


@dataclass(frozen=True)
class StateWords:
    """A state as it is shown: `before`, the moment `at` (UTC) if there is one, `after`."""

    tone: Tone
    before: str
    at: datetime | None = None
    after: str = ""

    @cached_property
    def moment(self) -> str:
        """`at` as one says it now, in the reader's zone."""
        return near_words(self.at, timezone.now()) if self.at else ""

    def __str__(self) -> str:
        return f"{self.before}{self.moment}{self.after}"


def describe_state(
    order: Order,
    refusal: str,
    action: OutgoingAction | None,
    *,
    at: datetime,
    window: ReviewWindow | None = None,
) -> StateWords:
    """The state of the order at that moment (UTC).

    `refusal` is what `with_refusal` found; `action` is the solicitation that the order's
    `solicitation` speaks of, with its person and account loaded.
    """
    if action is not None:
        return _describe_action(action, at)
    closes_at = order.closes_at(window)
    if not refusal and closes_at is not None:
        is_soon = closes_at - at < CLOSING_SOON
        return (
            StateWords(Tone.WARN, "Closes ", closes_at)
            if is_soon
            else StateWords(Tone.GOOD, "Eligible: closes ", closes_at)
        )
    if refusal == Refusal.TOO_EARLY:
        return StateWords(Tone.QUIET, "Too early: opens ", order.opens_at(window))
    if refusal == Refusal.WINDOW_CLOSED:
        return StateWords(Tone.QUIET, "Window closed ", closes_at)
    return StateWords(Tone.QUIET, Refusal(refusal).label)


def _describe_action(action: OutgoingAction, at: datetime) -> StateWords:
    status = Status(action.status)
    tone = TONES[status]
    if status == Status.SENT:
        who = action.seen_by or action.requested_by
        return StateWords(
            tone, "Sent ", action.status_at, f" by {who.get_username()}" if who else ""
        )
    if status == Status.QUEUED:
        if is_in_its_hold(action, at):
            return StateWords(tone, "Waiting: leaves ", action.not_before)
        if at < action.look_at:
            return StateWords(tone, "Waiting: next look ", action.look_at)
    return StateWords(tone, action_words(action, at))
