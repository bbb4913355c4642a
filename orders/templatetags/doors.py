"""By which doors an account's orders come in, on the account's page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from orders.freshness import DoorState, door_states
from orders.models import OrderHint, OrderReport
from sellers.models import Connection, SellerAccount
from solicit_dashboard.keyset import capped, count_to

register = template.Library()


@register.inclusion_tag("orders/_doors.html")
def doors(account: SellerAccount) -> dict[str, Any]:
    """Each door of the account: when it last worked, whether it is late, what failed; 4 queries."""
    hints = OrderHint.objects.filter(account=account)
    is_connected = account.connection == Connection.CONNECTED
    return {
        "account": account,
        "is_connected": is_connected,
        "waits_for_backfill": is_connected
        and not OrderReport.objects.filter(account=account).exists(),
        "doors": [
            (state, _counted(state)) for state in door_states([account], timezone.now())[account.pk]
        ],
        "waiting": capped(count_to(hints.filter(parked_at=None))),
        "parked": capped(count_to(hints.parked())),
    }


def _counted(state: DoorState) -> list[str]:
    """What was counted at the door that a person may wonder at, in words."""
    words = []
    unknown = state.counters.get("unknown_words")
    if isinstance(unknown, dict) and unknown:
        named = ", ".join(f"{word} ({number})" for word, number in sorted(unknown.items())[:5])
        words.append(f"unknown words: {named}")
    words += [
        f"{name}: {number}"
        for name, number in sorted(state.counters.items())
        if isinstance(number, int) and number
    ]
    return words
