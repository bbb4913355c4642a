"""Pages by place: every row once, in order, forwards and backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import BadRequest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent, AuditKind
from solicit_dashboard.keyset import (
    END,
    END_ASCENDING,
    Cursor,
    KeysetPage,
    capped,
    count_to,
    fetch,
    keyset_page,
    pager,
    read_cursor,
    write_place,
)

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _rows(*minutes: int) -> list[int]:
    """One row for each, at so many minutes from the start; their ids, newest first."""
    rows = AuditEvent.objects.bulk_create(
        AuditEvent(
            kind=AuditKind.LOGGED_IN,
            at=START + timedelta(minutes=minute),
            account_id=position % 3,
        )
        for position, minute in enumerate(minutes)
    )
    ordered = sorted(rows, key=lambda row: (row.at, row.pk), reverse=True)
    return [row.pk for row in ordered]


def _by_account() -> list[object]:
    return [AuditEvent.objects.filter(account_id=account) for account in range(3)]


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_pages_show_every_row_once_in_order(size: int) -> None:
    expected = _rows(5, 3, 3, 3, 9, 1, 1, 0, 7, 3)
    forwards, cursor = [], None
    while True:
        page = keyset_page(_by_account(), "at", cursor=cursor, size=size)
        forwards.append(page)
        if not page.after:
            break
        cursor = read_cursor(page.after, "")
    assert [pk for page in forwards for pk in page.ids] == expected
    assert forwards[0].before == ""
    backwards = [forwards[-1]]
    while backwards[0].before:
        cursor = read_cursor("", backwards[0].before)
        backwards.insert(0, keyset_page(_by_account(), "at", cursor=cursor, size=size))
    assert [page.ids for page in backwards] == [page.ids for page in forwards]


@pytest.mark.django_db
def test_the_last_page_is_reached_at_once() -> None:
    expected = _rows(5, 3, 3, 9, 1)
    page = keyset_page(_by_account(), "at", cursor=END, size=2)
    assert page.ids == expected[-2:]
    assert page.after == ""
    assert page.before
    assert read_cursor("", write_place(END.place)) == END


def test_a_pager_links_only_where_there_is_something() -> None:
    def address(**cursor: str) -> str:
        return f"?{cursor}"

    only = pager(KeysetPage([1], "", ""), shown=1, total="1", address=address)
    assert (only.first, only.previous, only.next, only.last) == ("", "", "", "")
    assert only.summary == "1 of 1"
    middle = pager(KeysetPage([1], "b", "a"), shown=50, total="10,000+", address=address)
    assert middle.first == "?{}"
    assert middle.previous == "?{'before': 'b'}"
    assert middle.next == "?{'after': 'a'}"
    assert middle.last == "?{'before': '0~0'}"


@pytest.mark.django_db
def test_the_other_direction_shows_the_same_rows_the_other_way_round() -> None:
    expected = _rows(5, 3, 3, 3, 9, 1, 1, 0, 7, 3)[::-1]
    first = keyset_page(_by_account(), "at", cursor=None, size=6, descending=False)
    cursor = read_cursor(first.after, "")
    second = keyset_page(_by_account(), "at", cursor=cursor, size=6, descending=False)
    assert first.ids + second.ids == expected
    assert (first.before, second.after) == ("", "")
    back = read_cursor("", second.before)
    assert keyset_page(_by_account(), "at", cursor=back, size=6, descending=False) == first
    links = pager(first, shown=6, total="10", address=lambda **at: str(at), descending=False)
    assert links.last == str({"before": write_place(END_ASCENDING.place)})
    last = keyset_page(_by_account(), "at", cursor=END_ASCENDING, size=6, descending=False)
    assert (last.ids, last.after) == (expected[4:], "")


@pytest.mark.django_db
def test_without_a_field_the_ids_alone_are_the_order() -> None:
    expected = sorted(_rows(5, 3, 9, 1, 7), reverse=True)
    first = keyset_page(_by_account(), "", cursor=None, size=3)
    second = keyset_page(_by_account(), "", cursor=read_cursor(first.after, ""), size=3)
    assert first.ids + second.ids == expected
    assert second.after == ""
    again = keyset_page(_by_account(), "", cursor=read_cursor("", second.before), size=3)
    assert again.ids == first.ids
    assert keyset_page(_by_account(), "", cursor=END, size=2).ids == expected[-2:]


@pytest.mark.django_db
def test_nothing_has_one_empty_page() -> None:
    page = keyset_page(_by_account(), "at", cursor=None)
    assert (page.ids, page.before, page.after) == ([], "", "")
    assert keyset_page([], "at", cursor=None).ids == []


@pytest.mark.django_db
def test_rows_come_in_the_order_of_their_ids() -> None:
    ids = _rows(1, 2, 3)
    assert [row.pk for row in fetch(AuditEvent.objects.all(), ids[::-1])] == ids[::-1]


@pytest.mark.django_db
def test_counting_ends_at_the_cap() -> None:
    _rows(*range(5))
    assert count_to(AuditEvent.objects.all(), 9) == 5
    assert count_to(AuditEvent.objects.all(), 3) == 4
    assert (capped(5), capped(1204), capped(10_001)) == ("5", "1,204", "10,000+")


@given(
    st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 1, 1)),  # noqa: DTZ001
    st.integers(1, 2**63 - 1),
)
def test_a_place_survives_the_address_to_the_microsecond(at: datetime, pk: int) -> None:
    place = (at.replace(tzinfo=UTC), pk)
    assert read_cursor(write_place(place), "") == Cursor(place)
    assert read_cursor("", write_place(place)) == Cursor(place, backwards=True)


@pytest.mark.parametrize(
    "text", ["x", "1", "~", "1~x", "x~1", "9e9~1", "9" * 40 + "~1", "1~" + "9" * 40, "1~1~1", "²~1"]
)
def test_a_cursor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        read_cursor(text, "")


def test_two_cursors_are_refused() -> None:
    with pytest.raises(BadRequest):
        read_cursor("1~1", "1~1")
