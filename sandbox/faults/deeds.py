"""Makes an answer go wrong on the wire, as a fired rule says."""

import asyncio
import json
import zlib
from base64 import b64decode
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any

from sandbox.faults.rules import Rule
from sandbox.messages import HAL, HTML, JSON, Answer, error_answer, head, json_answer, to_bytes
from sandbox.personal import with_stranger
from sandbox.server import Wire

_CODES = {
    400: ("InvalidInput", "Invalid Input"),
    401: ("Unauthorized", "Access to requested resource is denied."),
    403: ("Unauthorized", "Access to requested resource is denied."),
    404: ("NotFound", "The requested resource was not found."),
    413: ("RequestEntityTooLarge", "The request size exceeded the maximum accepted size."),
    415: ("UnsupportedMediaType", "The request payload is in an unsupported format."),
    429: ("QuotaExceeded", "You exceeded your quota for the requested resource."),
    500: ("InternalFailure", "We encountered an internal error. Please try again."),
    503: ("ServiceUnavailable", "Service is temporarily unavailable. Please try again."),
}


def standard_error(status: int) -> Answer:
    """The JSON error that Amazon gives with this status, as far as it is known."""
    code, message = _CODES.get(status, ("InternalFailure", "An unexpected condition occurred."))
    return error_answer(status, code, message)


def faulty_answer(rule: Rule, real: Answer | None) -> Answer | None:
    """The answer that the rule wants in place of the real one (None: not carried out).

    None when the rule wants no answer at all (reset, close, hang, half_status_line).
    """
    make = _ANSWERS.get(rule.kind)
    return None if make is None else make(rule.do, real)


async def do_fault(rule: Rule, answer: Answer | None, wire: Wire) -> None:
    """The answer has gone wrong on the wire as the rule says, and the rest is silence."""
    deed = _DEEDS.get(rule.kind, _send)
    await deed(rule.do, answer, wire)


def _status(do: dict[str, Any], real: Answer | None) -> Answer:
    answer = standard_error(do["status"])
    if 200 <= do["status"] < 300:
        answer = json_answer(do["status"], {})
    if "body" in do:
        answer.body = do["body"].encode()
    answer.content_type = do.get("content_type", answer.content_type)
    answer.headers.update(do.get("headers", {}))
    return answer


def _forbidden(do: dict[str, Any], real: Answer | None) -> Answer:
    return error_answer(403, "Unauthorized", do["text"], do.get("details", ""))


def _redirect(do: dict[str, Any], real: Answer | None) -> Answer:
    return Answer(do.get("status", 307), b"", HTML, {"Location": do["location"]})


def _body(do: dict[str, Any], real: Answer | None) -> Answer:
    answer = Answer(do.get("status", 200), b"", do.get("content_type", "application/json"))
    if "text" in do:
        answer.body = do["text"].encode()
    elif "base64" in do:
        answer.body = b64decode(do["base64"])
    elif "size" in do:
        answer.body = b"x" * do["size"]
    else:
        answer.body = _gzip_bomb(do["gzip_bomb"])
        answer.headers["Content-Encoding"] = "gzip"
    return answer


@lru_cache(maxsize=2)
def _gzip_bomb(size: int) -> bytes:
    """Gzip that unpacks to `size` zero bytes, made without holding them all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    block = bytes(1_000_000)
    parts = [packer.compress(block) for _ in range(size // len(block))]
    parts.append(packer.compress(bytes(size % len(block))))
    return b"".join(parts) + packer.flush()


def _malformed(do: dict[str, Any], real: Answer | None) -> Answer | None:
    if real is not None:
        real.body = real.body[:-1]  # Amazon's own bodies lacked their last brace until 12/2020
    return real


def _with_buyer(do: dict[str, Any], real: Answer | None) -> Answer | None:
    if real is not None and real.content_type in (JSON, HAL) and real.body:
        told = json_answer(real.status, with_stranger(json.loads(real.body)))
        real.body = told.body
    return real


def _lwa_error(do: dict[str, Any], real: Answer | None) -> Answer:
    status = do.get("status", 401 if do["error"] == "invalid_client" else 400)
    document = {"error": do["error"], "error_description": do.get("description", "")}
    return json_answer(status, document)


def _real(do: dict[str, Any], real: Answer | None) -> Answer | None:
    return real or standard_error(503)


_ANSWERS: dict[str, Callable[[dict[str, Any], Answer | None], Answer | None]] = {
    "status": _status,
    "forbidden": _forbidden,
    "redirect": _redirect,
    "body": _body,
    "malformed_json": _malformed,
    "buyer": _with_buyer,
    "lwa_error": _lwa_error,
    "drip": _real,
    "cut_body": _real,
    "latency": _real,
    "empty_list": _real,
    "listed_although_accepted": _real,
    "offer": _real,
    "refuse_data_set": _real,
    "report_fatal": _real,
    "expired": _real,
}


async def _send(do: dict[str, Any], answer: Answer | None, wire: Wire) -> None:
    if answer is not None:
        wire.send(answer)


async def _later(do: dict[str, Any], answer: Answer | None, wire: Wire) -> None:
    await asyncio.sleep(do["ms"] / 1000)
    await _send(do, answer, wire)


async def _reset(do: dict[str, Any], answer: Answer | None, wire: Wire) -> None:
    wire.reset()


async def _close(do: dict[str, Any], answer: Answer | None, wire: Wire) -> None:
    wire.close()


async def _hang(do: dict[str, Any], answer: Answer | None, wire: Wire) -> None:
    await asyncio.sleep(do["seconds"])
    wire.close()


async def _half_status_line(do: dict[str, Any], answer: Answer | None, wire: Wire) -> None:
    wire.write(b"HTTP/1.1 20")
    wire.close()


async def _drip(do: dict[str, Any], answer: Answer | None, wire: Wire) -> None:
    assert answer is not None
    for byte in to_bytes(answer, close=True):
        if wire.gone:
            return
        wire.write(bytes((byte,)))
        await asyncio.sleep(do["seconds"])
    wire.close()


async def _cut_body(do: dict[str, Any], answer: Answer | None, wire: Wire) -> None:
    assert answer is not None
    body, half = answer.body, answer.body[: len(answer.body) // 2]
    if do.get("how") == "chunked":
        wire.write(head(answer, close=True, length="Transfer-Encoding: chunked"))
        wire.write(f"{len(body):x}\r\n".encode() + half)
    else:
        wire.write(head(answer, close=True, length=f"Content-Length: {len(body)}") + half)
    wire.close()


_DEEDS: dict[str, Callable[[dict[str, Any], Answer | None, Wire], Coroutine[Any, Any, None]]] = {
    "latency": _later,
    "reset": _reset,
    "close": _close,
    "hang": _hang,
    "half_status_line": _half_status_line,
    "drip": _drip,
    "cut_body": _cut_body,
}
