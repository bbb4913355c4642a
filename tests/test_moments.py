"""Moments and lengths of time in words."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from solicit_dashboard.moments import (
    exact_words,
    full_day_words,
    moment_words,
    near_words,
    relative_words,
    short_day_words,
    span_words,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
THEN = datetime(2024, 7, 1, 22, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOON + timedelta(seconds=9), "12:00:09"),
        (NOON - timedelta(seconds=59), "11:59:01"),
        (NOON + timedelta(hours=2), "14:00"),
        (NOON + timedelta(hours=12), "tomorrow 00:00"),
        (NOON + timedelta(hours=36), "22 Nov"),
        (NOON - timedelta(hours=13), "19 Nov"),
        (NOON + timedelta(days=50), "9 Jan 2027"),
    ],
)
def test_a_moment_is_said_as_one_says_it(moment: datetime, words: str) -> None:
    assert near_words(moment, NOON) == words


def test_a_moment_is_said_in_the_zone_of_the_reader() -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert near_words(NOON + timedelta(hours=2), NOON) == "23:00"
        assert near_words(NOON + timedelta(hours=3), NOON) == "tomorrow 00:00"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=71), "71 h"),
        (timedelta(hours=72), "3 days"),
        (timedelta(days=400), "400 days"),
    ],
)
def test_a_span_is_said_in_its_largest_unit(span: timedelta, words: str) -> None:
    assert span_words(span) == words
    assert relative_words(THEN + span, THEN) in (f"in {words}", f"{words} ago")
    assert relative_words(THEN - span, THEN) == f"{words} ago"


@pytest.mark.parametrize("month", range(1, 13))
def test_a_day_has_the_name_of_its_month(month: int) -> None:
    day = datetime(2025, month, 3, tzinfo=UTC)
    assert full_day_words(day) == f"3 {calendar.month_name[month]} 2025"
    assert short_day_words(day) == f"3 {calendar.month_abbr[month]}"


def test_an_exact_moment_names_its_zone() -> None:
    there = THEN.astimezone(ZoneInfo("Asia/Tokyo"))
    assert exact_words(there) == "2 July 2024 07:30:05 JST"


@time_machine.travel(NOON, tick=False)
def test_a_moment_has_its_year_when_it_is_another() -> None:
    assert moment_words(NOON - timedelta(days=10)) == "10 Nov 12:00"
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert moment_words(THEN) == "2 Jul 2024 07:30"
        # there the year has begun already
        assert moment_words(datetime(2026, 12, 31, 20, tzinfo=UTC)) == "1 Jan 2027 05:00"
