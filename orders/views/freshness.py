"""How fresh the orders are that a person sees: when their accounts were last read to the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orders.models import Door
from orders.states import DoorName
from sellers.models import SellerAccount

# Accounts that were read within this time of each other are as fresh as each other.
CLOSE = timedelta(hours=1)
MOST_NAMES = 3


@dataclass(frozen=True)
class Freshness:
    """What the head of the list says; moments in UTC.

    `read_at`: when accounts were last read. `late` was read long before that, at `late_read_at`.
    `unread`: the names of those that never were, the last one "2 more" where they are many.
    """

    read_at: datetime | None = None
    late: str = ""
    late_read_at: datetime | None = None
    unread: tuple[str, ...] = ()


def freshness(accounts: Sequence[SellerAccount]) -> Freshness:
    """How fresh the orders of these accounts are, in one query."""
    doors = Door.objects.filter(
        account__in=[account.pk for account in accounts], door=DoorName.POLLING
    )
    rows = doors.values_list("account_id", "last_worked_at")
    read_at = {pk: at for pk, at in rows if at is not None}
    unread = [account.name for account in accounts if account.pk not in read_at]
    if len(unread) > MOST_NAMES + 1:
        unread[MOST_NAMES:] = [f"{len(unread) - MOST_NAMES} more"]
    known = [(read_at[account.pk], account.name) for account in accounts if account.pk in read_at]
    if not known:
        return Freshness(unread=tuple(unread))
    (oldest, name), newest = min(known), max(read_at.values())
    if newest - oldest <= CLOSE:
        # the oldest: all are at least as fresh as is said
        return Freshness(read_at=oldest, unread=tuple(unread))
    return Freshness(newest, late=name, late_read_at=oldest, unread=tuple(unread))
