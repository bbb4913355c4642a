"""The columns that a file may have, and how a cell of each is read.

Their names are those of Amazon's own order reports
(https://developer-docs.amazon.com/sp-api/docs/order-tracking-reports-attributes), so that such a
report can be brought as it is; columns that are not named here are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from orders.models import ExclusionKind
from orders.numbers import SHAPE, clean_order_number, parse_order_number
from orders.services import BadExclusionError, clean_value
from orders.states import FulfilledBy, FulfillmentStatus
from spapi import MARKETPLACES

EXCEL = "Excel changed this number; format the column as text."
ISO_DATES = "Write dates as 2025-04-03 or 2025-04-03T14:05:00Z."
# Amazon's marketplaces are younger; a moment of an order cannot be earlier.
FIRST_MOMENT = datetime(1995, 7, 1, tzinfo=UTC)
# A day may have begun elsewhere.
AHEAD = timedelta(days=1)

# 1.11E+16, and a date of a short number: what a spreadsheet makes of one.
_ROUNDED = re.compile(r"\d([.,]\d*)?E\+?\d+", re.IGNORECASE)
_DATED = re.compile(
    r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|[^\W\d]{3,4}[-. ]\d{2,4}|\d{1,2}[-. ][^\W\d]{3,4}([-. ]\d{2,4})?"
)
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?)?"
)
_OTHER_CHANNEL = re.compile(r"[A-Z][0-9]{2}-[0-9]{7}-[0-9]{7}")
_ASIN = re.compile(r"[A-Z0-9]{10}")
_DAY_OR_MONTH_FIRST = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
_GAP = re.compile(r"[\s_-]+")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)*")
_LONGEST_WORD = 32
_STATUSES = {"CANCELED": FulfillmentStatus.CANCELLED.value}
_CHANNELS = {
    **dict.fromkeys(("amazon", "afn", "fba"), FulfilledBy.AMAZON.value),
    **dict.fromkeys(("merchant", "seller", "mfn", "fbm"), FulfilledBy.MERCHANT.value),
}
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_PLACES = {place.domain: place.id for place in MARKETPLACES.values()}


class BadCellError(ValueError):
    """The cell cannot be read; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its name; `read` makes a value of a cell, or raises BadCellError."""

    name: str
    read: Callable[[str], object]
    aliases: frozenset[str] = frozenset()

    def is_called(self, name: str) -> bool:
        """Whether that is its name, as `plain_name` gives it."""
        return name == self.name or name in self.aliases


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file is looked through for: the column that it must have, and those that it may have.

    `newest` names the column by which of two rows about the same the newer is known.
    `many_a_line`: without names of columns, several values may stand on a line.
    """

    key: Column
    others: tuple[Column, ...] = ()
    newest: str = ""
    many_a_line: bool = True

    @property
    def columns(self) -> tuple[Column, ...]:
        """All of them, the key first."""
        return (self.key, *self.others)


def plain_name(text: str) -> str:
    """The name of a column in lower case with hyphens, however it was written."""
    return _GAP.sub("-", text.strip().lower())


def read_number(text: str) -> str:
    """Amazon's order number."""
    number = parse_order_number(text)
    if number is None:
        digits = text.strip()
        is_rounded = len(digits) == 17 and digits.isdecimal() and digits.endswith("00")
        changed = _ROUNDED.fullmatch(digits) or _DATED.fullmatch(digits) or is_rounded
        raise BadCellError(EXCEL if changed else SHAPE)
    return number


def read_any_number(text: str) -> str:
    """The number of an order of any channel: those of other shops begin with a letter (S01-…)."""
    number = clean_order_number(text)
    return number if _OTHER_CHANNEL.fullmatch(number) else read_number(text)


def read_moment(text: str) -> datetime:
    """A moment in UTC, where no other offset is said; of a day alone its beginning."""
    found = _ISO.fullmatch(text)
    if found is None:
        if _DAY_OR_MONTH_FIRST.fullmatch(text):
            raise BadCellError(f"Which number is the month is not certain. {ISO_DATES}")
        raise BadCellError(ISO_DATES)
    day, time, offset = found.groups()
    try:
        moment = datetime.fromisoformat(
            f"{day}T{time or '00:00'}{'Z' if offset in (None, 'UTC') else offset}"
        )
        if moment > timezone.now() + AHEAD:
            raise BadCellError("This moment is still to come.")
        if moment < FIRST_MOMENT:
            raise BadCellError(f"This is before Amazon's first day, {FIRST_MOMENT:%Y-%m-%d}.")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadCellError):
            raise
        raise BadCellError("There is no such day or time.") from None


def read_word(text: str) -> str:
    """A word as the orders API 2026-01-01 writes it: PartiallyShipped is PARTIALLY_SHIPPED.

    One that we do not know is kept; Amazon is asked for the order in any case.
    """
    word = _GAP.sub("_", _CAPITAL.sub("_", text)).upper()
    if len(word) > _LONGEST_WORD or not _WORD.fullmatch(word):
        raise BadCellError("This is none of Amazon's words.")
    return word


def read_status(text: str) -> str:
    """Amazon's fulfilment status."""
    word = read_word(text)
    return _STATUSES.get(word, word)


def read_channel(text: str) -> str:
    """Who ships: AMAZON or MERCHANT."""
    channel = _CHANNELS.get(text.lower())
    if channel is None:
        raise BadCellError("It can be Amazon or Merchant.")
    return channel


def read_place(text: str) -> str:
    """The marketplace id of `Amazon.de`; "" for an order of another shop."""
    if text.lower().startswith("non-amazon"):
        return ""
    return _known_place(_PLACES.get(text.lower().removeprefix("www."), ""))


def read_yes_no(text: str) -> bool:
    """Yes or no."""
    answer = _YES_NO.get(text.lower())
    if answer is None:
        raise BadCellError("It can be true or false.")
    return answer


def _known_place(marketplace_id: str) -> str:
    if marketplace_id not in MARKETPLACES:
        raise BadCellError("This is no marketplace of Amazon, as amazon.de is one.")
    return marketplace_id


def _read_asin(text: str) -> str:
    if not _ASIN.fullmatch(text.upper()):
        raise BadCellError("ASINs look like B0ABCDEFGH.")
    return text.upper()


def _read_sku(text: str) -> str:
    if _ROUNDED.fullmatch(text) and "+" in text:
        raise BadCellError(EXCEL)
    try:
        return clean_value(ExclusionKind.SKU, text)
    except BadExclusionError:
        raise BadCellError("SKUs have at most 64 characters, all to be seen.") from None


_ORDER_NUMBER = "amazon-order-id"
_ALSO_CALLED = frozenset({"order-id", "order", "order-number"})
ORDERS = Shape(
    Column(_ORDER_NUMBER, read_any_number, _ALSO_CALLED),
    (
        Column("last-updated-date", read_moment),
        Column("purchase-date", read_moment),
        Column("marketplace-id", _known_place),
        Column("sales-channel", read_place),
        Column("order-status", read_status),
        Column("fulfillment-channel", read_channel),
        Column("ship-service-level", read_word),
        Column("is-business-order", read_yes_no),
    ),
    newest="last-updated-date",
)
EXCLUSIONS = {
    ExclusionKind.ORDER: Shape(Column(_ORDER_NUMBER, read_number, _ALSO_CALLED)),
    ExclusionKind.SKU: Shape(
        Column("sku", _read_sku, frozenset({"seller-sku", "merchant-sku"})), many_a_line=False
    ),
    ExclusionKind.ASIN: Shape(Column("asin", _read_asin)),
}
