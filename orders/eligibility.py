"""Whether a review may be asked for, stated once.

Each rule is a `Q` that must hold. Rules are written positively, so that missing data refuses, and
stand in the order in which a person wants to hear them: fatal first, waiting last. Those that look
at the row alone are *fixed*: the database keeps the first of them that does not hold in a generated
column (`Order.fixed_refusal`), so that lists and counts over a million orders use an index. The two
that look at the clock come after them.

"Already asked" is no rule of the order: it is the existence of an outgoing action, and
`Order.solicitation` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import BooleanField, Case, CharField, F, Q, Value, When

from orders.states import FulfillmentStatus, Refusal


@dataclass(frozen=True)
class ReviewWindow:
    """Amazon's window: from so long after the earliest promised delivery to so long after the latest.

    Amazon's rule is 5 and 30 days, both ends included (Solicitations API use case guide, step 3).
    """

    opens_after: timedelta
    closes_after: timedelta

    @classmethod
    def from_settings(cls) -> ReviewWindow:
        """The window of REVIEW_OPENS_AFTER_DAYS and REVIEW_CLOSES_AFTER_DAYS."""
        return cls(
            opens_after=timedelta(days=settings.REVIEW_OPENS_AFTER_DAYS),
            closes_after=timedelta(days=settings.REVIEW_CLOSES_AFTER_DAYS),
        )


@dataclass(frozen=True)
class FixedRule:
    """What must be true of the row, whatever the time."""

    refusal: Refusal
    holds: Q


@dataclass(frozen=True)
class TimedRule:
    """What must be true of the row at a moment."""

    refusal: Refusal
    holds: Callable[[datetime, ReviewWindow], Q]


FIXED_RULES: tuple[FixedRule, ...] = (
    FixedRule(Refusal.NOT_AMAZON, Q(is_sold_on_amazon=True)),
    FixedRule(Refusal.CANCELLED, Q(is_cancelled=False)),
    FixedRule(Refusal.REPLACEMENT, Q(is_replacement=False)),
    FixedRule(Refusal.RETURNED, Q(is_returned=False)),
    FixedRule(Refusal.REFUNDED, Q(is_refunded=False)),
    FixedRule(Refusal.EXCLUDED, Q(is_excluded=False)),
    FixedRule(Refusal.PARTIAL, Q(is_partial=False)),
    FixedRule(Refusal.NOT_SHIPPED, Q(fulfillment_status=FulfillmentStatus.SHIPPED.value)),
    FixedRule(
        Refusal.NO_DATES, Q(earliest_delivery_at__isnull=False, latest_delivery_at__isnull=False)
    ),
)
TIMED_RULES: tuple[TimedRule, ...] = (
    TimedRule(
        Refusal.WINDOW_CLOSED,
        lambda at, window: Q(latest_delivery_at__gte=at - window.closes_after),
    ),
    TimedRule(
        Refusal.TOO_EARLY,
        lambda at, window: Q(earliest_delivery_at__lte=at - window.opens_after),
    ),
)


def first_fixed_refusal() -> Case:
    """The expression of the generated column: the first fixed rule that does not hold, or ''."""
    return Case(
        *(When(~rule.holds, then=Value(rule.refusal.value)) for rule in FIXED_RULES),
        default=Value(""),
        output_field=CharField(max_length=16),
    )


def first_refusal(at: datetime, window: ReviewWindow) -> Case:
    """The first rule that does not hold at that moment (UTC), or ''."""
    return Case(
        When(~Q(fixed_refusal=""), then=F("fixed_refusal")),
        *(When(~rule.holds(at, window), then=Value(rule.refusal.value)) for rule in TIMED_RULES),
        default=Value(""),
        output_field=CharField(max_length=16),
    )


def every_rule_holds(at: datetime, window: ReviewWindow) -> Q:
    """The filter that eligible orders pass: the same rules, in the form that uses the indexes."""
    q = Q(fixed_refusal="")
    for rule in TIMED_RULES:
        q &= rule.holds(at, window)
    return q


def refused_for(refusal: Refusal, at: datetime, window: ReviewWindow) -> Q:
    """The filter for orders whose first refusal is this one, in the form that uses the indexes."""
    if any(rule.refusal == refusal for rule in FIXED_RULES):
        return Q(fixed_refusal=refusal.value)
    q = Q(fixed_refusal="")
    for rule in TIMED_RULES:
        if rule.refusal == refusal:
            return q & ~rule.holds(at, window)
        q &= rule.holds(at, window)
    raise ValueError(f"No rule refuses with {refusal!r}.")


def checks(at: datetime, window: ReviewWindow) -> dict[Refusal, Case]:
    """Every rule as a boolean expression, for the page that explains one order."""
    fixed = {rule.refusal: _as_boolean(rule.holds) for rule in FIXED_RULES}
    timed = {rule.refusal: _as_boolean(rule.holds(at, window)) for rule in TIMED_RULES}
    return fixed | timed


def _as_boolean(q: Q) -> Case:
    return Case(When(q, then=Value(True)), default=Value(False), output_field=BooleanField())
