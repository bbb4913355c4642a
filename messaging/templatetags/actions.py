"""What a state of an outgoing action says to a person: the answer, not the code."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone

from messaging.looks import NOT_OFFERED
from messaging.models import OutgoingAction
from messaging.states import Status
from solicit_dashboard.templatetags.dashboard import moment_words

register = template.Library()


@register.filter
def state_words(action: OutgoingAction) -> str:
    """The state in words, with the moment that matters in the reader's zone; needs `account` loaded."""
    return action_words(action, timezone.now())


def action_words(action: OutgoingAction, now: datetime) -> str:
    """The state in words: "Waiting: next look 14:05", "Refused: already requested"."""
    status = Status(action.status)
    match status:
        case Status.QUEUED:
            if action.look_at > now and action.reason == NOT_OFFERED:
                return f"Not offered: next look {_soon(action.look_at, now)}"
            if action.look_at > now:
                return f"Waiting: next look {_soon(action.look_at, now)}"
            return "Waiting for its turn"
        case Status.HELD:
            return f"On hold: {action.account.why_held() or 'sending is stopped'}".rstrip(".")
        case Status.UNCONFIRMED if not action.type.is_solicitation:
            return "Needs a look: a manager decides"  # Amazon cannot be asked
        case Status.UNCONFIRMED:
            return f"Needs a look: Amazon is asked again {_soon(action.look_at, now)}"
        case Status.REFUSED | Status.CANCELLED if action.reason:
            return action.reason
        case _:
            return str(status.label)


def _soon(at: datetime, now: datetime) -> str:
    """The clock for today, the day too for later."""
    local = timezone.localtime(at)
    if local.date() == timezone.localtime(now).date():
        return f"{local:%H:%M}"
    return moment_words(at)
