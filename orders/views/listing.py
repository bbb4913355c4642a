"""Which orders a page of the list shows, and the counts around it, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from orders.views.filters import Narrowing, OrderFilter
from orders.views.pills import ALL, PILLS, Pill
from solicit_dashboard.counting import Part, count_each
from solicit_dashboard.keyset import (
    MOST_COUNTED,
    PAGE_SIZE,
    Cursor,
    KeysetPage,
    Pager,
    keyset_page,
    pager,
)

# From so many runs of an index on, it is cheaper to let the database sort.
MOST_BRANCHES = 60
# How many orders of a pill are looked through at most to count it, or those of them that a filter
# leaves: of the current one MOST_COUNTED, of another one so many.
LOOKED_THROUGH = 5_000
LOOKED_THROUGH_FOR_A_TEXT = 1_000  # each with a look at its items


@dataclass(frozen=True)
class Tally:
    """A number of orders; when it is not exact, there are at least so many."""

    number: int
    is_exact: bool = True

    def __str__(self) -> str:
        return f"{self.number:,}" if self.is_exact else f"{self.number:,}+"


@dataclass(frozen=True)
class PillCount:
    """A pill as it is shown; `tally` is None where counting would take too long to find any."""

    label: str
    url: str
    tally: Tally | None
    is_current: bool


def read_list(
    filters: OrderFilter,
    narrowing: Narrowing,
    cursor: Cursor | None,
    *,
    at: datetime,
    size: int = PAGE_SIZE,
) -> KeysetPage:
    """The ids of the page at that place of the list."""
    branches = filters.pill.branches(narrowing.account_ids, at)
    if narrowing.by_text == "few" or len(branches) > MOST_BRANCHES:
        branches = [filters.pill.sortable(filters.pill.matching(narrowing.orders, at))]
    return keyset_page(
        [branch.filter(narrowing.q) if narrowing.q else branch for branch in branches],
        filters.sort.key,
        cursor=cursor,
        size=size,
        descending=filters.is_descending,
    )


def list_pager(page: KeysetPage, filters: OrderFilter, total: Tally) -> Pager:
    """The links around the page."""

    def address(**place: str) -> str:
        query = filters.query()
        return "?" + "&".join(
            [*([query] if query else []), *(f"{k}={v}" for k, v in place.items())]
        )

    return pager(
        page,
        shown=len(page.ids),
        total=f"{total} orders" if total.number != 1 else "1 order",
        address=address,
        descending=filters.is_descending,
    )


def count_pills(filters: OrderFilter, narrowing: Narrowing, *, at: datetime) -> list[PillCount]:
    """Every pill with the number of its orders under the same filters, in one query."""
    base = reverse("orders:list")
    # a text that fits many is looked for in the current pill alone
    counted = [pill for pill in PILLS if narrowing.by_text != "many" or pill is filters.pill]
    tallies = dict(
        zip(counted, _tallies(counted, narrowing, at, current=filters.pill), strict=True)
    )
    counts = []
    for pill in PILLS:
        query = filters.query(pill=pill, sort_name="", direction="")
        url = f"{base}?{query}" if query else base
        tally = tallies.get(pill)
        if tally is not None and not tally.is_exact and not tally.number:
            tally = None
        counts.append(PillCount(pill.label, url, tally, pill is filters.pill))
    return counts


def tally_of_list(page: KeysetPage, counted: Tally | None) -> Tally:
    """How many orders the list of this page has; never fewer than can be seen."""
    if not page.before and not page.after:
        return Tally(len(page.ids))
    seen = len(page.ids) + bool(page.before) + bool(page.after)
    if counted is None or (not counted.is_exact and counted.number < seen):
        return Tally(seen, is_exact=False)
    return counted


def count_pill(pill: Pill, narrowing: Narrowing, *, at: datetime) -> Tally:
    """How many of these orders stand in the pill, the current one; many are not counted to the end."""
    return _tallies([pill], narrowing, at, current=pill)[0]


def _tallies(
    pills: Sequence[Pill], narrowing: Narrowing, at: datetime, *, current: Pill
) -> list[Tally]:
    limits = [_most_looked_through(narrowing, is_current=pill is current) for pill in pills]
    parts = [
        _part(pill, narrowing, at, most and most + 1)
        for pill, most in zip(pills, limits, strict=True)
    ]
    return [
        Tally(fitting)
        if most is None or rows <= most
        else Tally(min(fitting, most), is_exact=False)
        for (rows, fitting), most in zip(count_each(parts), limits, strict=True)
    ]


def _part(pill: Pill, narrowing: Narrowing, at: datetime, most: int | None) -> Part:
    rows = pill.matching(narrowing.orders, at)
    if narrowing.by_text == "few":
        return Part(rows, most)
    if pill is ALL:
        # of these alone an index holds the days
        return Part(rows.filter(narrowing.days), most, narrowing.besides_days or None)
    return Part(rows, most, narrowing.q or None)


def _most_looked_through(narrowing: Narrowing, *, is_current: bool) -> int | None:
    """How many orders of a pill are looked at to count it; None when all are, because they are few."""
    if narrowing.by_text == "few":
        return None
    if narrowing.by_text:
        return LOOKED_THROUGH_FOR_A_TEXT
    return MOST_COUNTED if is_current else LOOKED_THROUGH
