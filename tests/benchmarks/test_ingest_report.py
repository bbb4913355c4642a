"""The report that is measured is one as Amazon writes them; nothing is timed here."""

from __future__ import annotations

import io

from benchmarks.report_figures import MOST_MB, ReportFigures
from benchmarks.report_server import report_lines
from orders.models import ReportType
from orders.reports.columns import keep_columns
from orders.reports.lines import Reader


def test_every_line_can_be_read_and_is_of_so_many_orders() -> None:
    document = b"".join(report_lines(1000))
    assert len(document.splitlines()) == 1001
    copy = io.BytesIO()
    kept = keep_columns(io.BytesIO(document), "utf-8-sig", ReportType.BY_UPDATE, copy)
    assert (kept.lines, kept.unreadable) == (750, 0)
    reader = Reader(ReportType.BY_UPDATE)
    facts = list(reader.read(copy.getvalue().splitlines(keepends=True)))
    assert len({one.order_id for one in facts}) == 750
    assert all(one.updated_at and one.purchased_at and one.marketplace_id for one in facts)
    assert not reader.unknown_words


def test_a_report_that_takes_too_much_memory_is_not_within() -> None:
    figures = {"database": "SQLite", "lines": 1, "orders": 1, "seconds": 1.0, "at_first_mb": 100.0}
    assert ReportFigures(peak_mb=MOST_MB - 1, **figures).is_within  # type: ignore[arg-type]
    assert not ReportFigures(peak_mb=MOST_MB, **figures).is_within  # type: ignore[arg-type]
