"""The states by which the list of orders is cut, each stated once: the pills above the table.

Every order stands in exactly one of them, apart from `all`, which has every order, and
`closing_soon`, which is part of `eligible`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Concat
from django.db.models.lookups import Exact

from messaging.states import NEEDS_A_LOOK, Status
from orders.eligibility import FIXED_RULES, ReviewWindow, every_rule_holds, refused_for
from orders.models import Order, OrderQuerySet
from orders.states import Refusal

CLOSING_SOON = timedelta(hours=48)

Rule = Callable[[datetime, ReviewWindow], Q]


@dataclass(frozen=True)
class Sort:
    """One order of the list; `column` is never null in the pills that have it.

    With an `alias` the rows carry the column under this name, which no index has.
    """

    name: str
    label: str
    column: str
    descending: bool
    alias: str = ""

    @property
    def key(self) -> str:
        """The name by which the rows are sorted."""
        return self.alias or self.column


PURCHASED = Sort("purchased", "Purchased", "purchased_at", descending=True)
# The same, where few of an account's orders are wanted: told to sort, the database does not walk the
# index of all purchases until it meets them.
PURCHASED_OF_FEW = replace(PURCHASED, alias="purchased_key")
CLOSES = Sort("closes", "Delivery window", "latest_delivery_at", descending=False)
CLOSED = Sort("closes", "Delivery window", "latest_delivery_at", descending=True)
STATE = Sort("state", "Review request", "solicitation_at", descending=True)
SORT_NAMES = ("purchased", "closes", "state")


@dataclass(frozen=True)
class Pill:
    """Orders whose solicitation is in one of `solicitations` (None: whatever it is) and that pass
    `rule`. The first of `sorts` is the usual one.

    `walk` says all of that again, so that the database can only walk the index of the sort order
    and look at the state in passing, instead of fetching all of that state and sorting it.
    """

    name: str
    label: str
    sorts: tuple[Sort, ...]
    solicitations: tuple[str, ...] | None = None
    rule: Rule | None = None
    walk: Rule | None = None

    def matching(self, orders: OrderQuerySet, at: datetime) -> OrderQuerySet:
        """Those of these orders that stand in this pill at that moment (UTC)."""
        if self.solicitations is not None:
            orders = orders.filter(solicitation__in=self.solicitations)
        if self.rule is not None:
            orders = orders.filter(self.rule(at, ReviewWindow.from_settings()))
        return orders

    def branches(self, account_ids: list[int], at: datetime) -> list[OrderQuerySet]:
        """The same, cut into parts of which each is one run of an index; for `keyset_page`."""
        parts = [Q(account_id=account_id) for account_id in account_ids]
        if self.solicitations is not None and self.walk is None:
            parts = [part & Q(solicitation=state) for part in parts for state in self.solicitations]
        rule = self.walk or self.rule
        if rule is not None:
            parts = [part & rule(at, ReviewWindow.from_settings()) for part in parts]
        return [self.sortable(Order.objects.filter(part)) for part in parts]

    def sortable(self, orders: OrderQuerySet) -> OrderQuerySet:
        """The same orders, with the columns by which this pill is sorted."""
        aliases = {
            sort.alias: Coalesce(sort.column, sort.column) for sort in self.sorts if sort.alias
        }
        return orders.annotate(**aliases)

    def sort(self, name: str) -> Sort | None:
        """The sort of that name, or None when this pill cannot be sorted by it."""
        return next((sort for sort in self.sorts if sort.name == name), None)


def _closing_soon(at: datetime, window: ReviewWindow) -> Q:
    return every_rule_holds(at, window) & Q(
        latest_delivery_at__lt=at + CLOSING_SOON - window.closes_after
    )


def _too_early(at: datetime, window: ReviewWindow) -> Q:
    # The last day is never before the first: said again, because it is what the index is sorted by.
    return Q(latest_delivery_at__gt=at - window.opens_after) & refused_for(
        Refusal.TOO_EARLY, at, window
    )


def _window_closed(at: datetime, window: ReviewWindow) -> Q:
    # The rule negated is not a range that an index can begin at; this is, and says the same.
    return Q(latest_delivery_at__lt=at - window.closes_after) & refused_for(
        Refusal.WINDOW_CLOSED, at, window
    )


def _not_possible(_at: datetime, _window: ReviewWindow) -> Q:
    return Q(fixed_refusal__in=[rule.refusal.value for rule in FIXED_RULES])


def _not_possible_in_passing(_at: datetime, _window: ReviewWindow) -> Q:
    # An expression of a column is not looked up in an index that the column leads.
    refusal, solicitation = (
        Exact(Concat(column, Value("")), Value("")) for column in ("fixed_refusal", "solicitation")
    )
    return ~Q(refusal) & Q(solicitation)


ALL = Pill("all", "All", (PURCHASED,))
ELIGIBLE = Pill("eligible", "Eligible now", (CLOSES, PURCHASED_OF_FEW), ("",), every_rule_holds)
PILLS: tuple[Pill, ...] = (
    ALL,
    ELIGIBLE,
    Pill("closing_soon", "Closing soon", (CLOSES, PURCHASED_OF_FEW), ("",), _closing_soon),
    Pill("too_early", "Too early", (CLOSES, PURCHASED_OF_FEW), ("",), _too_early),
    Pill("waiting", "Waiting", (STATE,), (Status.QUEUED, Status.HELD, Status.SENDING)),
    Pill("sent", "Sent", (STATE,), (Status.SENT,)),
    Pill("probably_sent", "Probably sent", (STATE,), (Status.PROBABLY_SENT,)),
    Pill("needs_a_look", "Needs a look", (STATE,), tuple(sorted(NEEDS_A_LOOK))),
    Pill("refused", "Refused", (STATE,), (Status.REFUSED,)),
    Pill("window_closed", "Window closed", (CLOSED,), ("",), _window_closed),
    Pill(
        "not_possible",
        "Not possible",
        (PURCHASED,),
        ("",),
        _not_possible,
        walk=_not_possible_in_passing,
    ),
)
PILLS_BY_NAME = {pill.name: pill for pill in PILLS}
