"""Order numbers as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.models import AMAZON_ORDER_ID
from orders.numbers import is_beginning, number_range, parse_order_number

NUMBERS = st.from_regex(AMAZON_ORDER_ID, fullmatch=True)


@pytest.mark.parametrize(
    "text",
    [
        "303-1234567-7654321",
        "  303-1234567-7654321\n",
        "303 - 1234567 - 7654321",
        "303\u20131234567\u20137654321",
        "303\u22121234567\u20127654321",
        "\ufeff303-1234567-7654321\u200b",
        "303\u00a0-1234567-7654321",
    ],
)
def test_spaces_and_dashes_are_forgiven(text: str) -> None:
    assert parse_order_number(text) == "303-1234567-7654321"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "111-1111111-111111",
        "111-1111111-11111111",
        "1111111111111111-1",
        "abc-1234567-1234567",
        "30312345677654321",
        "\u0663\u0660\u0663-1234567-7654321",
        "1.11E+16",
        "303-1234567-7654321;",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    assert parse_order_number(text) is None


@given(NUMBERS, st.integers(1, 19))
def test_a_number_lies_in_the_range_of_its_beginning(number: str, length: int) -> None:
    beginning = number[:length]
    first, last = number_range(beginning)
    assert is_beginning(beginning)
    assert first <= number <= last
    assert first.startswith(beginning)
    assert last.startswith(beginning)
    assert parse_order_number(first) == first


@given(NUMBERS, NUMBERS, st.integers(1, 19))
def test_a_number_with_another_beginning_lies_outside(number: str, other: str, length: int) -> None:
    first, last = number_range(number[:length])
    assert (first <= other <= last) == other.startswith(number[:length])
