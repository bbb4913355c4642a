"""Lines of text made into rows of cells, each row with the line on which it begins."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orders.csv_import.text import FileRefusedError

COMMA, SEMICOLON, TAB = ",", ";", "\t"
SEPARATORS = (COMMA, SEMICOLON, TAB)
SEPARATOR_NAMES = {COMMA: "comma", SEMICOLON: "semicolon", TAB: "tab"}
# Excel's own way to say which one it is.
_SAID = re.compile(r"\s*\"?sep=([,;\t])\"?\s*", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
# Where in a cell a letter stands.
_START, _BARE, _OPEN, _CLOSED = range(4)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row; `line` counts from 1. `fault` says why it could not be cut into cells."""

    line: int
    cells: Sequence[str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file that hold anything, and what separates their cells."""

    separator: str
    rows: list[Row]


def read_table(lines: Sequence[str]) -> Table:
    """The rows of these lines, without the empty ones; raises FileRefusedError for an open quote."""
    first = 0
    said = _SAID.fullmatch(lines[0]) if lines else None
    if said:
        separator, first = said[1], 1
    else:
        separator = _sniff(lines)
    cut = _cut_by_tabs if separator == TAB else _cut
    rows = [
        row
        for row in cut(lines[first:], separator, first)
        if row.fault or any(cell.strip() for cell in row.cells)
    ]
    return Table(separator, rows)


def _sniff(lines: Sequence[str]) -> str:
    """The separator that stands most often in the first line that holds anything; a comma if none."""
    line = next((line for line in lines if line.strip()), "")
    bare = _QUOTED.sub("", line)
    return max(SEPARATORS, key=bare.count)


def _cut(lines: Sequence[str], separator: str, before: int) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        begin = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            line = before + begin + 1
            if "unexpected end" in str(error) or "field limit" in str(error):
                line += _opening(lines[begin : reader.line_num], separator)
                raise FileRefusedError(f"Line {line:,}: quote never closed.") from None
            yield Row(line, (), "Something stands behind a closing quote.")
            continue
        yield Row(before + begin + 1, cells)


def _cut_by_tabs(lines: Sequence[str], separator: str, before: int) -> Iterator[Row]:
    """Amazon's reports have tabs and no quoting, so that a lone quote is part of a title."""
    for number, line in enumerate(lines, start=before + 1):
        cells = line.rstrip("\r\n").split(separator)
        yield Row(number, [_unquoted(cell) for cell in cells])


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell


def _opening(lines: Sequence[str], separator: str) -> int:
    """How many lines below the first of these the quote opens that is never closed."""
    opened, state = 0, _START
    for number, line in enumerate(lines):
        for letter in line:
            if state == _OPEN:
                state = _CLOSED if letter == '"' else _OPEN
            elif letter == '"' and state in (_START, _CLOSED):
                # a doubled quote closes and opens again
                opened = number if state == _START else opened
                state = _OPEN
            else:
                state = _START if letter == separator else _BARE
        if state != _OPEN:
            state = _START
    return opened
