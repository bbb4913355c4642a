"""What the model moves besides Amazon: a clock, leases, people, accounts, orders, and one database
that stands again as it was when an example is over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction

from messaging.leases import LEASE_MS
from orders.models import Order
from sellers.models import SellerAccount
from tests.factories import DAY, OrderFactory, SellerAccountFactory, UserFactory

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
WINDOW_LASTS = timedelta(days=30)  # after the latest delivery
# The tables in which an example makes rows; their counters begin again on PostgreSQL, too, so that
# an example can be repeated to the letter.
COUNTED = (
    "messaging_outgoingaction",
    "messaging_actionattempt",
    "messaging_actionevent",
    "messaging_batch",
    "messaging_killswitch",
    "orders_exclusion",
    "audit_auditevent",
)


class ModelClock:
    """Time that passes when it is told to: the database's, the machine's and Amazon's are one."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """The time in UTC."""
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Seconds since the example began."""
        return self.seconds

    def boottime(self) -> float:
        """The same."""
        return self.seconds

    def pass_(self, span: timedelta | float) -> None:
        """So much time goes by; a number is in seconds."""
        self.seconds += span.total_seconds() if isinstance(span, timedelta) else span

    def pass_until(self, moment: datetime) -> None:
        """It is that moment, or later."""
        self.seconds = max(self.seconds, (moment - START).total_seconds())


class ModelLease:
    """The lease on the shard, from a Redis that gives it to everybody who asks.

    The lease only prevents waste; the claim alone must keep two drivers from sending the same.
    """

    def __init__(self, clock: ModelClock) -> None:
        self._clock = clock
        self.good_until = 0.0

    def is_held(self) -> bool:
        """Whether it was renewed a moment ago."""
        return self._clock.boottime() < self.good_until

    def renew(self) -> None:
        """It is good for its full time again."""
        self.good_until = self._clock.boottime() + LEASE_MS / 1000


@dataclass
class Standing:
    """What people have decided, as the model remembers it: the product is not asked."""

    paused: set[int] = field(default_factory=set)
    # By id of the switch: the account that it stops (None: all) and the kind ("": all).
    switches: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    excluded: set[int] = field(default_factory=set)  # orders
    cancelled: set[int] = field(default_factory=set)  # orders, by their buyers
    cancel_asked: set[int] = field(default_factory=set)  # actions
    retry_asked: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    send_again: Counter[int] = field(default_factory=Counter)  # how often, by action
    may_return: set[int] = field(default_factory=set)
    left_alone: set[int] = field(default_factory=set)

    @property
    def off_limits(self) -> set[int]:
        """The orders for which nothing may be sent."""
        return self.excluded | self.cancelled

    def stops(self, account_id: int, kind: str) -> bool:
        """Whether nothing of this account and kind may be claimed."""
        return account_id in self.paused or any(
            account in (None, account_id) and which in ("", kind)
            for account, which in self.switches.values()
        )


@dataclass(frozen=True)
class Cast:
    """The rows with which every example begins."""

    user: User
    accounts: list[SellerAccount]
    orders: list[Order]


def make_cast() -> Cast:
    """Two sellers. The first has an order that nobody clicks on, to serve as a control."""
    user = UserFactory()
    first, second = (SellerAccountFactory() for _ in range(2))
    orders = [
        _order(first, closes=10 * DAY),
        _order(first, closes=2 * DAY),
        _order(first, closes=12 * DAY),
        _order(first, opens=timedelta(hours=20), closes=25 * DAY),
        _order(second, closes=3 * DAY),
    ]
    return Cast(user, [first, second], orders)


# How many of the orders people click on: the last of the first account's is left alone.
CLICKED = (0, 1, 4)


def _order(account: SellerAccount, *, closes: timedelta, opens: timedelta | None = None) -> Order:
    latest = START + closes - WINDOW_LASTS
    earliest = START + opens - 5 * DAY if opens else min(latest, START - 6 * DAY)
    order: Order = OrderFactory(
        account=account,
        purchased_at=START - 40 * DAY,
        earliest_delivery_at=earliest,
        latest_delivery_at=max(latest, earliest),
        amazon_updated_at=START - DAY,
        synced_at=START,
    )
    return order


class Example:
    """Everything that is written between its making and `undo` is gone after it."""

    def __init__(self) -> None:
        self._atomic = transaction.atomic()
        # As in Django's TestCase: what is durable inside may believe that it is outermost.
        self._atomic._from_testcase = True  # type: ignore[attr-defined]
        self._atomic.__enter__()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                for table in COUNTED:
                    cursor.execute(f"ALTER SEQUENCE {table}_id_seq RESTART WITH 1")
        self.depth = len(connection.atomic_blocks)

    def is_outside(self) -> bool:
        """Whether no transaction of the product is open."""
        return len(connection.atomic_blocks) == self.depth

    def undo(self) -> None:
        """The database stands as it did before."""
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)
