"""The admin as an audit: everything can be read, nothing can be changed, and a million rows are no harm.

What makes Django's lists slow is left out: the full count, the unbounded hierarchy of dates, facets,
sorting by any column, search by LIKE over every field.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from orders.models import Order
from orders.numbers import clean_order_number, is_beginning, number_range
from sellers.models import SellerAccount
from solicit_dashboard.keyset import count_to, fetch

MOST_COUNTED = 10_000
MOST_FOUND = 1_000  # orders with one beginning of their number
# Rows that are found by an index and sorted by id; more lie dense in the list's own order.
MOST_SORTED = 20_000
MONTHS = 12

# Generic for mypy, and not for Django.
if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyTabularInline = admin.TabularInline[Any, Any]
    AnyPaginator = Paginator[Any]
else:
    AnyModelAdmin = admin.ModelAdmin
    AnyTabularInline = admin.TabularInline
    AnyPaginator = Paginator


class CappedPaginator(AnyPaginator):
    """Counts to MOST_COUNTED and no further, so that the first page does not wait for a full count.

    `counted` holds the same rows as the list, in a form that is faster to count. A page is found by
    its ids, which an index can sort, and only then fetched from `unfiltered`: told the conditions of
    the list again, SQLite would look them up instead of the ids.
    """

    counted: QuerySet[Any] | None = None
    unfiltered: QuerySet[Any] | None = None

    @cached_property
    def count(self) -> int:
        """How many rows can be paged through."""
        return min(self._counted, MOST_COUNTED)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than can be paged through."""
        return self._counted > MOST_COUNTED

    @property
    def most(self) -> int:
        """Where counting ends."""
        return MOST_COUNTED

    def page(self, number: int | str) -> Page[Any]:
        """The page of that number; raises InvalidPage for none."""
        number = self.validate_number(number)
        rows = cast("QuerySet[Any]", self.object_list)
        first = (number - 1) * self.per_page
        ids = rows.prefetch_related(None).values_list("pk", flat=True)
        found = list(ids[first : first + self.per_page])
        whole = rows if self.unfiltered is None else self.unfiltered
        return Page(fetch(whole.order_by(), found), number, self)

    @cached_property
    def _counted(self) -> int:
        rows = self.object_list if self.counted is None else self.counted
        return count_to(cast("QuerySet[Any]", rows), MOST_COUNTED)


