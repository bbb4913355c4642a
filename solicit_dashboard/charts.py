"""The geometry of the charts, worked out here and drawn by templates as SVG; colours are CSS.

Each chart carries its numbers too, for the table that stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

BAR_STEP = 10.0  # units of the drawing from one bar to the next
BAR_WIDTH = 7.0
PLOT_HEIGHT = 100.0
LEAST_HEIGHT = 1.5  # a mark that stands for something is never too low to be seen
DAYS_BETWEEN_LABELS = 7

CELL_WIDTH = 44
CELL_HEIGHT = 36
CELL_GAP = 4
HEAT_LEVELS = 4
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Series:
    """One kind of thing that is counted; `tone` ends the CSS class of its marks (chart-good)."""

    key: str
    name: str
    tone: str


@dataclass(frozen=True)
class Mark:
    """One rectangle of the drawing, in its units, with what it says on hover."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    title: str


@dataclass(frozen=True)
class DayRow:
    """One day in figures: its values stand in the order of the series."""

    day: date
    values: list[int]
    names: list[str]

    @property
    def total(self) -> int:
        """All series together."""
        return sum(self.values)

    @property
    def named(self) -> list[tuple[str, int]]:
        """Each series' name with its value."""
        return list(zip(self.names, self.values, strict=True))


@dataclass(frozen=True)
class StackedBars:
    """A bar for each day, its series on top of one another."""

    label: str
    series: list[Series]
    rows: list[DayRow]
    marks: list[Mark]
    day_labels: list[str]
    top: int
    width: float
    height: float = PLOT_HEIGHT

    @property
    def totals(self) -> list[tuple[Series, int]]:
        """Each series with its sum over all days, for the legend."""
        return [
            (series, sum(row.values[position] for row in self.rows))
            for position, series in enumerate(self.series)
        ]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is counted on any day."""
        return not any(row.total for row in self.rows)


@dataclass(frozen=True)
class Cell:
    """One day of a calendar; `level` is its heat from 0 (nothing) to HEAT_LEVELS (the most)."""

    day: date
    value: int
    level: int
    x: int
    y: int
    title: str

    @property
    def middle(self) -> int:
        """The x at which its text is centred."""
        return self.x + CELL_WIDTH // 2


@dataclass(frozen=True)
class Calendar:
    """Days as cells in weeks that begin on Monday, the warmer the higher the value."""

    label: str
    verb: str
    cells: list[Cell]
    weekdays: list[tuple[str, int]]
    width: int
    height: int
    cell_width: int = CELL_WIDTH
    cell_height: int = CELL_HEIGHT

    @property
    def total(self) -> int:
        """All days together."""
        return sum(cell.value for cell in self.cells)


def stacked_bars(
    label: str,
    series: Sequence[Series],
    first: date,
    days: int,
    values: Mapping[tuple[date, str], int],
) -> StackedBars:
    """A bar for each of so many days from `first`; what `values` does not name is 0."""
    names = [entry.name for entry in series]
    rows = [
        DayRow(day, [values.get((day, entry.key), 0) for entry in series], names)
        for day in (first + timedelta(days=offset) for offset in range(days))
    ]
    top = round_up(max((row.total for row in rows), default=0))
    marks = []
    for position, row in enumerate(rows):
        y = PLOT_HEIGHT
        for entry, value in zip(series, row.values, strict=True):
            if not value:
                continue
            height = max(LEAST_HEIGHT, value / top * PLOT_HEIGHT)
            y = max(0.0, y - height)
            marks.append(
                Mark(
                    x=round(position * BAR_STEP + (BAR_STEP - BAR_WIDTH) / 2, 2),
                    y=round(y, 2),
                    width=BAR_WIDTH,
                    height=round(height, 2),
                    tone=entry.tone,
                    title=f"{day_in_words(row.day)}: {value:,} {entry.name.lower()}",
                )
            )
    return StackedBars(
        label=label,
        series=list(series),
        rows=rows,
        marks=marks,
        day_labels=[
            short_day(row.day) if (days - 1 - position) % DAYS_BETWEEN_LABELS == 0 else ""
            for position, row in enumerate(rows)
        ],
        top=top,
        width=days * BAR_STEP,
    )


def calendar(label: str, verb: str, first: date, days: int, values: Mapping[date, int]) -> Calendar:
    """A cell for each of so many days from `first`; `verb` says what the number does ("close")."""
    most = max(values.values(), default=0)
    start = first - timedelta(days=first.weekday())
    head = 18  # room for the names of the weekdays
    cells = []
    for offset in range(days):
        day = first + timedelta(days=offset)
        value = values.get(day, 0)
        week, weekday = divmod((day - start).days, 7)
        cells.append(
            Cell(
                day=day,
                value=value,
                level=heat(value, most),
                x=weekday * (CELL_WIDTH + CELL_GAP),
                y=head + week * (CELL_HEIGHT + CELL_GAP),
                title=f"{day_in_words(day)}: {value:,} {verb}",
            )
        )
    return Calendar(
        label=label,
        verb=verb,
        cells=cells,
        weekdays=[
            (name, position * (CELL_WIDTH + CELL_GAP) + CELL_WIDTH // 2)
            for position, name in enumerate(WEEKDAYS)
        ],
        width=7 * CELL_WIDTH + 6 * CELL_GAP,
        height=max((cell.y for cell in cells), default=head) + CELL_HEIGHT,
    )


def heat(value: int, most: int) -> int:
    """0 for nothing, else 1 to HEAT_LEVELS by the share of the most."""
    if value <= 0 or most <= 0:
        return 0
    return min(HEAT_LEVELS, 1 + value * HEAT_LEVELS // (most + 1))


def round_up(value: int) -> int:
    """The next 2, 4, 6, 8 or 10 with noughts that is not smaller: the top of an axis."""
    size = 1
    while True:
        for step in (2, 4, 6, 8, 10):
            if step * size >= value:
                return step * size
        size *= 10


def short_day(day: date) -> str:
    """A day as axes name it: 20 Nov."""
    return f"{day.day} {day:%b}"


def day_in_words(day: date) -> str:
    """A day as a sentence begins with it: Fri 20 Nov."""
    return f"{day:%a} {short_day(day)}"
