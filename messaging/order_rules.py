"""Which of an order's own rules an action must pass, by kind; each rule is stated once, in orders.

A solicitation needs all of them (`orders.eligibility`). A message needs those that say that nobody
should write to this buyer at all: sold on Amazon, not cancelled, not excluded. What else a message
may be about (an order that is not shipped yet, or was returned) is Amazon's to say, by its list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Case, CharField, Exists, OuterRef, Q, Value, When

from messaging.action_types import REVIEW_REQUEST
from orders.eligibility import FIXED_RULES
from orders.models import Order, OrderQuerySet
from orders.states import Refusal

MESSAGE_RULES = tuple(
    rule
    for rule in FIXED_RULES
    if rule.refusal in {Refusal.NOT_AMAZON, Refusal.CANCELLED, Refusal.EXCLUDED}
)


def open_to_messages() -> OrderQuerySet:
    """The orders whose buyers may be written to."""
    q = Q()
    for rule in MESSAGE_RULES:
        q &= rule.holds
    return Order.objects.filter(q)


def message_refusals(order_ids: Collection[int]) -> dict[int, Refusal]:
    """Of these orders, those whose buyers may not be written to, each with the first reason."""
    first = Case(
        *(When(~rule.holds, then=Value(rule.refusal.value)) for rule in MESSAGE_RULES),
        default=Value(""),
        output_field=CharField(max_length=16),
    )
    rows = Order.objects.filter(pk__in=order_ids).annotate(refusal=first).exclude(refusal="")
    return {pk: Refusal(refusal) for pk, refusal in rows.values_list("pk", "refusal")}


def order_allows(kinds: Iterable[str], now: datetime) -> Q:
    """The filter that actions of these kinds pass while their order's rules hold (now in UTC)."""
    solicits = Q(Exists(Order.objects.eligible(now).filter(pk=OuterRef("order_id"))))
    writes = Q(Exists(open_to_messages().filter(pk=OuterRef("order_id"))))
    are_solicitations = {kind == REVIEW_REQUEST.name for kind in kinds}
    if are_solicitations == {True}:
        return solicits  # as most are: the database is asked one thing only
    if are_solicitations == {False}:
        return writes
    return Q(solicits, kind=REVIEW_REQUEST.name) | Q(writes & ~Q(kind=REVIEW_REQUEST.name))
