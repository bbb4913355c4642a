"""The pills cut the orders into states: each order stands in one, and lists agree with counts."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from messaging.states import TAKEN, Status
from orders.models import Order
from orders.states import Refusal
from orders.views.pills import ALL, CLOSING_SOON, ELIGIBLE, PILLS, PILLS_BY_NAME, SORT_NAMES
from tests.factories import OrderFactory, OutgoingActionFactory, SellerAccountFactory

pytestmark = pytest.mark.django_db

TRAITS = ("", "too_early", "window_closed", "closing_soon", "no_dates", "not_shipped", "cancelled")


@pytest.fixture
def every_kind() -> list[Order]:
    """An order for each refusal and each state of its request, in two accounts."""
    accounts = [SellerAccountFactory(), SellerAccountFactory()]
    for account, trait in product(accounts, TRAITS):
        OrderFactory(account=account, **({trait: True} if trait else {}))
    for position, status in enumerate(Status):
        OutgoingActionFactory(status=status, order__account=accounts[position % 2])
        # what became of the order afterwards does not change where it stands
        later = OutgoingActionFactory(status=status, order__account=accounts[0]).order
        Order.objects.filter(pk=later.pk).update(is_returned=True)
    for flag in ("is_replacement", "is_returned", "is_refunded", "is_excluded"):
        OrderFactory(account=accounts[0], **{flag: True})
    OrderFactory(account=accounts[1], is_sold_on_amazon=False)
    return list(Order.objects.with_refusal(timezone.now()))


def test_every_order_stands_in_exactly_one_pill(every_kind: list[Order]) -> None:
    at = timezone.now()
    for order in every_kind:
        mine = Order.objects.filter(pk=order.pk)
        names = {pill.name for pill in PILLS if pill.matching(mine, at).exists()}
        assert "all" in names
        assert len(names - {"all", "closing_soon"}) == 1, (order.solicitation, order.refusal, names)
        assert "closing_soon" not in names or "eligible" in names


def test_a_pill_holds_what_its_name_says(every_kind: list[Order]) -> None:
    at = timezone.now()
    expected: dict[str, set[int]] = {pill.name: set() for pill in PILLS}
    names = {
        Status.QUEUED: "waiting",
        Status.HELD: "waiting",
        Status.SENDING: "waiting",
        Status.UNCONFIRMED: "needs_a_look",
        Status.UNRESOLVED: "needs_a_look",
        Status.PROBABLY_SENT: "probably_sent",
        Status.SENT: "sent",
        Status.REFUSED: "refused",
    }
    assert set(names) == TAKEN
    for order in every_kind:
        expected["all"].add(order.pk)
        if order.solicitation:
            name = names[Status(order.solicitation)]
        elif not order.refusal:
            name = "eligible"
            if order.closes_at() - at < CLOSING_SOON:
                expected["closing_soon"].add(order.pk)
        elif order.refusal in (Refusal.TOO_EARLY, Refusal.WINDOW_CLOSED):
            name = order.refusal
        else:
            name = "not_possible"
        expected[name].add(order.pk)
    found = {
        pill.name: set(pill.matching(Order.objects.all(), at).values_list("pk", flat=True))
        for pill in PILLS
    }
    assert found == expected
    assert all(found.values())


def test_the_parts_of_a_pill_are_the_pill(every_kind: list[Order]) -> None:
    at = timezone.now()
    accounts = sorted({order.account_id for order in every_kind})
    for pill in PILLS:
        parts = [
            pk
            for branch in pill.branches(accounts, at)
            for pk in branch.values_list("pk", flat=True)
        ]
        whole = pill.matching(Order.objects.filter(account_id__in=accounts), at)
        assert sorted(parts) == sorted(whole.values_list("pk", flat=True)), pill.name


def test_a_list_is_never_sorted_by_something_that_may_be_missing(every_kind: list[Order]) -> None:
    at = timezone.now()
    for pill in PILLS:
        assert pill.sorts
        for sort in pill.sorts:
            assert sort.name in SORT_NAMES
            missing = pill.matching(Order.objects.all(), at).filter(**{f"{sort.column}": None})
            assert not missing.exists(), (pill.name, sort.name)


def test_closing_soon_ends_after_two_days() -> None:
    at = timezone.now()
    for hours in (47, 49):
        OrderFactory(
            earliest_delivery_at=at - timedelta(days=31),
            latest_delivery_at=at - timedelta(days=30) + timedelta(hours=hours),
        )
    soon = PILLS_BY_NAME["closing_soon"]
    assert soon.matching(Order.objects.all(), at).count() == 1
    assert ELIGIBLE.matching(Order.objects.all(), at).count() == 2


def test_names_are_unique() -> None:
    assert len(PILLS_BY_NAME) == len(PILLS)
    assert PILLS[0] is ALL
