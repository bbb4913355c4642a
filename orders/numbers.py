"""Amazon's order numbers as people type and paste them."""

from __future__ import annotations

import re

SHAPE = "Order numbers look like 123-1234567-1234567."
PATTERN = "ddd-ddddddd-ddddddd"
# What keyboards, PDFs and spreadsheets make of a hyphen: the Unicode dashes and the minus sign.
_DASHES = re.compile("[\u00ad\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]")
_NOT_SEEN = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]")


def clean_order_number(text: str) -> str:
    """The text without spaces and with plain hyphens; whether it is a number is not said."""
    return _DASHES.sub("-", _NOT_SEEN.sub("", text))


def parse_order_number(text: str) -> str | None:
    """The order number that the text stands for, or None when it does not look like one."""
    number = clean_order_number(text)
    return number if len(number) == len(PATTERN) and is_beginning(number) else None


def is_beginning(text: str) -> bool:
    """Whether an order number may begin with this text (a whole number is its own beginning)."""
    return 0 < len(text) <= len(PATTERN) and all(
        (letter in "0123456789") if place == "d" else letter == place
        for letter, place in zip(text, PATTERN, strict=False)
    )


def number_range(beginning: str) -> tuple[str, str]:
    """The first and the last order number with this beginning.

    Between the two an ordinary index answers, whatever the collation of the database: both have
    their digits and hyphens in the same places. LIKE would need an index of its own on PostgreSQL.
    """
    rest = PATTERN[len(beginning) :]
    return beginning + rest.replace("d", "0"), beginning + rest.replace("d", "9")
