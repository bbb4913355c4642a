"""The first page: what can be asked now, what was sent and how it ended, and whether all is well.

Every number has one definition: the pills of the list of orders and those of the outbox, to which
the tiles lead. Days are days of UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, DateField, Func, Q
from django.db.models.sql.compiler import SQLCompiler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from messaging.models import OutgoingAction
from messaging.outbox import PILL_OF, OutboxFilter
from messaging.progress import LaneQueue, lane_queues
from messaging.states import Status
from orders.eligibility import ReviewWindow
from orders.models import Order, OrderSync
from orders.states import Tone
from orders.views.pills import PILLS_BY_NAME
from sellers.models import Connection, SellerAccount
from solicit_dashboard.access import get_reach
from solicit_dashboard.charts import Calendar, Series, StackedBars, calendar, stacked_bars
from solicit_dashboard.keyset import capped, count_to

DAYS = 30
# A sync is due every 20 minutes; after three that did not come something is wrong.
SYNC_IS_LATE = timedelta(hours=1)

ENDS = (
    Series("sent", "Sent", "good"),
    Series("refused", "Refused by Amazon", "bad"),
    Series("other", "Other", "quiet"),
)
# What an action came to on a day; `other` is what was not sent, or is not known.
_END_OF: dict[Status, str] = {
    Status.SENT: "sent",
    Status.REFUSED: "refused",
    Status.PROBABLY_SENT: "other",
    Status.UNRESOLVED: "other",
    Status.CANCELLED: "other",
    Status.EXPIRED: "other",
}


class UtcDay(Func):
    """The day of UTC of a moment. Django's TruncDate would, on SQLite, call Python for every row."""

    output_field = DateField()
    template = "((%(expressions)s) AT TIME ZONE 'UTC')::date"

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        # moments are kept as text, in UTC, the day first
        return self.as_sql(compiler, connection, template="substr(%(expressions)s, 1, 10)", **extra)


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
    sync_error: str
    is_sync_late: bool
    is_first_sync_under_way: bool
    tone: Tone
    words: str
    queue: LaneQueue | None


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
    needs_a_look = _count_orders("needs_a_look", ids, now)
    context = {
        "tiles": list_tiles(ids, now, sent=_sent(ends), needs_a_look=needs_a_look),
        "ends": ends,
        "first_day": ends.rows[0].day,
        "day_addresses": [(row, _day_address(row.day)) for row in reversed(ends.rows)],
        "calendars": window_calendars(ids, now),
        "lines": lines,
        "warnings": list_warnings(lines, needs_a_look),
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
            + OutboxFilter(pill=PILL_OF["sent"], first=_first_day(now)).address(),
        ),
        Tile(
            "Needs a look",
            capped(needs_a_look),
            "the outcome is not known",
            _orders_address("needs_a_look"),
            tone="bad" if needs_a_look else "",
        ),
    ]


def ends_by_day(account_ids: Collection[int], now: datetime) -> StackedBars:
    """What was asked for and how it ended, on each of the last DAYS days of UTC."""
    first = _first_day(now)
    rows = (
        OutgoingAction.objects.filter(
            account_id__in=list(account_ids),
            status__in=list(_END_OF),
            status_at__gte=datetime(first.year, first.month, first.day, tzinfo=UTC),
        )
        .values_list(UtcDay("status_at"), "status")
        .annotate(number=Count("pk"))
        .order_by()
    )
    values: dict[tuple[date, str], int] = {}
    for day, status, number in rows:
        key = (day, _END_OF[Status(status)])
        values[key] = values.get(key, 0) + number
    return stacked_bars("What was sent each day and how it ended", ENDS, first, DAYS, values)


def window_calendars(account_ids: Collection[int], now: datetime) -> list[Calendar]:
    """How many windows of orders that nobody has asked for close, and open, on each coming day."""
    window = ReviewWindow.from_settings()
    today = now.astimezone(UTC).date()
    return [
        calendar(
            "Windows that close on each of the next 30 days",
            "close",
            today,
            DAYS,
            _by_day("latest_delivery_at", window.closes_after, account_ids, now),
        ),
        calendar(
            "Windows that open on each of the next 30 days",
            "open",
            today,
            DAYS,
            _by_day("earliest_delivery_at", window.opens_after, account_ids, now),
        ),
    ]


def _by_day(
    field: str, span: timedelta, account_ids: Collection[int], now: datetime
) -> dict[date, int]:
    """How many orders come to that moment, so long after `field`, on each of the next days."""
    last_day = now.astimezone(UTC).date() + timedelta(days=DAYS)
    end = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC)
    rows = (
        Order.objects.filter(
            # the last day is never before the first: what bounds the index in both cases
            Q(latest_delivery_at__gte=now - span),
            Q(**{f"{field}__gte": now - span, f"{field}__lt": end - span}),
            account_id__in=list(account_ids),
            fixed_refusal="",
            solicitation="",
        )
        .values_list(UtcDay(field))
        .annotate(number=Count("pk"))
        .order_by()
    )
    # spans are whole days, so that the day of the moment is the day of the field, so much later
    return {day + span: number for day, number in rows}


def account_lines(accounts: Collection[SellerAccount], now: datetime) -> list[AccountLine]:
    """How each account stands, in two queries."""
    ids = [account.pk for account in accounts]
    syncs = {sync.account_id: sync for sync in OrderSync.objects.filter(account_id__in=ids)}
    queues = {queue.account_id: queue for queue in lane_queues(ids, now)}
    return [
        _line(account, syncs.get(account.pk), queues.get(account.pk), now) for account in accounts
    ]


def _line(
    account: SellerAccount, sync: OrderSync | None, queue: LaneQueue | None, now: datetime
) -> AccountLine:
    synced_at = sync.worked_at if sync else None
    # a long search is no silence: Amazon gives a page in three minutes
    page_at = sync.page_at if sync else None
    heard_at = max(filter(None, (synced_at, page_at)), default=account.created_at)
    if account.connection != Connection.CONNECTED:
        tone, words = Tone.BAD, account.why_held().rstrip(".")
    elif account.paused_at is not None:
        tone, words = Tone.WARN, "Paused"
    else:
        tone, words = Tone.GOOD, "Connected"
    return AccountLine(
        account=account,
        synced_at=synced_at,
        sync_error=sync.error if sync else "",
        is_sync_late=account.connection == Connection.CONNECTED and heard_at < now - SYNC_IS_LATE,
        is_first_sync_under_way=synced_at is None and sync is not None and sync.pages > 0,
        tone=tone,
        words=words,
        queue=queue,
    )


def list_warnings(lines: Collection[AccountLine], needs_a_look: int) -> list[Warning]:
    """What a person should see to, worst first; what stops sending is in the banner of every page."""
    warnings = []
    for line in lines:
        name = line.account.name
        if line.is_sync_late:
            cause = f" {line.sync_error}" if line.sync_error else ""
            warnings.append(
                Warning(Tone.WARN, f"{name}: orders were not read for over an hour.{cause}")
            )
    if needs_a_look:
        warnings.append(
            Warning(
                Tone.WARN,
                f"{capped(needs_a_look)} review request{'s' if needs_a_look != 1 else ''}: "
                "the outcome is not known.",
                _orders_address("needs_a_look"),
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


def _day_address(day: date) -> str:
    return reverse("messaging:outbox") + OutboxFilter(first=day, last=day).address()


def _sent(ends: StackedBars) -> int:
    return next(total for series, total in ends.totals if series.key == "sent")


def _first_day(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=DAYS - 1)
