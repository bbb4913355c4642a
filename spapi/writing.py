"""What goes to Amazon: addresses, queries, bodies and moments."""

import ipaddress
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit


def query_text(**parameters: Collection[str]) -> str:
    """The query; several values are joined by commas, as Amazon's models say (csv)."""
    return "&".join(
        f"{name}={','.join(quote(value, safe='') for value in values)}"
        for name, values in parameters.items()
        if values
    )


def json_body(document: Mapping[str, object]) -> bytes:
    """The document as UTF-8; ValueError for a text that is none (half of a surrogate pair)."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8")


def moments(value: datetime | str | None) -> list[str]:
    """The moment as Amazon takes it, in UTC; the same datetime always gives the same text."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if value.tzinfo is None:
        raise ValueError("a moment must be an aware datetime")
    precision = "milliseconds" if value.microsecond else "seconds"
    return [value.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")]


def plain_newlines(text: str) -> str:
    """The text with a line feed alone at the end of each line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_length(text: str) -> int:
    """How long Amazon may take the text to be, line ends being one character.

    Its models do not say whether code points or UTF-16 units are counted, so the larger number.
    Raises UnicodeEncodeError (a ValueError) for half of a surrogate pair.
    """
    return len(plain_newlines(text).encode("utf-16-le")) // 2


def coverage_moments(start: datetime | str, end: datetime | str) -> tuple[str, str]:
    """Both ends as Amazon takes them, each with its own offset; ValueError if they are no span."""
    first, last = (
        datetime.fromisoformat(one) if isinstance(one, str) else one for one in (start, end)
    )
    if first.tzinfo is None or last.tzinfo is None:
        raise ValueError("a moment must have an offset")
    if last < first:
        raise ValueError("the end must not lie before the start")
    return _with_offset(start), _with_offset(end)


def _with_offset(value: datetime | str) -> str:
    return value if isinstance(value, str) else value.isoformat().replace("+00:00", "Z")


def base_address(address: str) -> str:
    """The address without a slash at its end; ValueError if a token must not go there."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError(
            f"{parts.scheme}://{parts.hostname} is refused: tokens go over https, or to this machine"
        )
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("an endpoint is a scheme, a host, perhaps a port and a path, nothing else")
    return address.rstrip("/")


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
