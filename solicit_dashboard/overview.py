"""The first page: what can be asked now, what was sent and how it ended, and whether all is well.

Every number has one definition: the pills of the list of orders and those of the outbox, to which
the tiles lead. Days are days of UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from messaging.outbox import PILL_OF, OutboxFilter
from messaging.progress import LaneQueue, lane_queues
from orders.freshness import DoorState, door_states
from orders.models import Order, OrderSync
from orders.states import DoorName, Tone
from orders.views.pills import PILLS_BY_NAME
from sellers.memberships import reviews_due
from sellers.models import Connection, Role, SellerAccount
from solicit_dashboard.access import Reach, get_reach, get_user
from solicit_dashboard.charts import StackedBars
from solicit_dashboard.keyset import capped, count_to
from solicit_dashboard.overview_charts import ends_by_day, first_day, window_calendars
from solicit_dashboard.overview_records import records_line

# Also messages: an order tells of its solicitation only.
LOOK = OutboxFilter(pill=PILL_OF["look"])
# Of a search under way Amazon gives a page in three minutes.
PAGE_IS_LATE = timedelta(hours=1)


@dataclass(frozen=True)
class Tile:
    """One number that leads to the rows behind it."""

    label: str
    value: str
    note: str
    address: str
    tone: str = ""


@dataclass(frozen=True)
class AccountLine:
    """How one account stands."""

    account: SellerAccount
    synced_at: datetime | None
    late_doors: list[DoorState]
    is_first_sync_under_way: bool
    tone: Tone
    words: str
    queue: LaneQueue | None

    @property
    def is_sync_late(self) -> bool:
        """Whether its orders should have been read since they were."""
        return any(state.door == DoorName.POLLING for state in self.late_doors)


@dataclass(frozen=True)
class Warning:
    """One thing that a person should see to."""

    tone: Tone
    text: str
    address: str = ""
    label: str = ""


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The numbers of this person's accounts."""
    now = timezone.now()
    reach = get_reach(request)
    ids = reach.ids()
    ends = ends_by_day(ids, now)
    lines = account_lines(reach.accounts, now)
    needs_a_look = count_to(LOOK.without_state(ids).filter(status__in=LOOK.pill.statuses))
    context = {
        "tiles": list_tiles(ids, now, sent=_sent(ends), needs_a_look=needs_a_look),
        "ends": ends,
        "first_day": ends.rows[0].day,
        "day_addresses": [(row, _day_address(row.day)) for row in reversed(ends.rows)],
        "calendars": window_calendars(ids, now),
        "lines": lines,
        "warnings": list_warnings(lines, needs_a_look) + list_reviews(request, reach, now),
        "records": records_line(now),
        "has_accounts": bool(ids),
    }
    return render(request, "overview/overview.html", context)


def list_tiles(
    account_ids: Collection[int], now: datetime, *, sent: int, needs_a_look: int
) -> list[Tile]:
    """The numbers that lead into the lists."""
    return [
        Tile(
            "Eligible now",
            capped(_count_orders("eligible", account_ids, now)),
            "may be asked for a review",
            _orders_address("eligible"),
        ),
        Tile(
            "Closing within 48 h",
            capped(_count_orders("closing_soon", account_ids, now)),
            "eligible, and the window ends",
            _orders_address("closing_soon"),
        ),
        Tile(
            "Waiting",
            capped(_count_orders("waiting", account_ids, now)),
            "queued, on hold or being sent",
            _orders_address("waiting"),
        ),
        Tile(
            "Sent, 30 days",
            f"{sent:,}",
            "confirmed by Amazon",
            reverse("messaging:outbox")
            + OutboxFilter(pill=PILL_OF["sent"], first=first_day(now)).address(),
        ),
        Tile(
            "Needs a look",
            capped(needs_a_look),
            "the outcome is not known",
            _look_address(),
            tone="bad" if needs_a_look else "",
        ),
    ]


