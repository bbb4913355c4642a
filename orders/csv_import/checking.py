"""What the rows of a file say, and everything that is wrong in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from orders.csv_import.columns import BadCellError, Column, Shape, plain_name
from orders.csv_import.table import Row, Table
from orders.csv_import.text import FileRefusedError
from solicit_dashboard.csv_cells import read_cell

MOST_ROWS = 20_000
SHOWN_FAULTS = 100
LONGEST_SHOWN = 40
NO_ROWS = "The file has no rows."

Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in one cell, or with "" as column in the whole row; lines count from 1."""

    line: int
    column: str
    value: str
    sentence: str

    def __str__(self) -> str:
        place = f"line {self.line:,}"
        if self.column:
            place += f", {self.column} “{self.value}”"
        return f"{place}: {self.sentence}"


@dataclass(slots=True)
class Checked:
    """The rows that can be used, once for each key, and what was found besides.

    `read` counts rows without the names of columns, or without those the values; `bad` those with a
    fault, of which `faults` has the first 100; `repeats` those about something that stood before.
    """

    rows: dict[object, Values] = field(default_factory=dict)
    read: int = 0
    bad: int = 0
    repeats: int = 0
    faults: list[Fault] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def note(self, faults: Sequence[Fault]) -> None:
        """One more row is bad."""
        self.bad += 1
        self.faults += faults[: SHOWN_FAULTS - len(self.faults)]


def check(table: Table, shape: Shape, *, most_rows: int = MOST_ROWS) -> Checked:
    """Every row is read and checked; raises FileRefusedError when it cannot be told what is what."""
    if not table.rows:
        raise FileRefusedError(NO_ROWS)
    columns = _columns(table.rows[0], shape)
    checked = Checked()
    if columns is None:
        rows = _without_names(table.rows, shape)
    else:
        used = {id(column) for column in columns if column}
        checked.ignored = [
            shown(cell)
            for cell, column in zip(table.rows[0].cells, columns, strict=True)
            if column is None and cell.strip()
        ]
        assert id(shape.key) in used
        rows = iter(table.rows[1:])
    for row in rows:
        checked.read += 1
        if checked.read > most_rows:
            raise FileRefusedError(f"At most {most_rows:,} rows at a time. Split the file.")
        _take(checked, row, columns or [shape.key], shape)
    if not checked.read:
        raise FileRefusedError(NO_ROWS)
    return checked


def shown(value: str) -> str:
    """The value as a page or a terminal may show it, not too long."""
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in value.strip())
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _columns(first: Row, shape: Shape) -> list[Column | None] | None:
    """What each cell of the first row names, None where nothing of ours; None when it names nothing."""
    names = [plain_name(read_cell(cell)) for cell in first.cells]
    columns = [
        next((column for column in shape.columns if column.is_called(name)), None) for name in names
    ]
    for column in shape.columns:
        if columns.count(column) > 1:
            called = " and ".join(
                f"“{shown(cell)}”"
                for cell, one in zip(first.cells, columns, strict=True)
                if one is column
            )
            raise FileRefusedError(
                f"The column “{column.name}” stands there twice: {called}. Leave one."
            )
    if shape.key in columns:
        return columns
    if any(columns) or not _are_values(first, shape):
        present = ", ".join(f"“{shown(cell)}”" for cell in first.cells[:20] if cell.strip())
        raise FileRefusedError(
            f"The column “{shape.key.name}” is missing. The first line has: {present or 'nothing'}."
        )
    return None


def _are_values(first: Row, shape: Shape) -> bool:
    """Whether the first row can be values without a name above them."""
    cells = [read_cell(cell).strip() for cell in first.cells if cell.strip()]
    if len(cells) > 1:
        return shape.many_a_line and all(_is_readable(cell, shape.key) for cell in cells)
    # one with a digit may be a value with a slip in it, which is told with its line
    return any(_is_readable(cell, shape.key) or any(map(str.isdigit, cell)) for cell in cells)


def _is_readable(cell: str, column: Column) -> bool:
    try:
        column.read(cell)
    except BadCellError:
        return False
    return True


def _without_names(rows: Sequence[Row], shape: Shape) -> Iterator[Row]:
    """One row for each value."""
    for row in rows:
        if row.fault or not shape.many_a_line:
            yield row
            continue
        for cell in row.cells:
            if cell.strip():
                yield Row(row.line, [cell])


def _take(checked: Checked, row: Row, columns: Sequence[Column | None], shape: Shape) -> None:
    values, faults = _read(row, columns, shape)
    if faults:
        checked.note(faults)
        return
    key = values[shape.key.name]
    before = checked.rows.get(key)
    if before is None:
        checked.rows[key] = values
        return
    checked.repeats += 1
    if shape.newest and _is_newer(values.get(shape.newest), before.get(shape.newest)):
        checked.rows[key] = values


def _is_newer(moment: object, before: object) -> bool:
    """Of two rows without a moment, or with the same one, the first counts."""
    return moment is not None and (before is None or moment > before)  # type: ignore[operator]


def _read(row: Row, columns: Sequence[Column | None], shape: Shape) -> tuple[Values, list[Fault]]:
    if row.fault:
        return {}, [Fault(row.line, "", "", row.fault)]
    beyond = [cell for cell in row.cells[len(columns) :] if cell.strip()]
    if beyond:
        sentence = f"This row has {len(row.cells)} cells, the first line {len(columns)}."
        return {}, [Fault(row.line, "", "", sentence)]
    values: Values = {}
    faults = []
    for column, cell in zip(columns, row.cells, strict=False):
        text = read_cell(cell).strip()
        if column is None or not text:
            continue
        try:
            values[column.name] = column.read(text)
        except BadCellError as error:
            faults.append(Fault(row.line, column.name, shown(text), str(error)))
    if not faults and shape.key.name not in values:
        faults.append(Fault(row.line, shape.key.name, "", "This cell is empty."))
    return values, faults
