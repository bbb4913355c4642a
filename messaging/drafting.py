"""One text, some files and a warranty's time become a message for each of many orders."""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from messaging.action_types import MESSAGES, ActionType
from messaging.message_forms import END_OF_DAY, marketplace_zone
from messaging.models import StoredFile
from messaging.placeholders import PlaceholderError, fill
from messaging.services.message_batches import Draft
from messaging.text_rules import check_text
from orders.models import Order

NO_FILE = "No file has this order's number in its name."
FOREIGN_FILE = "“{name}” has the number of another order in its name."
# An order number within the name of a file: 302-1234567-1234567.pdf, invoice_302-1234567-1234567.pdf
_NUMBER = re.compile(r"(?<![0-9])[0-9]{3}-[0-9]{7}-[0-9]{7}(?![0-9])")


@dataclass(frozen=True)
class Coverage:
    """The time of a warranty: so many months from `first_day`, or where it is None from the purchase."""

    months: int
    first_day: date | None = None


@dataclass(frozen=True)
class Writing:
    """What a person gives for all orders together.

    `text` may hold placeholders. With `by_number` an order gets the files whose names hold its
    number, else all.
    """

    text: str = ""
    files: Sequence[StoredFile] = ()
    by_number: bool = False
    coverage: Coverage | None = None


@dataclass(frozen=True)
class Written:
    """What came of it for one order, and sentences that a person should read before it is sent."""

    draft: Draft
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matches:
    """Files by the number of the order that their names hold; `others` belong to none, or to several."""

    by_number: Mapping[str, list[StoredFile]]
    others: list[StoredFile]


def write_drafts(
    kind: str, orders: Sequence[Order], writing: Writing, *, locales: Mapping[int, str]
) -> list[Written]:
    """A message of this kind for each order, or in its place the reason why there is none.

    `locales` has the language of buyers by order id, as far as it is known. Asks the database
    nothing when the orders come with their account and items.
    """
    action_type = MESSAGES[kind]
    matches = match_files(writing.files, {order.amazon_order_id for order in orders})
    return [
        _write(action_type, order, writing, matches, locales.get(order.pk, "")) for order in orders
    ]


def match_files(files: Sequence[StoredFile], numbers: Collection[str]) -> Matches:
    """Which file goes to which of these orders: a number must stand whole in the name, and alone."""
    by_number: dict[str, list[StoredFile]] = {}
    others = []
    for file in files:
        named = set(_NUMBER.findall(file.name))
        if len(named) == 1 and named <= set(numbers):
            by_number.setdefault(named.pop(), []).append(file)
        else:
            others.append(file)
    return Matches(by_number, others)


def foreign_file(files: Sequence[StoredFile], number: str) -> str:
    """A sentence about the first file whose name holds another order's number, "" without one.

    Such a file is most likely another buyer's: an invoice has a name and an address in it.
    """
    for file in files:
        if not {number}.issuperset(_NUMBER.findall(file.name)):
            return FOREIGN_FILE.format(name=file.name)
    return ""


def cover(order: Order, coverage: Coverage) -> tuple[datetime, datetime]:
    """The first and last moment of the warranty, in the time zone of the order's marketplace.

    It ends with the same day of a later month, or with the last one of a shorter month.
    """
    zone = marketplace_zone(order)
    first = coverage.first_day or order.purchased_at.astimezone(zone).date()
    last = _months_later(first, coverage.months)
    return (
        datetime.combine(first, time.min, tzinfo=zone),
        datetime.combine(last, END_OF_DAY, tzinfo=zone),
    )


def _write(
    action_type: ActionType, order: Order, writing: Writing, matches: Matches, locale: str
) -> Written:
    payload: dict[str, object] = {}
    faults: list[str] = []
    warnings: list[str] = []
    if action_type.text is not None:
        payload["text"] = writing.text
        try:
            filled = fill(writing.text, order)
        except PlaceholderError as error:
            faults.append(str(error))
        else:
            # what is too long is refused for that, and is not read 500 times before
            is_short = len(filled.text) <= action_type.text.most
            findings = check_text(action_type, filled.text, locale) if is_short else []
            payload["text"] = filled.text
            faults += [one.sentence for one in findings if one.is_fatal]
            warnings += [*filled.notes, *(one.sentence for one in findings if not one.is_fatal)]
    if action_type.coverage and writing.coverage is not None:
        payload["coverage_start"], payload["coverage_end"] = cover(order, writing.coverage)
    files: Sequence[StoredFile] = writing.files
    if writing.by_number:
        files = matches.by_number.get(order.amazon_order_id, [])
        if not files:
            faults.append(NO_FILE)
    elif foreign := foreign_file(files, order.amazon_order_id):
        faults.append(foreign)
    draft = Draft(order, payload, tuple(files), fault=" ".join(faults))
    return Written(draft, tuple(warnings))


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
