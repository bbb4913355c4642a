"""Lines become rows of cells, whatever separates them, and an open quote is found."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.csv_import.table import read_table
from orders.csv_import.text import FileRefusedError, read_text


def rows(text: str) -> list[tuple[int, list[str]]]:
    return [(row.line, list(row.cells)) for row in read_table(read_text(text.encode()).lines).rows]


def refusal(text: str) -> str:
    with pytest.raises(FileRefusedError) as caught:
        rows(text)
    return str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_ends_of_lines_are_found_out(separator: str, end: str) -> None:
    text = end.join([f'a{separator}"b"', f"1{separator}2", "", f"3{separator}", ""])
    assert read_table(read_text(text.encode()).lines).separator == separator
    assert rows(text) == [(1, ["a", "b"]), (2, ["1", "2"]), (4, ["3", ""])]


def test_what_stands_in_quotes_does_not_decide_the_separator() -> None:
    assert rows('"a,b,c";d\n') == [(1, ["a,b,c", "d"])]


def test_excels_own_line_says_the_separator() -> None:
    assert rows("sep=;\na,b;c\n") == [(2, ["a,b", "c"])]


def test_a_cell_may_span_lines_and_the_row_has_its_first() -> None:
    assert rows('a,b\n"x\ny",2\nz,3\n') == [(1, ["a", "b"]), (2, ["x\ny", "2"]), (4, ["z", "3"])]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b\n" * 411 + '"1,2\n3,4\n', 412),
        ('"a\n', 1),
        ('a,b\n"x\ny","2\n', 3),
        ('a,b\n"x""y\n', 2),
        # longer than the csv module lets a cell be
        ("a,b\n" + '1,"' + "x\n" * 70_000 + '"\n', 2),
    ],
)
def test_a_quote_that_is_never_closed_is_told_with_its_line(text: str, line: int) -> None:
    assert refusal(text) == f"Line {line:,}: quote never closed."


def test_text_behind_a_closing_quote_spoils_its_own_row_alone() -> None:
    table = read_table(["a,b\n", '"1"x,2\n', "3,4\n"])
    assert [row.fault != "" for row in table.rows] == [False, True, False]
    assert table.rows[1].line == 2


def test_with_tabs_a_lone_quote_is_part_of_a_title() -> None:
    assert rows('n\tt\n1\t5" pipe\n2\t"a ""b"""\n') == [
        (1, ["n", "t"]),
        (2, ["1", '5" pipe']),
        (3, ["2", 'a "b"']),
    ]


@given(
    st.lists(
        st.lists(st.text(alphabet='ab",;\n\r x', max_size=6), min_size=2, max_size=2),
        min_size=1,
        max_size=6,
    )
)
def test_what_a_writer_of_csv_wrote_is_read_back(table: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["name,", "other"], *table])
    read = rows(file.getvalue())
    assert [cells for _line, cells in read[1:]] == [
        cells for cells in table if any(cell.strip() for cell in cells)
    ]