class _OnlyRead:
    """Nobody adds, changes or deletes, whatever their permissions."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(_OnlyRead, AnyTabularInline):
    """Rows of a record on its page."""

    template = "admin/record_rows.html"
    extra = 0
    can_delete = False
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # said for all, because a form refuses fields that are never edited, such as created_at
        return self.fields or ()


class ReadOnlyAdmin(_OnlyRead, AnyModelAdmin):
    """A list and a page for each row; `search_order` leads from the row to its order ("" = itself).

    Only the lookups of `list_filter` and those in `linked_lookups` may stand in the address.
    """

    actions = None
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50
    sortable_by = ()
    change_form_template = "admin/record.html"
    list_select_related = ()
    prefetched: tuple[str, ...] = ()
    search_order: str | None = None
    day_field: str | None = None
    is_led = False  # whether the index of `day_field` begins with the account
    ordering_in_account: tuple[str, ...] = ()  # as an index behind the account has it
    linked_lookups: tuple[str, ...] = ()

    def get_ordering(self, request: HttpRequest) -> Any:
        if self.ordering_in_account and "account__id__exact" in request.GET:
            return self.ordering_in_account
        return super().get_ordering(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related(*self.prefetched)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # what is not empty makes the search box; get_search_results decides what it does
        return ("pk",) if self.search_order is not None or self.day_field else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows of the orders whose number begins so, or those of one day; never a LIKE."""
        text = search_term.strip()
        if not text or not self.get_search_fields(request):
            return queryset, False
        number = clean_order_number(text)
        if self.search_order is not None and is_beginning(number):
            orders = Order.objects.filter(amazon_order_id__range=number_range(number))
            found = led_by_account(orders).order_by().values("pk")[:MOST_FOUND]
            path = f"{self.search_order}__in" if self.search_order else "pk__in"
            return queryset.filter(**{path: found}), False
        day = _parse_day(text)
        if day is not None and self.day_field:
            rows = led_by_account(queryset) if self.is_led else queryset
            return _between(rows, self.day_field, day, day + timedelta(days=1)), False
        messages.warning(request, f"“{text[:40]}” was not understood. {self.search_help_text}")
        return queryset.none(), False

    def get_paginator(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> CappedPaginator:
        """The capped paginator, which counts by an index where a filter can use one."""
        paginator = CappedPaginator(queryset, *args, **kwargs)
        paginator.unfiltered = self.get_queryset(request)
        if any(_is_led_by(entry, request) for entry in self.list_filter):
            paginator.counted = led_by_account(queryset)
        return paginator

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Whether the address may filter by this: by the filters shown, and by our own links."""
        allowed = set(self.linked_lookups)
        for entry in self.list_filter:
            name = entry[0] if isinstance(entry, tuple) else entry
            if isinstance(name, str):
                allowed |= {name, f"{name}__exact", f"{name}__id__exact", f"{name}__isnull"}
            elif hasattr(name, "parameter_name"):
                allowed.add(name.parameter_name)
        return lookup in allowed


SEARCH_HELP = "An order number or its beginning, or a day such as 2026-03-14."


class PeriodFilter(admin.SimpleListFilter):
    """Fixed spans of time instead of a hierarchy that reads the whole table; in UTC."""

    title = "when"
    parameter_name = "when"
    field = ""
    is_led = False

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, str]]:
        today = timezone.now().astimezone(UTC).date()
        return [
            ("today", "Today"),
            ("7", "Past 7 days"),
            ("30", "Past 30 days"),
            *((f"{month:%Y-%m}", f"{month:%B %Y}") for month in _months_back(today)),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        today = timezone.now().astimezone(UTC).date()
        spans = {
            "today": (today, today + timedelta(days=1)),
            "7": (today - timedelta(days=6), today + timedelta(days=1)),
            "30": (today - timedelta(days=29), today + timedelta(days=1)),
            **{f"{month:%Y-%m}": (month, _next_month(month)) for month in _months_back(today)},
        }
        if value not in spans:
            return queryset
        rows = led_by_account(queryset) if self.is_led else queryset
        return _between(rows, self.field, *spans[value])


def period_filter(name: str, title: str, *, is_led: bool = False) -> type[PeriodFilter]:
    """A filter by fixed spans of this field; `is_led`: its index begins with the account."""
    attributes = {"field": name, "title": title, "is_led": is_led}
    return type("PeriodFilter", (PeriodFilter,), attributes)


class AccountLedFilter(admin.SimpleListFilter):
    """A filter by a column that our indexes hold behind the account.

    A few rows are found by that index, for which all accounts are named, and sorted. Many rows are
    quicker found by walking along the order of the list.
    """

    choices_of: Sequence[tuple[str, str]] = ()

    def lookups(
        self, request: HttpRequest, model_admin: AnyModelAdmin
    ) -> Sequence[tuple[str, str]]:
        return self.choices_of

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        rows = queryset.filter(**{str(self.parameter_name): value})
        led = led_by_account(rows)
        return led if count_to(led, MOST_SORTED) <= MOST_SORTED else rows


def account_led_filter(
    name: str, title: str, choices: Sequence[tuple[str, str]]
) -> type[AccountLedFilter]:
    """A filter by the values of this column, found through an index that begins with the account."""
    return type(
        "AccountLedFilter",
        (AccountLedFilter,),
        {"parameter_name": name, "title": title, "choices_of": tuple(choices)},
    )


def led_by_account(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """The same rows, in the form that can use an index whose first column is the account."""
    return queryset.filter(account_id__in=list(SellerAccount.objects.values_list("pk", flat=True)))


def _is_led_by(entry: Any, request: HttpRequest) -> bool:
    return (
        isinstance(entry, type)
        and issubclass(entry, AccountLedFilter)
        and entry.parameter_name in request.GET
    )


def _between(queryset: QuerySet[Any], field: str, first: date, end: date) -> QuerySet[Any]:
    """The rows whose moment lies in these days of UTC, the last not included."""
    return queryset.filter(
        **{f"{field}__gte": _midnight(first), f"{field}__lt": _midnight(end)},
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _months_back(today: date) -> list[date]:
    month = today.replace(day=1)
    months = []
    for _step in range(MONTHS):
        months.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return months


def _next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