def account_lines(accounts: Collection[SellerAccount], now: datetime) -> list[AccountLine]:
    """How each account stands, in three queries."""
    ids = [account.pk for account in accounts]
    syncs = {sync.account_id: sync for sync in OrderSync.objects.filter(account_id__in=ids)}
    doors = door_states(accounts, now)
    queues = {queue.account_id: queue for queue in lane_queues(ids, now)}
    return [
        _line(account, syncs.get(account.pk), doors[account.pk], queues.get(account.pk), now)
        for account in accounts
    ]


def _line(
    account: SellerAccount,
    sync: OrderSync | None,
    doors: list[DoorState],
    queue: LaneQueue | None,
    now: datetime,
) -> AccountLine:
    polling = next(state for state in doors if state.door == DoorName.POLLING)
    synced_at = polling.last_worked_at
    # a long search is no silence
    page_at = sync.page_at if sync else None
    is_reading = page_at is not None and page_at >= now - PAGE_IS_LATE
    is_connected = account.connection == Connection.CONNECTED
    if not is_connected:
        tone, words = Tone.BAD, account.why_held().rstrip(".")
    elif account.paused_at is not None:
        tone, words = Tone.WARN, "Paused"
    else:
        tone, words = Tone.GOOD, "Connected"
    late_doors = [
        state
        for state in doors
        if is_connected
        and state.late_by is not None
        and not (is_reading and state.door == DoorName.POLLING)
    ]
    return AccountLine(
        account=account,
        synced_at=synced_at,
        late_doors=late_doors,
        is_first_sync_under_way=synced_at is None and sync is not None and sync.pages > 0,
        tone=tone,
        words=words,
        queue=queue,
    )


def list_reviews(request: HttpRequest, reach: Reach, now: datetime) -> list[Warning]:
    """A reminder for each account that this person manages and whose roles nobody looked through."""
    if not reach.ids(Role.MANAGER):
        return []
    return [
        Warning(
            Tone.WARN,
            f"{account.name}: look through who has which role, as every quarter.",
            reverse("sellers:people", args=[account.pk]),
            "Look",
        )
        for account in reviews_due(get_user(request), now)
    ]


def list_warnings(lines: Collection[AccountLine], needs_a_look: int) -> list[Warning]:
    """What a person should see to, worst first; what stops sending is in the banner of every page."""
    warnings = []
    for line in lines:
        name = line.account.name
        warnings += [Warning(Tone.WARN, f"{name}: {state.trouble}") for state in line.late_doors]
    if needs_a_look:
        is_one = needs_a_look == 1
        what = "review request or message" if is_one else "review requests or messages"
        warnings.append(
            Warning(
                Tone.WARN,
                f"{capped(needs_a_look)} {what}: the outcome is not known.",
                _look_address(),
                "Look at them",
            )
        )
    warnings += [
        Warning(
            Tone.QUIET,
            f"{line.account.name}: its orders are being read for the first time. "
            "More of them are to come."
            if line.is_first_sync_under_way
            else f"{line.account.name}: its orders are about to be read for the first time. "
            "This begins by itself.",
        )
        for line in lines
        if line.synced_at is None and line.account.is_sending and not line.is_sync_late
    ]
    warnings.sort(key=lambda warning: warning.tone != Tone.BAD)
    return warnings


def _count_orders(pill: str, account_ids: Collection[int], now: datetime) -> int:
    orders = Order.objects.filter(account_id__in=list(account_ids))
    return count_to(PILLS_BY_NAME[pill].matching(orders, now))


def _orders_address(pill: str) -> str:
    return f"{reverse('orders:list')}?{urlencode({'state': pill})}"


def _look_address() -> str:
    return reverse("messaging:outbox") + LOOK.address()


def _day_address(day: date) -> str:
    return reverse("messaging:outbox") + OutboxFilter(first=day, last=day).address()


def _sent(ends: StackedBars) -> int:
    return next(total for series, total in ends.totals if series.key == "sent")
