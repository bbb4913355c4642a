"""A delivery window as the list shows it."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.utils.html import strip_tags

from orders.templatetags.order_words import day_span


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ((2026, 10, 11, 8), (2026, 10, 13, 22), "11–13 Oct"),  # noqa: RUF001 - an en dash
        ((2026, 10, 30, 8), (2026, 11, 2, 22), "30 Oct – 2 Nov"),  # noqa: RUF001
        ((2026, 10, 11, 8), (2026, 10, 11, 22), "11 Oct"),
        ((2025, 12, 30, 8), (2025, 12, 31, 22), "30–31 Dec 2025"),  # noqa: RUF001
    ],
)
def test_a_window_is_shown_as_days(
    first: tuple[int, ...], last: tuple[int, ...], words: str
) -> None:
    with time_machine.travel(datetime(2026, 11, 20, tzinfo=UTC)):
        shown = day_span(datetime(*first, tzinfo=UTC), datetime(*last, tzinfo=UTC))  # type: ignore[misc, arg-type]
    assert strip_tags(shown) == words


def test_a_window_without_dates_shows_nothing() -> None:
    assert day_span(None, datetime(2026, 11, 20, tzinfo=UTC)) == ""
