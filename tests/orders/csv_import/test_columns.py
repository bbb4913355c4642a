"""Cells become values in the words of the orders API, and only what is certain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from orders.csv_import.columns import (
    ORDERS,
    BadCellError,
    plain_name,
    read_channel,
    read_moment,
    read_place,
    read_status,
    read_word,
    read_yes_no,
)
from sandbox.report_columns import BY_UPDATE, COLUMNS


def test_the_names_are_those_of_amazons_report() -> None:
    ours = {column.name for column in ORDERS.columns} - {"marketplace-id"}
    assert ours <= set(COLUMNS[BY_UPDATE])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-04-03", datetime(2025, 4, 3, tzinfo=UTC)),
        ("2025-04-03 14:05", datetime(2025, 4, 3, 14, 5, tzinfo=UTC)),
        ("2025-04-03T14:05:06Z", datetime(2025, 4, 3, 14, 5, 6, tzinfo=UTC)),
        ("2025-04-03 14:05:06 UTC", datetime(2025, 4, 3, 14, 5, 6, tzinfo=UTC)),
        ("2025-04-03T14:05:06.250+02:00", datetime(2025, 4, 3, 12, 5, 6, 250_000, tzinfo=UTC)),
        ("2025-04-03T14:05:06-0700", datetime(2025, 4, 3, 21, 5, 6, tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_utc(text: str, moment: datetime) -> None:
    assert read_moment(text) == moment
    assert read_moment(text).utcoffset() == timedelta(0)


def test_tomorrow_may_have_begun_elsewhere_and_the_day_after_not() -> None:
    now = timezone.now()
    assert read_moment((now + timedelta(hours=23)).isoformat())
    with pytest.raises(BadCellError, match="still to come"):
        read_moment((now + timedelta(hours=25)).isoformat())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Shipped", "SHIPPED"),
        ("PartiallyShipped", "PARTIALLY_SHIPPED"),
        ("Canceled", "CANCELLED"),
        ("Cancelled", "CANCELLED"),
        ("Shipped - Delivered to Buyer", "SHIPPED_DELIVERED_TO_BUYER"),
        ("PARTIALLY_SHIPPED", "PARTIALLY_SHIPPED"),
    ],
)
def test_a_status_is_the_word_of_the_orders_api(text: str, word: str) -> None:
    assert read_status(text) == word


def test_the_other_words_are_translated() -> None:
    assert read_word("SecondDay") == "SECOND_DAY"
    assert (read_channel("Amazon"), read_channel("FBM")) == ("AMAZON", "MERCHANT")
    assert read_place("Amazon.de") == "A1PA6795UKMFR9"
    assert read_place("www.amazon.co.uk") == "A1F83G8C2ARO7P"
    assert read_place("Non-Amazon DE") == ""
    assert (read_yes_no("TRUE"), read_yes_no("no")) == (True, False)


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (read_word, "<script>"),
        (read_word, "x" * 33),
        (read_channel, "Somebody"),
        (read_place, "Amazon.example"),
        (read_yes_no, "maybe"),
    ],
)
def test_what_is_none_of_the_words_is_refused(reader: object, text: str) -> None:
    with pytest.raises(BadCellError):
        reader(text)  # type: ignore[operator]


def test_names_are_compared_without_case_spaces_and_underscores() -> None:
    assert plain_name(" Amazon_Order  ID ") == "amazon-order-id"
