"""How fresh an account's orders are: by door, when it last worked, how late it is, what failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orders.models import Door
from orders.states import DoorName
from sellers.models import SellerAccount

# So long after it last worked a door is late: polling is due every 20 minutes (every 6 hours while
# notifications work), the queue is read without pause, returns are read once a day. A file comes
# when a person brings it.
LATE_AFTER: Mapping[DoorName, timedelta | None] = {
    DoorName.POLLING: timedelta(hours=1),
    DoorName.NOTIFICATIONS: timedelta(minutes=10),
    DoorName.REPORTS: timedelta(hours=30),
    DoorName.CSV: None,
}
_NOT_DONE: Mapping[DoorName, str] = {
    DoorName.POLLING: "orders were not read",
    DoorName.NOTIFICATIONS: "notifications were not read",
    DoorName.REPORTS: "reports were not read",
    DoorName.CSV: "no file was read",
}
# How often orders are searched, and how often while notifications tell of them.
POLL_EVERY = timedelta(minutes=20)
POLL_EVERY_BESIDE_NOTIFICATIONS = timedelta(hours=6)


@dataclass(frozen=True)
class DoorState:
    """How one door of one account stands; moments in UTC.

    `late_by` is how long ago it should have worked, None while it is in time.
    """

    account_id: int
    door: DoorName
    last_worked_at: datetime | None
    newest_heard_at: datetime | None
    error: str
    error_at: datetime | None
    late_by: timedelta | None
    late_after: timedelta | None
    counters: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """The door's name for a person."""
        return str(self.door.label)

    @property
    def trouble(self) -> str:
        """What a person should know of a late door, in a sentence or two; '' while it is in time."""
        if self.late_by is None or self.late_after is None:
            return ""
        what = _NOT_DONE[self.door]
        return f"{what} for over {_span(self.late_after)}. {self.error}".strip()


def door_states(accounts: Collection[SellerAccount], now: datetime) -> dict[int, list[DoorState]]:
    """By account id: the doors that it has, in the order of DoorName; one query.

    Polling always is among them: it is late when it never worked and the account is older than
    that. Of the others only those that were ever used.
    """
    ids = [account.pk for account in accounts]
    rows = {
        (row.account_id, DoorName(row.door)): row for row in Door.objects.filter(account_id__in=ids)
    }
    states: dict[int, list[DoorState]] = {}
    for account in accounts:
        beside = works(rows.get((account.pk, DoorName.NOTIFICATIONS)), now)
        states[account.pk] = [
            _state(account, door, rows.get((account.pk, door)), now, beside)
            for door in DoorName
            if door == DoorName.POLLING or (account.pk, door) in rows
        ]
    return states


def works(row: Door | None, now: datetime) -> bool:
    """Whether the door worked lately, and not in vain, as of that moment (UTC)."""
    if row is None or row.last_worked_at is None or row.error:
        return False
    after = LATE_AFTER[DoorName(row.door)]
    return after is None or row.last_worked_at >= now - after


def _state(
    account: SellerAccount, door: DoorName, row: Door | None, now: datetime, beside: bool
) -> DoorState:
    after = LATE_AFTER[door]
    if door == DoorName.POLLING and beside:
        after = POLL_EVERY_BESIDE_NOTIFICATIONS + timedelta(hours=1)
    since = (row.last_worked_at if row else None) or account.created_at
    late_by = None
    if after is not None and since + after < now:
        late_by = now - since - after
    return DoorState(
        account_id=account.pk,
        door=door,
        last_worked_at=row.last_worked_at if row else None,
        newest_heard_at=row.newest_heard_at if row else None,
        error=row.error if row else "",
        error_at=row.error_at if row else None,
        late_by=late_by,
        late_after=after,
        counters=row.counters if row else {},
    )


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} minutes"
    return "an hour" if minutes == 60 else f"{minutes // 60} hours"
