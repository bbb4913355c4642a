"""What an answer that is not a success means: its error, found by status and, for 403, by text.

Amazon uses 403 for expired tokens, missing roles and business refusals alike, with the same code
`Unauthorized`; only the text tells them apart. It is matched without regard to case, kinds of
apostrophes and dashes, and in the raw body too, because the body has been known to be malformed
JSON (https://github.com/amzn/selling-partner-api-docs/issues/121).
"""

import re
from collections.abc import Iterable, Mapping

from spapi.errors import (
    AccessDenied,
    AlreadyRequested,
    AttachmentMissing,
    BadRequest,
    Conflict,
    InvalidCombination,
    NotAvailable,
    NotFound,
    OutsideWindow,
    PayloadTooLarge,
    ServerError,
    SpApiError,
    StillInUse,
    Throttled,
    TokenExpired,
    UnexpectedStatus,
    UnknownForbidden,
    UnsupportedMediaType,
)
from spapi.logs import redact
from spapi.operations import Operation
from spapi.texts import clean, parse_json, seconds
from spapi.transport import HttpAnswer

KEPT_BYTES = 4096

_BY_STATUS: Mapping[int, type[SpApiError]] = {
    400: BadRequest,
    401: TokenExpired,
    404: NotFound,
    409: Conflict,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    429: Throttled,
}

# In this order: "Access to requested resource is denied." comes with an expired token as well.
_FORBIDDEN: tuple[tuple[re.Pattern[str], type[SpApiError]], ...] = tuple(
    (re.compile(pattern), error)
    for pattern, error in (
        (r"access token.{0,80}expired", TokenExpired),
        (r"not available for this amazonorderid", NotAvailable),
        (r"already requested a review", AlreadyRequested),
        (r"outside the 5 ?- ?30 day range", OutsideWindow),
        (r"invalid amazonorderid and template combination", InvalidCombination),
        (r"destination has subscriptions", StillInUse),
        (r"access to (the )?requested resource is denied", AccessDenied),
        (r"access token.{0,80}(revoked|malformed|invalid)", AccessDenied),
        (r"do(es)? not have access to some or all requested resource", AccessDenied),
    )
)
_MISSING = re.compile(r"attachment with id .{0,200}does not exist")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc\u00b4`]")
_SPACES = re.compile(r"\s+")


def kept_body(answer: HttpAnswer, secrets: Iterable[str]) -> str:
    """The raw body for the record: at most 4,096 bytes, without secrets and NULs."""
    # Redacted before it is cut, so that no half of a token is left at the end.
    text = answer.body[: 4 * KEPT_BYTES].decode("utf-8", "replace")
    kept = redact(text.replace("\x00", ""), secrets).encode("utf-8")[:KEPT_BYTES]
    return kept.decode("utf-8", "ignore")


def request_id(answer: HttpAnswer) -> str:
    """Amazon's id of the request, "" if the answer has none."""
    found = answer.headers.get("x-amzn-requestid") or answer.headers.get("x-amz-request-id") or ""
    return "".join(character for character in found[:128] if character.isprintable())


def error_of(operation: Operation, answer: HttpAnswer, secrets: Iterable[str]) -> SpApiError:
    """The error that the answer stands for; its status is not the operation's success."""
    body = kept_body(answer, secrets)
    # Redacted before it is cut, here as above.
    code, message, details = (redact(text, secrets)[:2000] for text in _first_error(answer.body))
    return _kind(answer.status, answer.body)(
        message,
        api=operation.api,
        version=operation.version,
        operation=operation.name,
        status=answer.status,
        code=code[:200],
        details=details,
        request_id=request_id(answer),
        body=body,
        retry_after=seconds(answer.headers.get("retry-after")),
    )


def _kind(status: int, body: bytes) -> type[SpApiError]:
    if status == 403:
        text = _plain(body)
        return next((error for known, error in _FORBIDDEN if known.search(text)), UnknownForbidden)
    if status == 400 and _MISSING.search(_plain(body)):
        return AttachmentMissing
    if 500 <= status <= 599:
        return ServerError
    return _BY_STATUS.get(status, UnexpectedStatus)


def _plain(body: bytes) -> str:
    """All that the body says, in lower case, with plain apostrophes, dashes and spaces."""
    raw = body.decode("utf-8", "replace")
    said = [text for error in _errors(body) for text in error.values() if isinstance(text, str)]
    text = "\n".join([*said, raw])
    text = _APOSTROPHES.sub("'", _DASHES.sub("-", text)).casefold()
    return _SPACES.sub(" ", text)


def _errors(body: bytes) -> list[Mapping[str, object]]:
    document = parse_json(body)
    listed = document.get("errors") if isinstance(document, Mapping) else None
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _first_error(body: bytes) -> tuple[str, str, str]:
    """Code, message and details of the first error, "" each where there is none."""
    error = next(iter(_errors(body)), {})
    code, message, details = (clean(error.get(name)) for name in ("code", "message", "details"))
    return code or "", message or "", details or ""
