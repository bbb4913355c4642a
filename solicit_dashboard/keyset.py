"""Paging by the place in the order, never by an offset: the last page costs what the first does.

Several accounts are read one by one and merged, because no index holds the rows of several accounts
in the order of a moment.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet

PAGE_SIZE = 50
MOST_COUNTED = 10_000

FIRST_PAGE_NOTE = "Pages have no numbers here. This is the first one."
LAST_PAGE_NOTE = "Pages have no numbers here. This is the last one."

Place = tuple[datetime, int]


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: after this place, or before it when `backwards`."""

    place: Place
    backwards: bool = False


# Beyond all rows that can be: a page that is read backwards from here is the last one.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END = Cursor((EPOCH, 0), backwards=True)
END_ASCENDING = Cursor((datetime(9999, 12, 31, tzinfo=UTC), 2**62), backwards=True)


@dataclass(frozen=True)
class KeysetPage:
    """The ids of one page in their order, and the cursors of its neighbours ("" = there is none)."""

    ids: list[int]
    before: str
    after: str


@dataclass(frozen=True)
class Pager:
    """What templates/_components/pager.html shows: addresses, "" where there is none."""

    first: str
    previous: str
    next: str
    last: str
    summary: str


def keyset_page(
    querysets: Iterable[QuerySet[Any]],
    field: str,
    *,
    cursor: Cursor | None,
    size: int = PAGE_SIZE,
    descending: bool = True,
) -> KeysetPage:
    """The page of all these rows together, newest `field` first, the greater id first among equals.

    Not `descending`, the oldest and the smaller id come first. Each queryset takes one statement,
    which an index on (…, field, id) answers, whichever way it runs. Without a field ("") the order
    is that of the ids alone.
    """
    backwards = cursor is not None and cursor.backwards
    down = descending != backwards
    places: list[Place] = []
    for rows in querysets:
        if field and len(places) > size:
            # what lies beyond the last place found so far cannot be on the page
            rows = _within(rows, field, places[-1][0], down=down)
        found = _first_places(rows, field, cursor, down=down, number=size + 1)
        places = list(islice(heapq.merge(places, found, reverse=down), size + 1))
    more = len(places) > size
    places = places[:size]
    if backwards:
        places.reverse()
    has_before = more if backwards else cursor is not None
    has_after = cursor not in (END, END_ASCENDING) if backwards else more
    return KeysetPage(
        ids=[pk for _moment, pk in places],
        before=write_place(places[0]) if places and has_before else "",
        after=write_place(places[-1]) if places and has_after else "",
    )


def fetch(queryset: QuerySet[Any], ids: Sequence[int]) -> list[Any]:
    """The rows with these ids, in this order."""
    rows = {row.pk: row for row in queryset.filter(pk__in=ids)}
    return [rows[pk] for pk in ids if pk in rows]


def count_to(queryset: QuerySet[Any], most: int = MOST_COUNTED) -> int:
    """How many rows there are; one more than `most` stands for any greater number."""
    return queryset.order_by()[: most + 1].count()


def capped(number: int, most: int = MOST_COUNTED) -> str:
    """A count as people read it: 1,204, or 10,000+."""
    return f"{most:,}+" if number > most else f"{number:,}"


def read_cursor(after: str, before: str) -> Cursor | None:
    """The cursor of an address; raises BadRequest for one that no page of ours has made."""
    if after and before:
        raise BadRequest("Give “after” or “before”, not both.")
    text = after or before
    if not text:
        return None
    moment, _tilde, pk = text.partition("~")
    try:
        # microseconds since 1970: an address needs no escapes for it
        place = (EPOCH + timedelta(microseconds=int(moment)), int(pk))
    except (ValueError, OverflowError):
        raise BadRequest("This page does not exist. Go back to the first one.") from None
    if abs(place[1]) >= 2**63:
        raise BadRequest("This page does not exist. Go back to the first one.")
    return Cursor(place, backwards=bool(before))


def read_page(
    after: str, before: str, page: str, *, descending: bool = True
) -> tuple[Cursor | None, str]:
    """Where the page begins, and a note when the address names a page by its number.

    A number beyond the first stands for the last page, anything else for the first.
    """
    cursor = read_cursor(after, before)
    if cursor is not None or not page or page == "1":
        return cursor, ""
    if page == "last" or (page.isdecimal() and int(page[:9]) > 1):
        return (END if descending else END_ASCENDING), LAST_PAGE_NOTE
    return None, FIRST_PAGE_NOTE


def check_only_sort(given: str, name: str) -> None:
    """The address of a list with one order asks for that order or none; else raises BadRequest."""
    if given not in ("", name):
        raise BadRequest(f"sort: “{given[:40]}” is not known here. It can be: {name}.")


def write_place(place: Place) -> str:
    """The place as it stands in an address."""
    at, pk = place
    return f"{(at - EPOCH) // timedelta(microseconds=1)}~{pk}"


def pager(
    page: KeysetPage,
    *,
    shown: int,
    total: str,
    address: Callable[..., str],
    descending: bool = True,
) -> Pager:
    """The links around a page; `address` makes one from the cursor's name and value."""
    end = END if descending else END_ASCENDING
    return Pager(
        first=address() if page.before else "",
        previous=address(before=page.before) if page.before else "",
        next=address(after=page.after) if page.after else "",
        last=address(before=write_place(end.place)) if page.after else "",
        summary=f"{shown:,} of {total}",
    )


def _first_places(
    rows: QuerySet[Any], field: str, cursor: Cursor | None, *, down: bool, number: int
) -> list[Place]:
    """The places of the first rows beyond the cursor, in the direction of reading."""
    sign = "-" if down else ""
    if cursor is not None:
        rows = _beyond(rows, field, cursor, down=down)
    if not field:
        ids = rows.order_by(f"{sign}pk").values_list("pk", flat=True)[:number]
        return [(END.place[0], pk) for pk in ids]
    return list(rows.order_by(f"{sign}{field}", f"{sign}pk").values_list(field, "pk")[:number])


def _beyond(rows: QuerySet[Any], field: str, cursor: Cursor, *, down: bool) -> QuerySet[Any]:
    """The rows after the cursor, in the direction of reading."""
    at, pk = cursor.place
    way = "lt" if down else "gt"
    if not field:
        return rows.filter(**{f"pk__{way}": pk})
    # The first condition says nothing new, but is the range in the index. It stands before all
    # others, because SQLite begins at the first bound on a column that it meets.
    beyond = Q(**{f"{field}__{way}e": at}) & (
        Q(**{f"{field}__{way}": at}) | Q(**{f"pk__{way}": pk})
    )
    return _first_of_all(rows, field, beyond)


def _within(rows: QuerySet[Any], field: str, last: datetime, *, down: bool) -> QuerySet[Any]:
    """The rows that come no later than that moment, in the direction of reading."""
    return _first_of_all(rows, field, Q(**{f"{field}__{'gte' if down else 'lte'}": last}))


def _first_of_all(rows: QuerySet[Any], field: str, condition: Q) -> QuerySet[Any]:
    found = rows.filter(condition)
    if field not in rows.query.annotations:
        # moved, because putting two querysets together takes as long as the statement itself
        conditions, known = found.query.where.children, len(rows.query.where.children)
        conditions[:] = conditions[known:] + conditions[:known]
    return found
