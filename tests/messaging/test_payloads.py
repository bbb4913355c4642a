"""What a person writes: within Amazon's limits, told in a sentence, and known again by its hash."""

from dataclasses import replace
from typing import Any

import pytest

from messaging.action_types import (
    CONFIRM_CUSTOMIZATION_DETAILS,
    CONFIRM_ORDER_DETAILS,
    REVIEW_REQUEST,
    Limits,
)
from messaging.models import StoredFile
from messaging.payloads import PayloadError, clean_payload, hash_payload

SMILE = "\U0001f642"  # one character to a reader, two UTF-16 units


def clean(text: object) -> str:
    return clean_payload(CONFIRM_ORDER_DETAILS, {"text": text})["text"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Which size?", "Which size?"),
        ("  Which size?\n\n", "Which size?"),
        ("One\r\ntwo\rthree", "One\ntwo\nthree"),
        ("x" * 2000, "x" * 2000),
        (SMILE * 1000, SMILE * 1000),
        ("a\r\n" * 999 + "a", "a\n" * 999 + "a"),
        ("サイズは38ですか、39ですか", "サイズは38ですか、39ですか"),
    ],
)
def test_a_text_within_its_limits_is_kept_with_plain_line_ends(written: str, kept: str) -> None:
    assert clean(written) == kept


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", "The message is empty"),
        (" \r\n\t ", "The message is empty"),
        ("x" * 2001, "2,001 characters long; Amazon takes at most 2,000"),
        (SMILE * 1001, "2,002 characters long"),
        ("half \ud83d of a pair", "half a character"),
        ("nothing \x00 here", "cannot be sent"),
        (None, "must be a text"),
        (5, "must be a text"),
        (["a"], "must be a text"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused_with_a_sentence(
    written: object, sentence: str
) -> None:
    with pytest.raises(PayloadError, match=sentence):
        clean(written)


def test_what_a_form_of_amazon_wants_at_least_is_said_as_a_number() -> None:
    """Limits that Amazon's form has made stricter."""
    stricter = replace(CONFIRM_CUSTOMIZATION_DETAILS, text=Limits(10, 800), files=Limits(2, 5))
    with pytest.raises(PayloadError, match="2 characters long; Amazon wants at least 10"):
        clean_payload(stricter, {"text": "Hi"})
    with pytest.raises(PayloadError, match="needs at least 2 files"):
        clean_payload(stricter, {"text": "Which spelling?"}, [StoredFile(name="x", size=1)])


@pytest.mark.parametrize(
    "payload",
    [{}, {"rawMessageBody": "Which size?"}, {"text": "Which size?", "attachments": []}],
)
def test_a_payload_has_what_the_kind_takes_and_nothing_else(payload: dict[str, Any]) -> None:
    with pytest.raises(PayloadError, match="takes text, and nothing else"):
        clean_payload(CONFIRM_ORDER_DETAILS, payload)


def test_a_review_request_takes_nothing() -> None:
    assert clean_payload(REVIEW_REQUEST, {}) == {}
    with pytest.raises(PayloadError, match="takes nothing"):
        clean_payload(REVIEW_REQUEST, {"text": "Five stars, please"})


def test_a_hash_is_the_same_for_the_same_payload_alone() -> None:
    texts = ["Which size?", "Which size? ", "which size?", "サイズ", SMILE]
    hashes = {hash_payload({"text": text}) for text in texts}
    assert len(hashes) == len(texts)
    assert hash_payload({"b": "2", "a": "1"}) == hash_payload({"a": "1", "b": "2"})
    assert {len(one) for one in hashes} == {64}
