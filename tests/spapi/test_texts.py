"""Single values: the right type or None."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from spapi.texts import MALFORMED, amount, clean, moment, parse_json, rate, seconds, whole_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"\xef\xbb\xbf{}", {}),
        (b"null", None),
        (b"", MALFORMED),
        (b"{", MALFORMED),
        (b"\xff\xfe{\x00", MALFORMED),
        (b"[" * 200_000, MALFORMED),
        (b"1" * 10_000, MALFORMED),
    ],
)
def test_json_is_parsed_or_malformed(text: bytes, value: object) -> None:
    assert parse_json(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        ("ä😀", "ä😀"),
        ("a\x00b", "ab"),
        ("\ud800", "?"),
        (None, None),
        (1, None),
        ([], None),
    ],
)
def test_text_is_clean_or_none(value: object, text: str | None) -> None:
    assert clean(value) == text


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.678Z", datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (" 2026-01-02 ", datetime(2026, 1, 2, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-13-01T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        (1_700_000_000, None),
        (None, None),
    ],
)
def test_moment_is_in_utc_or_none(value: object, read: datetime | None) -> None:
    assert moment(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0, 0),
        (3, 3),
        ("4", 4),
        (5.0, 5),
        (2**31, None),
        (-1, None),
        ("-1", None),
        ("٣", None),
        (1.5, None),
        (float("inf"), None),
        (True, None),
        ("", None),
        (None, None),
    ],
)
def test_count_is_a_whole_number_or_none(value: object, read: int | None) -> None:
    assert whole_number(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1.10", Decimal("1.10")),
        (" 1 ", Decimal(1)),
        (2, Decimal(2)),
        ("1." + "0" * 10, None),
        ("9" * 16, None),
        ("Infinity", None),
        (float("nan"), None),
        (False, None),
        ([], None),
    ],
)
def test_amount_is_exact_or_none(value: object, read: Decimal | None) -> None:
    assert amount(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("0.0056", 0.0056),
        (" 2 ", 2.0),
        ("string", None),
        ("", None),
        (None, None),
        ("0", None),
        ("-1", None),
        ("inf", None),
        ("nan", None),
        ("1e9", None),
    ],
)
def test_rate_is_a_sensible_number_or_none(value: str | None, read: float | None) -> None:
    assert rate(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("1e9", 3600.0),
        ("-1", None),
        ("nan", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_none(value: str | None, read: float | None) -> None:
    assert seconds(value) == read
