"""Every row is read, every fault is told with its place, and nothing is guessed."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.csv_import.checking import Checked, check
from orders.csv_import.columns import EXCLUSIONS, ORDERS
from orders.csv_import.table import read_table
from orders.csv_import.text import FileRefusedError, read_text
from orders.models import ExclusionKind
from solicit_dashboard.csv_cells import safe_cell

NUMBER = "302-1234567-1234567"
OTHER = "303-1234567-1234567"
SKUS, ASINS = EXCLUSIONS[ExclusionKind.SKU], EXCLUSIONS[ExclusionKind.ASIN]


def read(text: str, shape: object = ORDERS, **options: int) -> Checked:
    return check(read_table(read_text(text.encode()).lines), shape, **options)  # type: ignore[arg-type]


def refusal(text: str, shape: object = ORDERS, **options: int) -> str:
    with pytest.raises(FileRefusedError) as caught:
        read(text, shape, **options)
    return str(caught.value)


def faults(text: str, shape: object = ORDERS) -> list[str]:
    return [str(fault) for fault in read(text, shape).faults]


@pytest.mark.parametrize(
    "text", ["", "\r\n", " , ,\n", "amazon-order-id\n", "amazon-order-id,sku\n\n,,\n", "sep=;\n"]
)
def test_a_file_without_rows_is_refused(text: str) -> None:
    assert refusal(text) == "The file has no rows."


@pytest.mark.parametrize(
    "text",
    [
        f"{NUMBER}\n{OTHER}\n",
        f"amazon-order-id\n{NUMBER}\n{OTHER}\n",
        f"Order ID;Other\n{NUMBER};x\n{OTHER};\n",
        f"AMAZON_ORDER_ID\r{NUMBER}\r{OTHER}",
        f"{NUMBER}, {OTHER}\n",
        f"\n\n 302\u20131234567\u20131234567 \n{OTHER}",
        f"state,order\nSent,{NUMBER}\nSent,'{OTHER}\n".replace("'", ""),
    ],
)
def test_order_numbers_come_with_and_without_a_name_above_them(text: str) -> None:
    checked = read(text)
    assert list(checked.rows) == [NUMBER, OTHER]
    assert (checked.read, checked.bad, checked.repeats) == (2, 0, 0)


def test_orders_of_other_channels_come_with_amazons_report_but_are_not_excluded() -> None:
    assert "S01-1234567-1234567" in read(f"order\nS01-1234567-1234567\n{NUMBER}\n").rows
    assert faults("order\nS01-1234567-1234567\n", EXCLUSIONS[ExclusionKind.ORDER])


def test_a_missing_column_is_named_with_those_that_are_there() -> None:
    assert refusal(f"Bestellung,Datum\n{NUMBER},x\n") == (
        "The column “amazon-order-id” is missing. The first line has: “Bestellung”, “Datum”."
    )
    assert "“amazon-order-id” is missing" in refusal("purchase-date,sku\n2025-01-01,a\n")
    assert "“amazon-order-id” is missing" in refusal("Bestellnummer\n" + NUMBER)
    # an order number beside something else is no list of order numbers
    assert "“amazon-order-id” is missing" in refusal(f"{NUMBER},2025-01-01\n")
    assert "“sku” is missing" in refusal("one,two\n", SKUS)


def test_a_column_that_stands_twice_is_named() -> None:
    assert refusal(f"order-id,Amazon Order ID\n{NUMBER},{NUMBER}\n") == (
        "The column “amazon-order-id” stands there twice: “order-id” and “Amazon Order ID”."
        " Leave one."
    )


def test_other_columns_are_passed_over_and_named() -> None:
    checked = read(f"buyer-name,amazon-order-id,,ship-city\nAnn,{NUMBER},,Bonn\n")
    assert checked.ignored == ["buyer-name", "ship-city"]
    assert checked.rows == {NUMBER: {"amazon-order-id": NUMBER}}


def test_a_bad_row_is_told_with_line_column_and_value_and_the_others_are_read() -> None:
    lines = [f"302-{n:07d}-1234567" for n in range(10_000)]
    lines[6_000] = "302-6000"
    checked = read("amazon-order-id\n" + "\n".join(lines))
    assert (checked.read, checked.bad, len(checked.rows)) == (10_000, 1, 9_999)
    assert [str(fault) for fault in checked.faults] == [
        "line 6,002, amazon-order-id “302-6000”: Order numbers look like 123-1234567-1234567."
    ]


def test_the_first_hundred_faults_are_kept_and_all_are_counted() -> None:
    checked = read("amazon-order-id,purchase-date\n" + "1,2\n" * 120)
    assert (checked.bad, len(checked.faults), checked.faults[-1].line) == (120, 100, 51)


@pytest.mark.parametrize(
    "value",
    ["1.11E+16", "1,11E+16", "3,02E+16", "1.11e16", "Nov 24", "24.11.2026", "30212345671234500"],
)
def test_a_number_that_excel_changed_is_told_as_that(value: str) -> None:
    text = f'order\n{NUMBER}\n"{value}"\n'
    assert faults(text) == [
        f"line 3, amazon-order-id “{value}”: Excel changed this number; format the column as text."
    ]


def test_a_sku_that_excel_changed_is_told_as_that() -> None:
    assert "Excel changed" in faults("sku\n1.11E+16\n", SKUS)[0]
    assert list(read("sku\n1E5\n", SKUS).rows) == ["1E5"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("03/04/2025", "Which number is the month is not certain. Write dates as 2025-04-03"),
        ("3.4.25", "Which number is the month is not certain"),
        ("2025-02-30", "There is no such day"),
        ("2025-04-03T25:00", "There is no such day or time"),
        ("45750", "Write dates as 2025-04-03 or"),
        ("1994-01-01", "This is before Amazon's first day"),
        ("2199-01-01", "This moment is still to come"),
    ],
)
def test_dates_that_are_not_iso_are_refused_with_the_reason(value: str, reason: str) -> None:
    (fault,) = faults(f"order;purchase-date\n{NUMBER};{value}\n")
    assert fault.startswith(f"line 2, purchase-date “{value}”: {reason}")


def test_rows_about_the_same_order_count_once_and_the_newest_stands() -> None:
    text = "order,last-updated-date,order-status\n" + "\n".join(
        f"{NUMBER},{when},{status}"
        for when, status in [
            ("2025-01-02", "Pending"),
            ("2025-01-04", "Shipped"),
            ("2025-01-04", "Cancelled"),
            ("2025-01-03", "Unshipped"),
        ]
    )
    checked = read(text)
    assert (checked.read, checked.repeats) == (4, 3)
    assert checked.rows[NUMBER]["order-status"] == "SHIPPED"


def test_a_row_with_more_cells_than_columns_is_bad_and_one_with_fewer_is_not() -> None:
    checked = read(f"order,sku\n{NUMBER},a,b\n{OTHER}\n{NUMBER},a,,\n")
    assert [str(fault) for fault in checked.faults] == [
        "line 2: This row has 3 cells, the first line 2."
    ]
    assert list(checked.rows) == [OTHER, NUMBER]


def test_an_empty_key_is_bad() -> None:
    assert faults("order,sku\n,a\n") == ["line 2, amazon-order-id “”: This cell is empty."]


def test_a_row_behind_which_something_stands_is_bad() -> None:
    assert faults(f'order\n"{NUMBER}"x\n') == ["line 2: Something stands behind a closing quote."]


def test_too_many_rows_are_refused() -> None:
    assert refusal("order\n" + f"{NUMBER}\n" * 4, most_rows=3).startswith("At most 3 rows")
    assert read("order\n" + f"{NUMBER}\n" * 3, most_rows=3).read == 3


def test_what_a_fault_shows_is_cut_and_can_be_seen() -> None:
    (fault,) = read("order,sku\n" + "\u202ex" * 40 + ",a\n").faults
    assert fault.value == "\ufffdx" * 20 + "…"


@given(st.lists(st.text(alphabet="=+-@'a1", min_size=1, max_size=8), min_size=1, unique=True))
def test_what_was_exported_comes_back_as_it_was(skus: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["sku", "x"], *([safe_cell(sku), ""] for sku in skus)])
    assert list(read(file.getvalue(), SKUS).rows) == skus


def test_asins_are_checked_and_written_large() -> None:
    checked = read("b0abcdefgh, B0ABCDEFGI\nB0\n", ASINS)
    assert list(checked.rows) == ["B0ABCDEFGH", "B0ABCDEFGI"]
    assert str(checked.faults[0]) == "line 2, asin “B0”: ASINs look like B0ABCDEFGH."
