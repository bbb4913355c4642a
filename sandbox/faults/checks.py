"""What each key of a fault rule may hold, in a form that can explain itself."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 256_000_000


class FaultError(ValueError):
    """The rules cannot be used; the text names the rule, the key and what is allowed."""


@dataclass(frozen=True, slots=True)
class Check:
    """A test of one value and the words that say what it wants."""

    holds: Callable[[Any], bool]
    wanted: str
    required: bool = False


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(value: Any, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _lines(value: Any) -> bool:
    """Texts that fit on one line each, so that a header stays one header."""
    return isinstance(value, str) and value.isprintable()


def _headers(value: Any) -> bool:
    return isinstance(value, dict) and all(_lines(text) for pair in value.items() for text in pair)


def _base64(value: Any) -> bool:
    try:
        return isinstance(value, str) and b64decode(value, validate=True) is not None
    except ValueError:
        return False


COUNT = Check(lambda value: _whole(value, 1, 10**9), "a whole number from 1")
COUNTS = Check(
    lambda value: isinstance(value, list) and bool(value) and all(map(COUNT.holds, value)),
    "a list of whole numbers from 1",
)
AMOUNT = Check(lambda value: _number(value, 10**9), "a number from 0")
SHARE = Check(lambda value: _number(value, 1), "a number from 0 to 1")
TEXT = Check(lambda value: isinstance(value, str), "a text")
LINE = Check(_lines, "a text of one line")
FLAG = Check(lambda value: isinstance(value, bool), "true or false")
STATUS = Check(lambda value: _whole(value, 200, 599), "a status from 200 to 599")
BYTES = Check(lambda value: _whole(value, 1, MAX_BYTES), f"a whole number from 1 to {MAX_BYTES}")
BASE64 = Check(_base64, "base64")
HEADERS = Check(_headers, "an object of texts of one line")


def one_of(*words: str) -> Check:
    """A check for one of these words."""
    return Check(lambda value: value in words, "one of " + ", ".join(words))


def needed(check: Check) -> Check:
    """The same check for a key that must be there."""
    return Check(check.holds, check.wanted, required=True)


def check_object(where: str, value: Any, checks: Mapping[str, Check]) -> dict[str, Any]:
    """The object, when it holds only known keys with good values; FaultError otherwise."""
    if not isinstance(value, dict):
        raise FaultError(f"{where} must be an object, not {value!r}")
    for key, held in value.items():
        if key not in checks:
            known = ", ".join(checks) or "no other key"
            raise FaultError(f"{where} has an unknown key {key!r}; known: {known}")
        if not checks[key].holds(held):
            raise FaultError(f"{where}: {key!r} must be {checks[key].wanted}, not {held!r}")
    for key, check in checks.items():
        if check.required and key not in value:
            raise FaultError(f"{where} lacks {key!r}, {check.wanted}")
    return value
