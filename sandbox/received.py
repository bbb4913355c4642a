"""What a POST held for the buyer, as the record keeps it: the text, and files by name and hash."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sandbox.messages import Request
from sandbox.operations.messaging import text_units
from sandbox.operations.routing import State


@dataclass(frozen=True, slots=True)
class Received:
    """`text_length` in UTF-16 units, hashes in hexadecimal ("" where nothing was uploaded).

    Each of `attachments` has `file_name`, `upload_destination_id`, `size` and `sha256`; `coverage`
    is both ends of a warranty as they came.
    """

    text: str = ""
    text_length: int = 0
    text_sha256: str = ""
    attachments: list[dict[str, Any]] = field(default_factory=list)
    coverage: list[str] = field(default_factory=list)


def read_received(state: State, request: Request) -> Received:
    """What can be read of the body, however little of it is as it should be."""
    try:
        document = json.loads(request.body)
    except ValueError:
        return Received()
    if not isinstance(document, dict):
        return Received()
    text, files = document.get("text"), document.get("attachments")
    # Half a surrogate pair could not be shown in the record.
    shown = _shown(text) if isinstance(text, str) else ""
    dates = (document.get(name) for name in ("coverageStartDate", "coverageEndDate"))
    return Received(
        shown,
        text_units(shown),
        sha256(shown.encode()).hexdigest() if shown else "",
        [_attachment(state, one) for one in files if isinstance(one, dict)]
        if isinstance(files, list)
        else [],
        [_shown(one) for one in dates if isinstance(one, str)],
    )


def _attachment(state: State, one: dict[str, Any]) -> dict[str, Any]:
    key = _shown(str(one.get("uploadDestinationId", "")))
    upload = state.uploads.get(key)
    return {
        "file_name": _shown(str(one.get("fileName", ""))),
        "upload_destination_id": key,
        "size": upload.size if upload else -1,
        "sha256": upload.sha256 if upload else "",
    }


def _shown(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
