"""What the charts draw is what they count."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solicit_dashboard.charts import (
    HEAT_LEVELS,
    LEAST_HEIGHT,
    PLOT_HEIGHT,
    Series,
    calendar,
    heat,
    round_up,
    stacked_bars,
)

FIRST = date(2026, 10, 22)
SERIES = [Series("sent", "Sent", "good"), Series("refused", "Refused", "bad")]


def test_bars_stand_for_their_numbers_and_on_one_another() -> None:
    day = date(2026, 10, 23)
    chart = stacked_bars("What", SERIES, FIRST, 30, {(day, "sent"): 30, (day, "refused"): 10})
    assert chart.top == 40
    sent, refused = chart.marks
    assert (sent.height, refused.height) == (75.0, 25.0)
    assert sent.y + sent.height == PLOT_HEIGHT
    assert refused.y + refused.height == sent.y
    assert sent.x == refused.x == 11.5
    assert (sent.tone, refused.tone) == ("good", "bad")
    assert sent.title == "Fri 23 Oct: 30 sent"


def test_the_table_has_every_day_and_the_legend_every_sum() -> None:
    values = {(FIRST, "sent"): 3, (date(2026, 11, 20), "sent"): 4, (FIRST, "refused"): 1}
    chart = stacked_bars("What", SERIES, FIRST, 30, values)
    assert len(chart.rows) == len(chart.day_labels) == 30
    assert chart.rows[0].values == [3, 1]
    assert chart.rows[0].total == 4
    assert [(series.name, total) for series, total in chart.totals] == [("Sent", 7), ("Refused", 1)]
    assert chart.day_labels[-1] == "20 Nov"
    assert next(label for label in chart.day_labels if label) == "23 Oct"


def test_a_day_outside_the_chart_is_not_drawn() -> None:
    chart = stacked_bars("What", SERIES, FIRST, 30, {(date(2026, 10, 21), "sent"): 5})
    assert chart.is_empty
    assert chart.marks == []


def test_one_among_many_is_still_to_be_seen() -> None:
    values = {(FIRST, "sent"): 100_000, (FIRST, "refused"): 1}
    _sent, refused = stacked_bars("What", SERIES, FIRST, 1, values).marks
    assert refused.height == LEAST_HEIGHT


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=40))
def test_marks_stay_inside_the_drawing(numbers: list[tuple[int, int]]) -> None:
    days = [date.fromordinal(FIRST.toordinal() + offset) for offset in range(len(numbers))]
    values = {
        (day, key): number
        for day, pair in zip(days, numbers, strict=True)
        for key, number in zip(("sent", "refused"), pair, strict=True)
    }
    chart = stacked_bars("What", SERIES, FIRST, len(numbers), values)
    assert len(chart.marks) == sum(1 for pair in numbers for number in pair if number)
    for mark in chart.marks:
        assert 0 <= mark.y <= PLOT_HEIGHT
        assert mark.x >= 0
        assert mark.x + mark.width <= chart.width


@pytest.mark.parametrize(
    ("value", "top"), [(0, 2), (2, 2), (5, 6), (9, 10), (11, 20), (27, 40), (61, 80), (1204, 2000)]
)
def test_an_axis_ends_at_a_round_number(value: int, top: int) -> None:
    assert round_up(value) == top


def test_a_calendar_puts_days_into_their_weeks() -> None:
    # 22 October 2026 is a Thursday
    chart = calendar("What", "close", FIRST, 30, {FIRST: 4, date(2026, 10, 26): 1})
    thursday, friday = chart.cells[:2]
    monday = chart.cells[4]
    assert (thursday.y, friday.x - thursday.x) == (friday.y, 48)
    assert monday.x == 0
    assert monday.y > thursday.y
    assert (thursday.level, friday.level, monday.level) == (HEAT_LEVELS, 0, 1)
    assert thursday.title == "Thu 22 Oct: 4 close"
    assert chart.total == 5
    assert max(cell.y for cell in chart.cells) + chart.cell_height == chart.height


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_heat_grows_with_the_value(value: int, most: int) -> None:
    level = heat(min(value, most), most)
    assert 0 <= level <= HEAT_LEVELS
    assert (level == 0) == (min(value, most) == 0)
    assert level <= heat(most, most)
