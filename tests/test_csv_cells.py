"""No exported cell is a formula, and none is lost."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solicit_dashboard.csv_cells import read_cell, safe_cell

CELLS = st.text(alphabet=st.sampled_from("'=+-@\t\r\0a1 \"<"), max_size=6) | st.text()


@given(CELLS)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not safe_cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\0"))


@given(CELLS)
def test_a_cell_comes_back_as_it_was(text: str) -> None:
    assert read_cell(safe_cell(text)) == text


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_cell_survives_the_file(text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([safe_cell(text), "end"])
    file.seek(0)
    assert next(csv.reader(file)) == [safe_cell(text), "end"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("-1", "'-1"),
        ("'=1", "''=1"),
        ("Mug, 350 ml", "Mug, 350 ml"),
        ("'tis", "'tis"),
        ("", ""),
    ],
)
def test_only_formulas_are_changed(text: str, cell: str) -> None:
    assert safe_cell(text) == cell
