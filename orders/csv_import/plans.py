"""What an import would do: the dry run, and at the same time all that is needed to do it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from orders.csv_import.checking import Checked
from orders.ingest.partial import OrderFacts
from orders.models import Exclusion, ExclusionKind, ImportKind, Order, OrderImport
from sellers.models import SellerAccount

CHUNK = 500
NON_AMAZON = "NON_AMAZON"

# How a row's values become facts; the names of the columns are those of `columns.ORDERS`.
_FACTS: Mapping[str, str] = {
    "last-updated-date": "updated_at",
    "purchase-date": "purchased_at",
    "marketplace-id": "marketplace_id",
    "order-status": "fulfillment_status",
    "fulfillment-channel": "fulfilled_by",
    "ship-service-level": "service_level",
    "is-business-order": "is_business",
}
# What of OrderFacts travels between the two steps, in this order.
_PLAIN = ("order_id", *_FACTS.values(), "channel_name")
_MOMENTS = frozenset({"updated_at", "purchased_at"})
assert set(_PLAIN) <= {one.name for one in fields(OrderFacts)}


@dataclass(frozen=True, slots=True)
class Source:
    """Which file it was, by its cleaned name and digest, and what was counted in it."""

    kind: ImportKind
    file_name: str
    digest: str
    rows: int
    bad_rows: int
    repeats: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be imported into an account.

    For orders `facts` has what is said of each; for exclusions `values` has what would be excluded,
    for that `reason`. `new` of them are not here, `known` are; `elsewhere` were left out because
    they are orders of another account. `unknown` order numbers are excluded for when they come.
    """

    source: Source
    facts: list[OrderFacts] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    reason: str = ""
    new: int = 0
    known: int = 0
    elsewhere: int = 0
    unknown: int = 0

    @property
    def size(self) -> int:
        """How many orders or exclusions it is about."""
        return len(self.facts) + len(self.values)

    @property
    def exclusion(self) -> ExclusionKind | None:
        """What is excluded; None when orders are imported."""
        kind = self.source.kind
        return None if kind == ImportKind.ORDERS else ExclusionKind(kind.value)

    def to_plain(self) -> dict[str, Any]:
        """The plan as JSON can hold it; holds nothing of the file but what is imported."""
        source = {one.name: getattr(self.source, one.name) for one in fields(Source)}
        return {
            "source": source,
            "facts": [_plain(facts) for facts in self.facts],
            "values": self.values,
            "reason": self.reason,
            "counts": [self.new, self.known, self.elsewhere, self.unknown],
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Plan:
        """The plan of which `to_plain` was made."""
        new, known, elsewhere, unknown = plain["counts"]
        source = plain["source"]
        return cls(
            source=Source(**(source | {"kind": ImportKind(source["kind"])})),
            facts=[_facts(values) for values in plain["facts"]],
            values=plain["values"],
            reason=plain["reason"],
            new=new,
            known=known,
            elsewhere=elsewhere,
            unknown=unknown,
        )


def plan_orders(
    account: SellerAccount, checked: Checked, source: Source, *, among: Collection[int]
) -> Plan:
    """The orders of these rows, as far as they are not known to be another's of `among`.

    `among` are the ids of the accounts that whoever asks may know of. Two statements for each 500.
    """
    numbers = [str(key) for key in checked.rows]
    others = [pk for pk in among if pk != account.pk]
    known = _present(numbers, [account.pk])
    elsewhere = _present([number for number in numbers if number not in known], others)
    facts = [
        _facts_of(number, values)
        for number, values in zip(numbers, checked.rows.values(), strict=True)
        if number not in elsewhere
    ]
    return Plan(
        source,
        facts=facts,
        new=len(facts) - len(known),
        known=len(known),
        elsewhere=len(elsewhere),
    )


def plan_exclusions(
    account: SellerAccount,
    checked: Checked,
    source: Source,
    *,
    reason: str,
    among: Collection[int],
) -> Plan:
    """The exclusions of these rows; order numbers of another account of `among` are left out."""
    kind = ExclusionKind(source.kind.value)
    values = [str(key) for key in checked.rows]
    elsewhere: set[str] = set()
    unknown = 0
    if kind == ExclusionKind.ORDER:
        here = _present(values, [account.pk])
        elsewhere = _present(values, [pk for pk in among if pk != account.pk]) - here
        unknown = len(values) - len(here) - len(elsewhere)
    wanted = [value for value in values if value not in elsewhere]
    standing = 0
    for chunk in _chunks(wanted):
        standing += Exclusion.objects.filter(
            account=account, kind=kind, value__in=chunk, undone_at=None
        ).count()
    return Plan(
        source,
        values=wanted,
        reason=reason,
        new=len(wanted) - standing,
        known=standing,
        elsewhere=len(elsewhere),
        unknown=unknown,
    )


def imported_before(account: SellerAccount, source: Source) -> OrderImport | None:
    """The last time that this very file was imported to its end for the same, if it ever was."""
    return (
        OrderImport.objects.filter(account=account, digest=source.digest, kind=source.kind)
        .exclude(finished_at=None)
        .select_related("made_by")
        .first()
    )


def _present(numbers: Collection[str], account_ids: Collection[int]) -> set[str]:
    found: set[str] = set()
    if account_ids:
        for chunk in _chunks(list(numbers)):
            found.update(
                Order.objects.filter(account_id__in=account_ids, amazon_order_id__in=chunk)
                .order_by()
                .values_list("amazon_order_id", flat=True)
            )
    return found


def _facts_of(number: str, values: Mapping[str, object]) -> OrderFacts:
    said: dict[str, Any] = {name: values.get(column) for column, name in _FACTS.items()}
    place = values.get("sales-channel")
    if place == "":
        said["channel_name"] = NON_AMAZON
    elif place is not None:
        said["marketplace_id"] = said["marketplace_id"] or place
    return OrderFacts(number, **said)


def _plain(facts: OrderFacts) -> list[Any]:
    values: list[Any] = []
    for name in _PLAIN:
        value = getattr(facts, name)
        if isinstance(value, datetime):
            value = value.timestamp()
        values.append(value)
    while values[-1] is None:
        values.pop()
    return values


def _facts(plain: Iterable[Any]) -> OrderFacts:
    said = dict(zip(_PLAIN, plain, strict=False))
    for name in _MOMENTS & said.keys():
        if said[name] is not None:
            said[name] = datetime.fromtimestamp(said[name], UTC)
    return OrderFacts(**said)


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
