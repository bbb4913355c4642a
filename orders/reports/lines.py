"""What the lines of a report say of orders, in the words of Amazon's orders API 2026-01-01."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from orders.ingest.partial import OrderFacts
from orders.models import ReportType
from orders.reports.columns import KEPT
from orders.states import FulfilledBy, FulfillmentStatus
from spapi import MARKETPLACES

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_STATUSES = frozenset(status.value for status in FulfillmentStatus)
_OTHER_STATUSES = {"CANCELED": FulfillmentStatus.CANCELLED.value}
_CHANNELS = {
    "amazon": FulfilledBy.AMAZON.value,
    "afn": FulfilledBy.AMAZON.value,
    "merchant": FulfilledBy.MERCHANT.value,
    "mfn": FulfilledBy.MERCHANT.value,
    "seller": FulfilledBy.MERCHANT.value,
}
# A buyer asked to give it back, and it was not taken back.
_NOT_RETURNED = frozenset({"denied", "declined", "rejected"})
_BY_DOMAIN = {place.domain: place.id for place in MARKETPLACES.values()}
_BY_COUNTRY = {place.country: place.id for place in MARKETPLACES.values()}
_NON_AMAZON = "non-amazon"


@dataclass
class Reader:
    """Reads the kept lines of one report about these marketplaces.

    `unknown_words` counts words that we do not know, as `column=word`; `newest` is the latest of
    Amazon's times of change.
    """

    report_type: str
    marketplace_ids: tuple[str, ...] = ()
    unknown_words: Counter[str] = field(default_factory=Counter)
    newest: datetime | None = None

    def read(self, lines: Iterable[bytes]) -> Iterator[OrderFacts]:
        """What the lines say; neighbours about one order are one. Moments in UTC."""
        names = KEPT[self.report_type]
        facts_of = _READERS[self.report_type]
        pending: OrderFacts | None = None
        for line in lines:
            cells = line.decode("utf-8", "replace").rstrip("\n").split("\t")
            facts = facts_of(self, dict(zip(names, cells, strict=False)))
            if pending is None or pending.order_id != facts.order_id:
                if pending is not None:
                    yield pending
                pending = facts
            else:
                pending = _joined(pending, facts)
        if pending is not None:
            yield pending

    def order_line(self, cells: Mapping[str, str]) -> OrderFacts:
        """A line of the reports of all orders."""
        updated_at = parse_moment(cells["last-updated-date"])
        if updated_at is not None:
            self.newest = max(updated_at, self.newest or updated_at)
        marketplace, channel = self._place_of(cells["sales-channel"])
        return OrderFacts(
            cells["amazon-order-id"],
            updated_at=updated_at,
            purchased_at=parse_moment(cells["purchase-date"]),
            marketplace_id=marketplace,
            channel_name=channel,
            fulfillment_status=self._status_of(cells["order-status"]),
            fulfilled_by=self._fulfilled_by(cells["fulfillment-channel"]),
            service_level=snake(cells["ship-service-level"]) or None,
            is_business=_YES_OR_NO.get(cells["is-business-order"].lower()),
        )

    def shipment_line(self, cells: Mapping[str, str]) -> OrderFacts:
        """A line of the report of FBA shipments."""
        arrival = parse_moment(cells["estimated-arrival-date"])
        return OrderFacts(cells["amazon-order-id"], fba_arrival_at=arrival)

    def fba_return_line(self, cells: Mapping[str, str]) -> OrderFacts:
        """A line of the report of what came back to Amazon."""
        return OrderFacts(cells["order-id"], returned=True)

    def mfn_return_line(self, cells: Mapping[str, str]) -> OrderFacts:
        """A line of the report of what buyers asked the seller to take back."""
        status = cells["return-request-status"].lower()
        return OrderFacts(
            cells["order-id"],
            returned=status not in _NOT_RETURNED,
            refunded=_is_something(cells["refunded-amount"]),
        )

    def _place_of(self, sales_channel: str) -> tuple[str | None, str | None]:
        """Marketplace and channel name for `Amazon.de` or `Non-Amazon DE`; None: not known."""
        name = sales_channel.lower()
        only = self.marketplace_ids[0] if len(self.marketplace_ids) == 1 else None
        if name.startswith(_NON_AMAZON):
            country = sales_channel[len(_NON_AMAZON) :].strip().upper()
            return _BY_COUNTRY.get(country, only), "NON_AMAZON"
        marketplace = _BY_DOMAIN.get(name.removeprefix("www."))
        if marketplace is None and name:
            self.unknown_words[f"sales-channel={sales_channel}"] += 1
        return marketplace or only, "AMAZON" if name.startswith("amazon") else None

    def _status_of(self, text: str) -> str | None:
        # "Shipped - Delivered to Buyer" is a kind of Shipped
        word = snake(text.partition(" - ")[0])
        word = _OTHER_STATUSES.get(word, word)
        if word and word not in _STATUSES:
            self.unknown_words[f"order-status={text}"] += 1
        return word or None

    def _fulfilled_by(self, text: str) -> str | None:
        if text and text.lower() not in _CHANNELS:
            self.unknown_words[f"fulfillment-channel={text}"] += 1
        return _CHANNELS.get(text.lower(), text or None)


def parse_moment(text: str) -> datetime | None:
    """The ISO 8601 moment in UTC (without an offset: taken as UTC); None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def snake(text: str) -> str:
    """`SecondDay` or `Second Day` as the orders API writes it: `SECOND_DAY`."""
    return _CAPITAL.sub("_", text).replace(" ", "_").upper()


def _joined(first: OrderFacts, second: OrderFacts) -> OrderFacts:
    """What two lines say of one order: the latest version and arrival; a return stays one."""
    newer = second if _version(second) >= _version(first) else first
    arrivals = [one.fba_arrival_at for one in (first, second) if one.fba_arrival_at is not None]
    return replace(
        newer,
        fba_arrival_at=max(arrivals, default=None),
        returned=_either(first.returned, second.returned),
        refunded=_either(first.refunded, second.refunded),
    )


def _version(facts: OrderFacts) -> datetime:
    return facts.updated_at or datetime.min.replace(tzinfo=UTC)


def _either(one: bool | None, other: bool | None) -> bool | None:
    return None if one is None and other is None else bool(one or other)


def _is_something(amount: str) -> bool:
    """Whether the amount is more than nothing, whichever sign marks its decimals."""
    return not amount.startswith("-") and any(digit in amount for digit in "123456789")


_YES_OR_NO = {"true": True, "false": False}
_READERS: Mapping[str, Callable[[Reader, Mapping[str, str]], OrderFacts]] = {
    ReportType.BY_UPDATE: Reader.order_line,
    ReportType.BY_ORDER: Reader.order_line,
    ReportType.SHIPMENTS: Reader.shipment_line,
    ReportType.FBA_RETURNS: Reader.fba_return_line,
    ReportType.MFN_RETURNS: Reader.mfn_return_line,
}
