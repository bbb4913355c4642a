"""Of a report only the columns named here are kept: the others tell of the buyer, or of nothing to us.

Columns are found by their names. Sources:
https://developer-docs.amazon.com/sp-api/docs/order-tracking-reports-attributes,
https://developer-docs.amazon.com/sp-api/docs/fba-sales-reports-attributes,
https://developer-docs.amazon.com/sp-api/docs/report-type-values-returns.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from orders.models import ReportType

_ORDERS = (
    "amazon-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "sales-channel",
    "ship-service-level",
    "is-business-order",
)
# The first of each is the number of the order, without which there is nothing to read.
KEPT: Mapping[str, tuple[str, ...]] = {
    ReportType.BY_UPDATE: _ORDERS,
    ReportType.BY_ORDER: _ORDERS,
    ReportType.SHIPMENTS: ("amazon-order-id", "estimated-arrival-date"),
    ReportType.FBA_RETURNS: ("order-id",),
    ReportType.MFN_RETURNS: ("order-id", "return-request-status", "refunded-amount"),
}
NUMBER = re.compile(r"[0-9A-Z]{3}-[0-9]{7}-[0-9]{7}", re.ASCII)
_GAP = re.compile(r"[\s_]+")
LONGEST_CELL = 100
# Longer than any line that Amazon writes; such a one is passed over in pieces.
LONGEST_LINE = 64 * 1024


class NotAReportError(Exception):
    """The document is not the report that was asked for; the message is a sentence."""


@dataclass
class Kept:
    """What became of a report's lines."""

    lines: int = 0
    unreadable: int = 0


def keep_columns(source: BinaryIO, charset: str, report_type: str, target: BinaryIO) -> Kept:
    """`target` has the lines of the report in UTF-8, with the columns of KEPT alone, in its order.

    A line with more or fewer cells than the head is left out, as its cells may stand under wrong
    names; so is one without an order's number. Both are counted. Neighbours that are equal (items
    of one order) are one line. Constant memory. Raises NotAReportError.
    """
    text = io.TextIOWrapper(source, encoding=charset, errors="replace", newline="\n")
    try:
        return _keep(_lines(text), KEPT[report_type], target)
    finally:
        text.detach()  # the file is the caller's to close


def _keep(lines: Iterator[str | None], wanted: tuple[str, ...], target: BinaryIO) -> Kept:
    head = next(lines, None)
    if head is None:
        raise NotAReportError("The report does not begin with the names of its columns.")
    names = [_name(cell) for cell in head.split("\t")]
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    if wanted[0] not in places:
        raise NotAReportError(f"The report has no column {wanted[0]}.")
    width = len(names)
    chosen = [places.get(name) for name in wanted]
    kept, before = Kept(), b""
    for line in lines:
        cells = _fitting(line, width) if line is not None else None
        if cells is None:
            kept.unreadable += line is None or bool(line.strip())
            continue
        values = ["" if place is None else _clean(cells[place]) for place in chosen]
        if not NUMBER.fullmatch(values[0]):
            kept.unreadable += 1
            continue
        written = ("\t".join(values) + "\n").encode()
        if written != before:
            target.write(written)
            kept.lines += 1
            before = written
    return kept


def _lines(text: TextIO) -> Iterator[str | None]:
    """Each line without its end; None for one that is too long. A carriage return alone ends none."""
    while line := text.readline(LONGEST_LINE):
        if not line.endswith("\n") and len(line) >= LONGEST_LINE:
            while line and not line.endswith("\n"):
                line = text.readline(LONGEST_LINE)
            yield None
        else:
            yield line.rstrip("\r\n")


def _fitting(line: str, width: int) -> list[str] | None:
    """The line's cells if they are as many as the head's; empty ones at its end do not count."""
    cells = line.split("\t")
    if len(cells) == width:
        return cells
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    return None


def _clean(cell: str) -> str:
    """The cell as it can be kept: without quotes around it, control characters and what is too much."""
    if cell.isascii() and cell.isprintable() and '"' not in cell:
        return cell.strip()[:LONGEST_CELL]
    cell = cell.strip().strip('"').strip()
    return "".join(letter for letter in cell if letter.isprintable())[:LONGEST_CELL]


def _name(cell: str) -> str:
    return _GAP.sub("-", _clean(cell).lower())
