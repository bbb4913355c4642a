"""Eligibility against an oracle: a plain function that knows nothing of querysets.

Every combination of the facts that the rules look at, missing ones included, and both ends of the
window to the microsecond, in each of the forms in which the rules are asked.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from orders.eligibility import ReviewWindow
from orders.models import Order
from orders.states import Refusal
from tests.factories import OrderFactory, SellerAccountFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # in the night of a change of clocks
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)
FLAGS = (
    "is_sold_on_amazon",
    "is_cancelled",
    "is_replacement",
    "is_returned",
    "is_refunded",
    "is_excluded",
    "is_partial",
)
STATUSES = ("SHIPPED", "UNSHIPPED", "PARTIALLY_SHIPPED", "", "shipped")
WINDOWS = (ReviewWindow(5 * DAY, 30 * DAY), ReviewWindow(timedelta(0), DAY))


def why_not(order: Order, at: datetime, window: ReviewWindow) -> list[str]:
    """Every reason why this order may not be asked, in the order in which a person hears them.

    Amazon: the order is shipped, and it is from 5 days after the earliest to 30 days after the
    latest promised delivery. Ours: sold on Amazon, not cancelled, replaced, returned, refunded,
    excluded, or known from a report alone. What is not known speaks against asking.
    """
    reasons = []
    if order.is_sold_on_amazon is not True:
        reasons.append("not_amazon")
    if order.is_cancelled is not False:
        reasons.append("cancelled")
    if order.is_replacement is not False:
        reasons.append("replacement")
    if order.is_returned is not False:
        reasons.append("returned")
    if order.is_refunded is not False:
        reasons.append("refunded")
    if order.is_excluded is not False:
        reasons.append("excluded")
    if order.is_partial is not False:
        reasons.append("partial")
    if order.fulfillment_status != "SHIPPED":
        reasons.append("not_shipped")
    if order.earliest_delivery_at is None or order.latest_delivery_at is None:
        reasons.append("no_dates")
    if order.latest_delivery_at is None or at - order.latest_delivery_at > window.closes_after:
        reasons.append("window_closed")
    if order.earliest_delivery_at is None or at - order.earliest_delivery_at < window.opens_after:
        reasons.append("too_early")
    return reasons


def promises(window: ReviewWindow) -> Iterator[tuple[datetime | None, datetime | None]]:
    """Delivery windows on both sides of both ends of the review window, whole and in part."""
    opens, closes = AT - window.opens_after, AT - window.closes_after
    moments = (
        closes - DAY,
        closes - INSTANT,
        closes,
        closes + INSTANT,
        opens - INSTANT,
        opens,
        opens + INSTANT,
        AT + DAY,
    )
    for earliest, latest in itertools.combinations_with_replacement(moments, 2):
        if earliest <= latest:
            yield earliest, latest
    yield None, None
    for moment in (closes - INSTANT, opens, AT):
        yield None, moment
        yield moment, None


def all_orders(window: ReviewWindow) -> list[Order]:
    """Every combination of flags with a few promises and statuses; every promise and status."""
    account = SellerAccountFactory()
    fine = {name: name == "is_sold_on_amazon" for name in FLAGS}
    some = (AT - window.opens_after, AT - window.opens_after), (None, None), (AT, AT)
    facts: list[tuple[dict[str, Any], str, tuple[datetime | None, datetime | None]]] = [
        (dict(zip(FLAGS, flags, strict=True)), status, promise)
        for flags in itertools.product((True, False), repeat=len(FLAGS))
        for status in STATUSES[:2]
        for promise in some
    ]
    facts += [(fine, status, promise) for status in STATUSES for promise in promises(window)]
    return Order.objects.bulk_create(
        OrderFactory.build(
            account=account,
            fulfillment_status=status,
            earliest_delivery_at=promise[0],
            latest_delivery_at=promise[1],
            **flags,
        )
        for flags, status, promise in facts
    )


@pytest.mark.parametrize("window", WINDOWS, ids=["Amazon's window", "a day"])
def test_every_form_of_the_rules_agrees_with_the_oracle(window: ReviewWindow) -> None:
    made = all_orders(window)
    expected = {order.pk: why_not(order, AT, window) for order in made}
    first = {pk: (reasons or [""])[0] for pk, reasons in expected.items()}
    # the table is worth something only if every outcome is in it, more than once
    outcomes = list(first.values())
    assert all(outcomes.count(word) > 1 for word in ["", *Refusal.values]), outcomes

    annotated = Order.objects.with_refusal(AT, window)
    assert dict(annotated.values_list("pk", "refusal")) == first

    eligible = set(Order.objects.eligible(AT, window).values_list("pk", flat=True))
    assert eligible == {pk for pk, word in first.items() if word == ""}

    for refusal in Refusal:
        refused = set(Order.objects.refused(refusal, AT, window).values_list("pk", flat=True))
        assert refused == {pk for pk, word in first.items() if word == refusal}, refusal

    names = [f"check_{refusal}" for refusal in Refusal]
    for row in Order.objects.with_checks(AT, window).values("pk", *names):
        failed = {refusal.value for refusal in Refusal if row[f"check_{refusal}"] is False}
        assert {row[name] for name in names} <= {True, False}
        assert failed == set(expected[row["pk"]])

    timed = {Refusal.WINDOW_CLOSED.value, Refusal.TOO_EARLY.value}
    for pk, fixed in Order.objects.values_list("pk", "fixed_refusal"):
        reasons = [reason for reason in expected[pk] if reason not in timed]
        assert fixed == (reasons or [""])[0]


def test_the_window_of_the_settings_is_used_when_none_is_given() -> None:
    order = OrderFactory(earliest_delivery_at=AT - 3 * DAY, latest_delivery_at=AT - 3 * DAY)
    assert list(Order.objects.refused(Refusal.TOO_EARLY, AT)) == [order]
    with override_settings(REVIEW_OPENS_AFTER_DAYS=3):
        assert list(Order.objects.eligible(AT)) == [order]
        assert Order.objects.with_refusal(AT).get().refusal == ""
        assert order.opens_at() == AT
    with override_settings(REVIEW_OPENS_AFTER_DAYS=1, REVIEW_CLOSES_AFTER_DAYS=2):
        assert list(Order.objects.refused(Refusal.WINDOW_CLOSED, AT)) == [order]


def test_an_order_that_was_asked_stays_eligible_by_its_facts_but_is_not_unasked() -> None:
    asked = OrderFactory(solicitation="sent")
    unasked = OrderFactory()
    now = datetime.now(UTC)
    assert set(Order.objects.eligible(now)) == {asked, unasked}
    assert list(Order.objects.eligible(now).unasked()) == [unasked]


def test_closing_before_looks_at_the_end_of_the_window() -> None:
    soon = OrderFactory(closing_soon=True)
    OrderFactory()
    now = datetime.now(UTC)
    assert list(Order.objects.eligible(now).closing_before(now + 2 * DAY)) == [soon]
