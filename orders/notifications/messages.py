"""Reading a message of the queue: who sold the order that changed, its number, and when.

That is all that is taken out of it, word by word (`KEPT`); whatever else it holds, the buyer's
postal code among it, is dropped here. A message is anybody's text until it has been read: the queue
stands at AWS, and its policy may let others write to it.

Shape: https://github.com/amzn/selling-partner-api-models/blob/main/schemas/notifications/
OrderChangeNotification.json.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

TYPE = "ORDER_CHANGE"
VERSION = "1.0"
# Eight words of Orders v0 (`Summary.OrderStatus` of the schema).
STATUSES = frozenset(
    {
        "PendingAvailability",
        "Pending",
        "Unshipped",
        "PartiallyShipped",
        "Shipped",
        "InvoiceUnconfirmed",
        "Canceled",
        "Unfulfillable",
    }
)
SHIPPED = "Shipped"
# AWS lets messages be 1 MiB long; Amazon's are a few kB.
LARGEST = 1024 * 1024
DEEPEST = 40
MOST_WRAPPERS = 2
_WORD = re.compile(r"[A-Za-z]{1,32}")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_VERSION = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){0,2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}(?:Z|[+-][0-9]{2}:?[0-9]{2})")
SELLER = re.compile(r"A[A-Z0-9]{5,20}")
ORDER = re.compile(r"[A-Z0-9]{3}-[0-9]{7}-[0-9]{7}")
# All that is ever kept of a message: under these names, and only what looks as it should.
KEPT: Mapping[str, re.Pattern[str]] = {
    "NotificationType": re.compile(r"[A-Z][A-Z0-9_]{0,60}"),
    "NotificationVersion": _VERSION,
    "PayloadVersion": _VERSION,
    "EventTime": _MOMENT,
    "TimeOfOrderChange": _MOMENT,
    "PublishTime": _MOMENT,
    "SellerId": SELLER,
    "AmazonOrderId": ORDER,
    "MarketplaceId": re.compile(r"A[A-Z0-9]{9,19}"),
    "OrderStatus": _WORD,
    "SubscriptionId": _ID,
    "NotificationId": _ID,
}
_NAMES = {name.lower(): name for name in KEPT}
_PAIR = re.compile(r'"([A-Za-z]{5,20})"\s{0,8}:\s{0,8}"([^"\\]{1,100})"')


class UnreadableError(Exception):
    """The message is none that we can read; the text says why, and holds nothing of it.

    `is_new_version`: it is of a type or version that this program does not know.
    """

    def __init__(self, reason: str, *, is_new_version: bool = False) -> None:
        super().__init__(reason)
        self.is_new_version = is_new_version


@dataclass(frozen=True, slots=True)
class OrderChange:
    """What a notification says of an order. `key` tells copies of it, `body_hash` other bodies.

    `subscription_id` and `marketplace_id` may be "". `changed_at` (UTC) is None where the message
    tells no usable moment. `unknown_words` are those that Amazon's schema does not have.
    """

    key: str
    body_hash: str
    seller_id: str
    order_id: str
    subscription_id: str
    marketplace_id: str
    status: str
    changed_at: datetime | None
    unknown_words: tuple[str, ...] = field(default=())


def read_message(text: str) -> OrderChange:
    """The change that the message tells of; raises UnreadableError."""
    if len(text) > LARGEST:
        raise UnreadableError(f"It is {len(text):,} characters long.")
    document = _unwrapped(_parsed(text))
    kind, version = document.get("NotificationType"), document.get("PayloadVersion")
    if kind != TYPE:
        raise UnreadableError(f"Its type is {_shown(kind)}, not {TYPE}.", is_new_version=True)
    if version != VERSION or document.get("NotificationVersion", VERSION) != VERSION:
        raise UnreadableError(
            f"Its payload's version is {_shown(version)}, not {VERSION}.", is_new_version=True
        )
    change = _part(_part(document, "Payload"), "OrderChangeNotification")
    if not change:
        raise UnreadableError("It has no Payload.OrderChangeNotification.")
    metadata = _part(document, "NotificationMetadata")
    summary = _part(change, "Summary")
    seller, order = _word(change, "SellerId"), _word(change, "AmazonOrderId")
    if not seller or not order:
        name = "AmazonOrderId" if seller else "SellerId"
        raise UnreadableError(f"Its {name} is missing, or is none.")
    body_hash = hash_of(json.dumps(document, sort_keys=True))
    status = _word(summary, "OrderStatus")
    told = _part(change, "OrderChangeTrigger")
    return OrderChange(
        key=_word(metadata, "NotificationId") or f"sha256:{body_hash}",
        body_hash=body_hash,
        seller_id=seller,
        order_id=order,
        subscription_id=_word(metadata, "SubscriptionId"),
        marketplace_id=_word(summary, "MarketplaceId"),
        status=status,
        changed_at=_moment(_word(told, "TimeOfOrderChange"))
        or _moment(_word(document, "EventTime")),
        unknown_words=() if status in STATUSES else (f"OrderStatus={status or '?'}",),
    )


def kept_words(text: str) -> dict[str, str]:
    """What is kept of a message that cannot be read: by name, the first that looks as it should."""
    try:
        pairs = _pairs_of(_unwrapped(_parsed(text[:LARGEST])))
    except UnreadableError:
        pairs = ((found[1], found[2]) for found in _PAIR.finditer(text[:LARGEST]))
    kept: dict[str, str] = {}
    for told, value in pairs:
        name = _NAMES.get(told.lower(), "")
        if name and name not in kept and KEPT[name].fullmatch(value):
            kept[name] = value
    return kept


def hash_of(text: str) -> str:
    """The SHA-256 of the text, in 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _parsed(text: str) -> dict[str, Any]:
    try:
        document = json.loads(
            text.removeprefix("\ufeff"), object_pairs_hook=_object, parse_constant=_refuse
        )
    except RecursionError:
        raise UnreadableError("It is nested too deeply.") from None
    except ValueError as error:
        # the message of a JSONDecodeError names a place, never the text
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise UnreadableError(f"It is not JSON: {reason[:100]}.") from None
    if not isinstance(document, dict):
        raise UnreadableError("It is not a JSON object.")
    if _is_deeper(document, DEEPEST):
        raise UnreadableError("It is nested too deeply.")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def _refuse(_constant: str) -> None:
    raise ValueError("NaN and Infinity are no numbers of JSON")


