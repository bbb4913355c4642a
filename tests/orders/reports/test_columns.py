"""Of a report only what we need is kept, found by its column's name, never by its place."""

from __future__ import annotations

import io
import random

import pytest

from orders.models import ReportType
from orders.reports.columns import LONGEST_LINE, NotAReportError, keep_columns
from sandbox.report_columns import COLUMNS

NUMBER, OTHER = "302-0000001-0000001", "302-0000002-0000002"
LINE = {
    "amazon-order-id": NUMBER,
    "purchase-date": "2026-03-01T10:00:00+00:00",
    "last-updated-date": "2026-03-02T10:00:00+00:00",
    "order-status": "Shipped",
    "fulfillment-channel": "Amazon",
    "sales-channel": "Amazon.de",
    "ship-service-level": "Standard",
    "is-business-order": "false",
}
KEPT_LINE = "\t".join(LINE.values()) + "\n"


def keep(text: str, kind: ReportType = ReportType.BY_UPDATE) -> tuple[str, int, int]:
    """What is kept of the text, how many lines, and how many were unreadable."""
    target = io.BytesIO()
    kept = keep_columns(io.BytesIO(text.encode()), "utf-8-sig", kind, target)
    return target.getvalue().decode(), kept.lines, kept.unreadable


def a_report(*lines: dict[str, str], names: tuple[str, ...] = ()) -> str:
    """The report of these lines with all of Amazon's columns; what is not given is a canary."""
    names = names or COLUMNS[ReportType.BY_UPDATE]
    rows = ["\t".join(line.get(name, "Canary Buyer") for name in names) for line in lines]
    return "\r\n".join(["\t".join(names), *rows, ""])


def test_columns_that_tell_of_the_buyer_are_not_kept() -> None:
    kept, lines, unreadable = keep(a_report(LINE))
    assert (kept, lines, unreadable) == (KEPT_LINE, 1, 0)


def test_columns_are_found_by_name_wherever_they_stand() -> None:
    names = list(COLUMNS[ReportType.BY_UPDATE])
    random.Random(7).shuffle(names)
    assert keep(a_report(LINE, names=("cpf", *names, "x")))[0] == KEPT_LINE
    shouted = a_report(LINE).replace("amazon-order-id", '"Amazon Order_ID"', 1)
    assert keep(shouted)[0] == KEPT_LINE


def test_a_column_that_is_missing_is_empty_but_without_numbers_it_is_no_report() -> None:
    names = tuple(name for name in LINE if name != "is-business-order")
    assert keep(a_report(LINE, names=names))[0] == KEPT_LINE.replace("false", "")
    for text in ("", "\n", "<html>\n<p>no</p>\n", a_report(LINE, names=names[1:])):
        with pytest.raises(NotAReportError, match=r"^The report .*\.$"):
            keep(text)


def test_items_of_one_order_are_one_line() -> None:
    report = a_report(LINE, LINE, LINE | {"amazon-order-id": OTHER}, LINE)
    assert keep(report)[1:] == (3, 0)


@pytest.mark.parametrize(
    "broken",
    [
        LINE | {"product-name": "a tab\tin a title"},
        LINE | {"product-name": "a line\nbreak in a title"},
        LINE | {"amazon-order-id": "Canary Buyer"},
        LINE | {"amazon-order-id": f"{NUMBER} or 1=1"},
        LINE | {"amazon-order-id": "٣٠٢-0000001-0000001"},
        LINE | {"product-name": "x" * 3 * LONGEST_LINE},
    ],
)
def test_cells_that_may_stand_under_a_wrong_name_are_not_kept(broken: dict[str, str]) -> None:
    kept, lines, unreadable = keep(a_report(LINE, broken, LINE | {"amazon-order-id": OTHER}))
    assert kept == KEPT_LINE + KEPT_LINE.replace(NUMBER, OTHER)
    assert (lines, unreadable) == (
        2,
        1 + ("\n" in broken["product-name"] if "product-name" in broken else 0),
    )


def test_empty_cells_and_lines_at_the_end_do_not_matter() -> None:
    report = a_report(LINE).removesuffix("\r\n") + "\t\t\r\n\r\n \n"
    assert keep(report) == (KEPT_LINE, 1, 0)


def test_cells_are_cleaned_and_cut() -> None:
    strange = LINE | {
        "amazon-order-id": f' "{NUMBER}" ',
        "order-status": "Ship\x00ped\x07",
        "ship-service-level": "x" * 500,
    }
    assert keep(a_report(strange))[0] == KEPT_LINE.replace("Standard", "x" * 100)


def test_returns_are_found_by_either_spelling() -> None:
    fba = a_report({"order-id": NUMBER}, names=COLUMNS[ReportType.FBA_RETURNS])
    assert keep(fba, ReportType.FBA_RETURNS)[0] == f"{NUMBER}\n"
    line = {"Order ID": NUMBER, "Return request status": "Approved", "Refunded Amount": "9.90"}
    mfn = a_report(line, names=COLUMNS[ReportType.MFN_RETURNS])
    assert keep(mfn, ReportType.MFN_RETURNS)[0] == f"{NUMBER}\tApproved\t9.90\n"
