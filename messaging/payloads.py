"""What a person writes for an action: checked against Amazon's limits, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from messaging.action_types import ActionType, TextLimits
from spapi import plain_newlines, text_length


class PayloadError(ValueError):
    """It cannot be sent like this; the message is a sentence for the person who wrote it."""


def clean_payload(action_type: ActionType, payload: Mapping[str, object]) -> dict[str, str]:
    """What goes to Amazon for this kind, as it is stored: line ends and outer spaces are set right.

    Raises PayloadError for what is missing, too long, not known to Amazon or no text at all.
    """
    wanted = {"text"} if action_type.text is not None else set()
    if set(payload) != wanted:
        names = " and ".join(sorted(wanted)) or "nothing"
        raise PayloadError(f"“{action_type.label}” takes {names}, and nothing else.")
    if action_type.text is None:
        return {}
    return {"text": _clean_text(payload["text"], action_type.text)}


def hash_payload(payload: Mapping[str, str]) -> str:
    """The same 64 characters for the same payload; says nothing of what is in it."""
    plain = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def _clean_text(text: object, limits: TextLimits) -> str:
    if not isinstance(text, str):
        raise PayloadError("The message must be a text.")
    text = plain_newlines(text).strip()
    try:
        length = text_length(text)
    except UnicodeEncodeError:
        raise PayloadError("The message holds half a character; write it anew.") from None
    if "\x00" in text:
        raise PayloadError("The message holds a character that cannot be sent; write it anew.")
    if length < limits.least:
        raise PayloadError("The message is empty.")
    if length > limits.most:
        raise PayloadError(
            f"The message is {length:,} characters long; Amazon takes at most {limits.most:,}."
        )
    return text