def _is_deeper(value: object, most: int) -> bool:
    parts: list[Any] = []
    if isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, list):
        parts = value
    return bool(parts) and (most == 0 or any(_is_deeper(part, most - 1) for part in parts))


def _of_sns(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a topic of Amazon SNS passed on as text.

    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    """
    message = document.get("Message")
    if document.get("Type") != "Notification" or "TopicArn" not in document:
        return None
    return _parsed(message) if isinstance(message, str) else None


def _of_eventbridge(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a rule of Amazon EventBridge passed on.

    https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
    """
    detail = document.get("detail")
    return detail if "detail-type" in document and isinstance(detail, dict) else None


WRAPPERS: tuple[Callable[[Mapping[str, Any]], dict[str, Any] | None], ...] = (
    _of_sns,
    _of_eventbridge,
)


def _unwrapped(document: dict[str, Any]) -> dict[str, Any]:
    """The notification itself, out of the wrappers that are known by name, two at most."""
    for _layer in range(MOST_WRAPPERS):
        inner = next((found for wrapper in WRAPPERS if (found := wrapper(document))), None)
        if inner is None:
            return document
        document = inner
    return document


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _word(document: Mapping[str, Any], name: str) -> str:
    """The value, if it is text that looks as it should; else ""."""
    value = document.get(name)
    return value if isinstance(value, str) and KEPT[name].fullmatch(value) else ""


def _shown(value: object) -> str:
    """A type or version as it may be shown, whoever wrote it."""
    if not isinstance(value, str):
        return "missing"
    is_plain = KEPT["NotificationType"].fullmatch(value) or _VERSION.fullmatch(value)
    return value if is_plain else "no word of Amazon's"


def _moment(text: str) -> datetime | None:
    """The moment in UTC; None for none, one without a zone, or one that no order can have."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1995 <= moment.year < 2200 else None


def _pairs_of(value: object) -> Iterator[tuple[str, str]]:
    """Every name with a text, wherever it stands."""
    if isinstance(value, dict):
        for name, part in value.items():
            if isinstance(part, str):
                yield name, part
            else:
                yield from _pairs_of(part)
    elif isinstance(value, list):
        for part in value:
            yield from _pairs_of(part)
