"""What a state of an outgoing action says to a person: the answer, not the code."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone

from messaging.looks import NOT_OFFERED
from messaging.models import KillSwitch, OutgoingAction
from messaging.states import Status
from sellers.models import SellerAccount
from solicit_dashboard.moments import moment_words

register = template.Library()


@register.filter
def state_words(action: OutgoingAction) -> str:
    """The state in words, with the moment that matters in the reader's zone; needs `account` loaded."""
    return action_words(action, timezone.now())


def action_words(action: OutgoingAction, now: datetime) -> str:
    """The state in words: "Waiting: leaves 14:05:10", "Refused: already requested"."""
    status = Status(action.status)
    match status:
        case Status.QUEUED:
            if is_in_its_hold(action, now):
                return f"Waiting: leaves {timezone.localtime(action.not_before):%H:%M:%S}"
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


def is_in_its_hold(action: OutgoingAction, at: datetime) -> bool:
    """Whether a waiting action is held back so that it can be undone.

    In its hold the look comes before the end of it. What Amazon did not offer has both at one
    moment, at which it is only asked again: whether it leaves then is not known.
    """
    return at < action.not_before and action.look_at < action.not_before


@register.simple_tag
def why_held(account: SellerAccount, kind: str) -> str:
    """The sentence that says why nothing of this kind leaves for the account, "" when it may."""
    is_stopped = KillSwitch.objects.standing().covering(account.pk, kind).exists
    return account.why_held() or ("Sending is stopped." if is_stopped() else "")


def _soon(at: datetime, now: datetime) -> str:
    """The clock for today, the day too for later."""
    local = timezone.localtime(at)
    if local.date() == timezone.localtime(now).date():
        return f"{local:%H:%M}"
    return moment_words(at)
