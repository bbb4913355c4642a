"""Names in braces that stand for facts of an order: in templates, and in what is written by hand.

What Amazon tells of an order was written by somebody: a title may hold anything, and goes to the
buyer as plain text without a line break, a brace or a mark that turns the reading direction.
"""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from orders.models import Order
from orders.states import WindowSource
from spapi import MARKETPLACES

LONGEST_VALUE = 100  # characters of each
MOST_VALUES = 3
_MARK = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_BRACES = str.maketrans("{}<>", "()()")


class PlaceholderError(ValueError):
    """The text cannot be filled in; the message is a sentence for the person who wrote it."""


@dataclass(frozen=True)
class Placeholder:
    """One name: what stands for it (`values`), what that is (`help`), and one of it (`sample`).

    `values` gives none where the order has none; `missing` is the sentence that says so.
    """

    name: str
    help: str
    sample: str
    missing: str
    values: Callable[[Order], list[str]]


@dataclass(frozen=True)
class Filled:
    """A text with an order's facts, and sentences that say what was left out of them."""

    text: str
    notes: tuple[str, ...] = ()


def fill(text: str, order: Order) -> Filled:
    """The text with this order's facts in place of the names; `{{` and `}}` are one brace each.

    A note says where a fact was not plain text and was made so. Asks the database nothing when the
    order comes with its account and its items. Days are ISO 8601, in the marketplace's time zone.
    Raises PlaceholderError for a name that there is not, for a fact that the order does not have,
    and for a brace alone.
    """
    notes: list[str] = []

    @functools.cache
    def value_of(placeholder: Placeholder) -> str:
        raw = placeholder.values(order)
        plain = [plain_text(value) for value in raw]
        if plain != [" ".join(value.split()) for value in raw]:
            notes.append(
                f"{{{placeholder.name}}} holds characters that cannot be sent as they are; "
                "they are left out."
            )
        values = list(dict.fromkeys(_shortened(value) for value in plain if value))
        if not values:
            raise PlaceholderError(placeholder.missing)
        return ", ".join(values[:MOST_VALUES]) + (", …" if len(values) > MOST_VALUES else "")

    return Filled(_replace(text, value_of), tuple(notes))


def fill_sample(text: str) -> str:
    """The text with invented facts. Raises PlaceholderError for an unknown name or a brace alone."""
    return _replace(text, lambda placeholder: placeholder.sample)


def plain_text(value: str) -> str:
    """The value in one line, without tags, entities, braces and characters that nobody sees."""
    value = html.unescape(html.unescape(value)) if "&" in value else value
    value = _TAG.sub(" ", value)
    value = "".join(
        " " if character.isspace() else character
        for character in value
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )
    value = value.translate(_BRACES)
    return " ".join(value.split())


def _replace(text: str, value_of: Callable[[Placeholder], str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        mark = match[0]
        if mark in ("{{", "}}"):
            return mark[0]
        if match[1] is None:
            raise PlaceholderError(f"A {mark} stands alone. Write {mark}{mark} for the character.")
        placeholder = PLACEHOLDERS.get(match[1].strip().lower())
        if placeholder is None:
            names = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise PlaceholderError(f"There is no {mark[:60]}. There are {names}.")
        return value_of(placeholder)

    return _MARK.sub(replacement, text)


def _day(at: datetime, order: Order) -> str:
    place = MARKETPLACES.get(order.marketplace_id)
    return f"{at.astimezone(ZoneInfo(place.time_zone if place else 'UTC')):%Y-%m-%d}"


def _delivery(at: datetime | None, order: Order) -> list[str]:
    """The day that Amazon promised; none for our own estimate, which nobody promised to the buyer."""
    if at is None or order.window_source != WindowSource.AMAZON:
        return []
    return [_day(at, order)]


def _shortened(value: str) -> str:
    if len(value) <= LONGEST_VALUE:
        return value
    head = value[:LONGEST_VALUE]
    whole_words = head.rpartition(" ")[0]
    return f"{whole_words if len(whole_words) > LONGEST_VALUE // 2 else head}…"


def _marketplace(order: Order) -> list[str]:
    place = MARKETPLACES.get(order.marketplace_id)
    return [place.domain.capitalize()] if place else []


_NO_PROMISE = "Amazon has told no day of delivery for this order; what we estimate is not written."
PLACEHOLDERS: Mapping[str, Placeholder] = {
    one.name: one
    for one in (
        Placeholder(
            "order_number",
            "Amazon's number of the order",
            "302-1234567-1234567",
            "This order has no number.",
            lambda order: [order.amazon_order_id],
        ),
        Placeholder(
            "items",
            f"titles of what was bought, at most {MOST_VALUES}, each shortened",
            "Enamel mug, 350 ml",
            "The titles of this order's items are not known here.",
            lambda order: [item.title for item in order.items.all()],
        ),
        Placeholder(
            "purchase_date",
            "the day of the purchase",
            "2026-11-12",
            "The day of the purchase is not known.",
            lambda order: [_day(order.purchased_at, order)],
        ),
        Placeholder(
            "delivery_from",
            "the first day of the delivery that Amazon promised",
            "2026-11-16",
            _NO_PROMISE,
            lambda order: _delivery(order.earliest_delivery_at, order),
        ),
        Placeholder(
            "delivery_to",
            "the last day of the delivery that Amazon promised",
            "2026-11-18",
            _NO_PROMISE,
            lambda order: _delivery(order.latest_delivery_at, order),
        ),
        Placeholder(
            "store",
            "the name of the account here",
            "Example store",
            "This account has no name.",
            lambda order: [order.account.name],
        ),
        Placeholder(
            "marketplace",
            "where it was bought, such as Amazon.de",
            "Amazon.de",
            "The marketplace of this order is not known.",
            _marketplace,
        ),
    )
}
