"""What goes to Amazon: lengths as it may count them, and moments."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from spapi.writing import coverage_moments, plain_newlines, text_length

SMILE = "\U0001f642"  # one character to a reader, two UTF-16 units


def test_a_length_is_the_larger_that_amazon_may_count() -> None:
    texts = ("", "abc", "ö", SMILE, "a\r\nb", "a\rb", "a\n\nb", "e\u0301")
    assert [text_length(text) for text in texts] == [0, 3, 1, 2, 3, 3, 4, 2]


def test_half_a_character_has_no_length() -> None:
    with pytest.raises(UnicodeEncodeError):
        text_length("half \ud83d of a pair")


def test_lines_end_with_a_line_feed_alone() -> None:
    assert plain_newlines("a\r\nb\rc\n\r\n") == "a\nb\nc\n\n"


def test_both_ends_of_a_span_keep_their_offset() -> None:
    start = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert coverage_moments(start, datetime(2028, 1, 1, tzinfo=UTC)) == (
        "2026-01-01T00:00:00+01:00",
        "2028-01-01T00:00:00Z",
    )
    texts = "2004-12-13T21:39:45.618-08:00", "2005-12-13T21:39:45.618-08:00"
    assert coverage_moments(*texts) == texts


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+01:00"),
        ("2026-01-01T00:00:00", "2027-01-01T00:00:00Z"),
        (datetime(2026, 1, 1), "2027-01-01T00:00:00Z"),  # noqa: DTZ001 - that is refused
        ("tomorrow", "2027-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_span_is_refused(start: datetime | str, end: datetime | str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        coverage_moments(start, end)
