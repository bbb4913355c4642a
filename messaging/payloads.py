"""What a person gives for an action: checked against Amazon's limits, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from messaging.action_types import ActionType, Limits
from messaging.models import StoredFile
from spapi import MOST_UPLOAD_BYTES, plain_newlines, text_length

_MEGABYTES = MOST_UPLOAD_BYTES // 1024**2


class PayloadError(ValueError):
    """It cannot be sent like this; the message is a sentence for the person who wrote it."""


def clean_payload(
    action_type: ActionType, payload: Mapping[str, object], files: Sequence[StoredFile] = ()
) -> dict[str, Any]:
    """What goes to Amazon for this kind, as it is stored: line ends and outer spaces are set right.

    `payload` has `text`, and for a warranty `coverage_start` and `coverage_end` (aware datetimes, or
    ISO 8601 with an offset); `files` become `files`, each with its name, size and SHA-256. Raises
    PayloadError for what is missing, too long, too much, not known to Amazon or no text at all.
    """
    wanted = {"text"} if action_type.text is not None else set()
    if action_type.coverage:
        wanted |= {"coverage_start", "coverage_end"}
    if set(payload) != wanted:
        names = " and ".join(sorted(wanted)) or "nothing"
        raise PayloadError(f"“{action_type.label}” takes {names}, and nothing else.")
    cleaned: dict[str, Any] = {}
    if action_type.text is not None:
        cleaned["text"] = _clean_text(payload["text"], action_type.text)
    if action_type.coverage:
        cleaned |= _clean_coverage(payload["coverage_start"], payload["coverage_end"])
    return cleaned | _clean_files(action_type, files)


def hash_payload(payload: Mapping[str, Any]) -> str:
    """The same 64 characters for the same payload; says nothing of what is in it."""
    plain = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def unlike_names(names: Sequence[str]) -> list[str]:
    """The names of files, those that came before numbered: a buyer can tell them apart."""
    seen: set[str] = set()
    unlike = []
    for name in names:
        stem, dot, ending = name.rpartition(".")
        number, given = 1, name
        while given.casefold() in seen:
            number += 1
            given = f"{stem} ({number}){dot}{ending}"
        seen.add(given.casefold())
        unlike.append(given)
    return unlike


def _clean_text(text: object, limits: Limits) -> str:
    if not isinstance(text, str):
        raise PayloadError("The message must be a text.")
    text = plain_newlines(text).strip()
    try:
        length = text_length(text)
    except UnicodeEncodeError:
        raise PayloadError("The message holds half a character; write it anew.") from None
    if "\x00" in text:
        raise PayloadError("The message holds a character that cannot be sent; write it anew.")
    if not text:
        raise PayloadError("The message is empty.")
    if length < limits.least:
        raise PayloadError(
            f"The message is {length:,} characters long; Amazon wants at least {limits.least:,}."
        )
    if length > limits.most:
        raise PayloadError(
            f"The message is {length:,} characters long; Amazon takes at most {limits.most:,}."
        )
    return text


def _clean_coverage(start: object, end: object) -> dict[str, str]:
    first, last = _moment(start), _moment(end)
    if last < first:
        raise PayloadError("The warranty must not end before it starts.")
    return {"coverage_start": first.isoformat(), "coverage_end": last.isoformat()}


def _moment(value: object) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise PayloadError("A warranty has a first and a last day.")
    return value


def _clean_files(action_type: ActionType, files: Sequence[StoredFile]) -> dict[str, Any]:
    limits = action_type.files
    if limits is None:
        if files:
            raise PayloadError(f"“{action_type.label}” takes no files.")
        return {}
    if len(files) < limits.least:
        number = "a file" if limits.least == 1 else f"at least {limits.least} files"
        raise PayloadError(f"“{action_type.label}” needs {number}.")
    if len(files) > limits.most:
        raise PayloadError(f"These are {len(files)} files; Amazon takes at most {limits.most}.")
    if sum(file.size for file in files) > MOST_UPLOAD_BYTES:
        raise PayloadError(
            f"The files have more than {_MEGABYTES} MB together; Amazon takes no more."
        )
    if any(file.emptied_at is not None for file in files):
        raise PayloadError("A file is no longer kept here. Bring it once more.")
    if not files:
        return {}
    names = unlike_names([file.name for file in files])
    return {
        "files": [
            {"name": name, "size": file.size, "sha256": file.sha256}
            for name, file in zip(names, files, strict=True)
        ]
    }
