"""Exclusions and the orders that they cover stay in step."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from orders.ingest.upsert import upsert_orders
from orders.models import Exclusion, ExclusionKind, Order
from orders.services import (
    BadExclusionError,
    exclude,
    refresh_exclusions,
    undo_exclusion,
)
from orders.states import Refusal
from sellers.models import SellerAccount
from tests.factories import (
    OrderFactory,
    OrderItemFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.orders.amazon import NOON, an_order

pytestmark = pytest.mark.django_db

MUG, CUP, BOTH = "302-0000001-0000001", "302-0000002-0000002", "302-0000003-0000003"


@pytest.fixture
def user() -> User:
    return UserFactory()


@pytest.fixture
def account() -> SellerAccount:
    """Three orders: of a mug, of a cup, of both; and another account with the same mug."""
    account = SellerAccountFactory()
    for order_number, skus in ((MUG, ["MUG"]), (CUP, ["CUP"]), (BOTH, ["MUG", "CUP"])):
        order = OrderFactory(account=account, amazon_order_id=order_number)
        for sku in skus:
            OrderItemFactory(order=order, sku=sku, asin=f"B0{sku}")
    OrderItemFactory(order=OrderFactory(amazon_order_id=MUG), sku="MUG", asin="B0MUG")
    return account


def excluded() -> set[tuple[int, str]]:
    return set(Order.objects.filter(is_excluded=True).values_list("account_id", "amazon_order_id"))


@pytest.mark.parametrize(
    ("kind", "value", "covered"),
    [
        (ExclusionKind.ORDER, MUG, {MUG}),
        (ExclusionKind.SKU, " MUG ", {MUG, BOTH}),
        (ExclusionKind.ASIN, "b0cup", {CUP, BOTH}),
        (ExclusionKind.SKU, "mug", set()),
        (ExclusionKind.SKU, "BOWL", set()),
    ],
)
def test_the_orders_of_the_value_and_no_others_are_excluded(
    account: SellerAccount, user: User, kind: ExclusionKind, value: str, covered: set[str]
) -> None:
    assert exclude(account, kind, [value], user=user, reason=" recalled ") == 1
    assert excluded() == {(account.pk, number) for number in covered}
    exclusion = Exclusion.objects.get()
    assert (exclusion.value, exclusion.reason) == (
        value.strip().upper() if kind == ExclusionKind.ASIN else value.strip(),
        "recalled",
    )
    now = timezone.now()
    assert Order.objects.refused(Refusal.EXCLUDED, now).count() == len(covered)


def test_undoing_frees_the_orders_that_nothing_else_covers(
    account: SellerAccount, user: User
) -> None:
    exclude(account, ExclusionKind.SKU, ["MUG"], user=user)
    exclude(account, ExclusionKind.ORDER, [BOTH], user=user)
    at = timezone.now()
    exclusion = Exclusion.objects.get(kind=ExclusionKind.SKU)
    assert undo_exclusion(exclusion, user=user, at=at)
    assert excluded() == {(account.pk, BOTH)}
    assert (exclusion.undone_at, exclusion.undone_by) == (at, user)
    assert not undo_exclusion(exclusion, user=user, at=timezone.now())
    assert Exclusion.objects.get(pk=exclusion.pk).undone_at == at


def test_what_stands_is_not_added_again_but_what_was_undone_is(
    account: SellerAccount, user: User
) -> None:
    assert exclude(account, ExclusionKind.SKU, ["MUG", "MUG", "BOWL"], user=user) == 2
    assert exclude(account, ExclusionKind.SKU, ["MUG", "CUP"], user=user) == 1
    undo_exclusion(Exclusion.objects.get(value="MUG"), user=user, at=timezone.now())
    assert exclude(account, ExclusionKind.SKU, ["MUG"], user=user) == 1
    assert Exclusion.objects.filter(value="MUG").count() == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ExclusionKind.ORDER, "111-1111111-111111"),
        (ExclusionKind.SKU, "   "),
        (ExclusionKind.SKU, "x" * 65),
        (ExclusionKind.ASIN, "B0\x00"),
    ],
)
def test_a_value_that_cannot_be_one_is_refused_and_nothing_changes(
    account: SellerAccount, user: User, kind: ExclusionKind, value: str
) -> None:
    good = MUG if kind == ExclusionKind.ORDER else "MUG"
    with pytest.raises(BadExclusionError):
        exclude(account, kind, [good, value], user=user)
    assert not Exclusion.objects.exists()
    assert excluded() == set()


def test_thousands_pasted_at_once_are_taken(account: SellerAccount, user: User) -> None:
    values = [f"SKU {number}" for number in range(1_200)] + ["MUG"]
    assert exclude(account, ExclusionKind.SKU, values, user=user) == 1_201
    assert excluded() == {(account.pk, MUG), (account.pk, BOTH)}


def test_refreshing_puts_right_what_was_wrong_and_counts_it(
    account: SellerAccount, user: User
) -> None:
    exclude(account, ExclusionKind.SKU, ["MUG"], user=user)
    assert refresh_exclusions(account) == 0
    Order.objects.filter(account=account).update(is_excluded=False)
    Order.objects.filter(account=account, amazon_order_id=CUP).update(is_excluded=True)
    only = Order.objects.get(account=account, amazon_order_id=BOTH)
    assert refresh_exclusions(account, order_ids=[only.pk]) == 1
    assert refresh_exclusions(account) == 2
    assert excluded() == {(account.pk, MUG), (account.pk, BOTH)}


@pytest.mark.django_db(transaction=True)
def test_an_order_that_comes_in_while_it_is_excluded_is_covered() -> None:
    account, user = SellerAccountFactory(), UserFactory()

    def exclude_it() -> None:
        exclude(account, ExclusionKind.ORDER, [MUG], user=user)
        connection.close()

    excluding = threading.Thread(target=exclude_it)
    with transaction.atomic():
        upsert_orders(account, [an_order(MUG)], seen_at=NOON)
        excluding.start()
        excluding.join(0.3)
        assert excluding.is_alive()  # it waits for the order to stand
    excluding.join(20)
    assert excluded() == {(account.pk, MUG)}
