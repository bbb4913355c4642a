"""Why Amazon could not make a report: the document of a failed one says it, in a few words."""

from __future__ import annotations

import json
import logging

from orders.ingest.rows import clean_text
from spapi import Client, LimitReached, SpApiError, Throttled

logger = logging.getLogger(__name__)

LONGEST_DOCUMENT = 64 * 1024  # bytes
LONGEST_REASON = 300
DEADLINE_SECONDS = 20.0


def read_reason(client: Client, document_id: str | None) -> str:
    """The reason in Amazon's words, `errorDetails` where it is JSON; '' when there is none to read.

    Raises LimitReached and Throttled.
    """
    if not document_id:
        return ""
    pieces: list[bytes] = []
    try:
        client.download_report_document(
            client.get_report_document(document_id),
            pieces.append,
            deadline=DEADLINE_SECONDS,
            max_bytes=LONGEST_DOCUMENT,
        )
    except (LimitReached, Throttled):
        raise  # it can be read a little later
    except SpApiError as error:
        logger.info("The reason of a failed report could not be read: %s", error)
        return ""
    return _reason_in(b"".join(pieces).decode("utf-8", "replace"))


def _reason_in(text: str) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    said = document.get("errorDetails") if isinstance(document, dict) else None
    return clean_text(said if isinstance(said, str) else text, LONGEST_REASON)
