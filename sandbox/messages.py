"""Requests and answers of HTTP, as the rest of the sandbox sees them."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

JSON = "application/json"
HAL = "application/hal+json"
HTML = "text/html"


@dataclass(slots=True)
class Request:
    """One request that was read whole; header names in lower case, the path as it was sent."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    loopback: bool
    too_large: bool = False

    @property
    def path_parts(self) -> tuple[str, ...]:
        """The path's segments, decoded: a slash within an order id separates nothing."""
        return tuple(unquote(part) for part in self.path[1:].split("/"))

    def values(self, name: str) -> list[str]:
        """All values of a query parameter, given as `a,b` or repeated; empty ones left out."""
        return [value for text in self.query.get(name, ()) for value in text.split(",") if value]


def parse_target(target: str) -> tuple[str, dict[str, list[str]]]:
    """Path and query of a request target; ValueError when the query is too long to be meant."""
    path, _, text = target.partition("?")
    query: dict[str, list[str]] = {}
    if text:
        for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=100):
            query.setdefault(name, []).append(value)
    return path, query


@dataclass(slots=True)
class Answer:
    """One answer; `headers` besides Content-Type, Content-Length, Date and Connection."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(status: int, document: Any, content_type: str = JSON) -> Answer:
    """An answer whose body is the document as JSON."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, content_type)


def error_answer(status: int, code: str, message: str, details: str = "") -> Answer:
    """Amazon's error body: `{"errors":[{"code","message","details"}]}`."""
    error = {"code": code, "message": message, "details": details}
    return json_answer(status, {"errors": [error]})


def storage_error(status: int, code: str, message: str) -> Answer:
    """The error body of S3."""
    text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, text.encode(), "application/xml")


def head(answer: Answer, close: bool, length: str) -> bytes:
    """Status line and headers; `length` is the header line that tells where the body ends."""
    reason = HTTPStatus(answer.status).phrase if answer.status in _STATUSES else "Unknown"
    lines = [
        f"HTTP/1.1 {answer.status} {reason}",
        "Server: Server",
        f"Content-Type: {answer.content_type}",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
        length,
        f"Connection: {'close' if close else 'keep-alive'}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def to_bytes(answer: Answer, close: bool) -> bytes:
    """The whole answer as it goes over the wire."""
    return head(answer, close, f"Content-Length: {len(answer.body)}") + answer.body


_STATUSES = frozenset(int(status) for status in HTTPStatus)
