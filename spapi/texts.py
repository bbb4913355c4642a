"""Single values and parts out of Amazon's answers: whatever comes, the right type or None."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

MALFORMED = object()
"""What `parse_json` returns for a text that is no JSON; no JSON text has this value."""

_AMOUNT = re.compile(r"[+-]?\d{1,15}(\.\d{1,9})?")
_RATE_CEILING = 10_000.0


def parse_json(body: bytes) -> object:
    """The value of a JSON text, or MALFORMED. Never raises, however hostile the text is."""
    try:
        value: object = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return MALFORMED
    return value


def clean(value: object) -> str | None:
    """The text without NULs and lone surrogates, which databases refuse; None if it is no text."""
    if not isinstance(value, str):
        return None
    if "\x00" in value:
        value = value.replace("\x00", "")
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode("utf-8")
    return value


def part(value: object, name: str) -> Mapping[str, object]:
    """The object of this name within the object; an empty one if there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def parts(value: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """The objects in the list of this name; whatever else stands in it is left out."""
    found = value.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def text(value: Mapping[str, object], name: str) -> str | None:
    """The text of this name, cleaned; None if there is none or it is empty."""
    return clean(value.get(name)) or None


def moment(value: object) -> datetime | None:
    """The ISO 8601 moment as an aware datetime in UTC (without an offset: taken as UTC)."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        if parsed.tzinfo is None:
            return parsed.replace(tzinfo=UTC)
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def whole_number(value: object) -> int | None:
    """The count, from 0 to 2^31-1; also out of a text or a float that is one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


def amount(value: object) -> Decimal | None:
    """The exact amount out of a text or number of at most 15 digits before the point and 9 after."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _AMOUNT.fullmatch(value.strip()):
        return Decimal(value.strip())
    return None


def rate(value: str | None) -> float | None:
    """The `x-amzn-RateLimit-Limit` of an answer in requests per second; None if it says nothing."""
    try:
        parsed = float(value or "")
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) and 0 < parsed <= _RATE_CEILING else None


def seconds(value: str | None) -> float | None:
    """The `Retry-After` of an answer in seconds, at most an hour; a date counts as nothing said."""
    try:
        parsed = float(value or "")
    except ValueError:
        return None
    return min(parsed, 3600.0) if math.isfinite(parsed) and parsed >= 0 else None
