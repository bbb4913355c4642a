"""The charts of the first page: how each day ended, and when windows close and open. Days are of UTC."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, DateField, Func, Q
from django.db.models.sql.compiler import SQLCompiler

from messaging.models import OutgoingAction
from messaging.states import Status
from orders.eligibility import ReviewWindow
from orders.models import Order
from solicit_dashboard.charts import Calendar, Series, StackedBars, calendar, stacked_bars

DAYS = 30

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


def ends_by_day(account_ids: Collection[int], now: datetime) -> StackedBars:
    """What was asked for and how it ended, on each of the last DAYS days of UTC."""
    first = first_day(now)
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


def first_day(now: datetime) -> date:
    """The first of the last DAYS days of UTC, today among them."""
    return now.astimezone(UTC).date() - timedelta(days=DAYS - 1)
