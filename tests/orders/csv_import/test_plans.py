"""What an import would do is said before, and nobody learns of an account that is not theirs."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from orders.csv_import.plans import Plan, imported_before, plan_exclusions, plan_orders
from orders.csv_import.reading import Reading, read_file
from orders.models import ExclusionKind, ImportKind
from orders.services import exclude
from tests.factories import (
    MembershipFactory,
    OrderFactory,
    OrderImportFactory,
    SellerAccountFactory,
)

pytestmark = pytest.mark.django_db


def reading(text: str, kind: ImportKind = ImportKind.ORDERS) -> Reading:
    return read_file(text.encode(), kind, "orders.csv")


def test_orders_are_counted_as_new_known_and_another_accounts() -> None:
    mine, other, foreign = OrderFactory(), OrderFactory(), OrderFactory()
    numbers = [one.amazon_order_id for one in (mine, other, foreign)] + ["999-0000000-0000000"]
    read = reading("\n".join(numbers))
    among = [mine.account_id, other.account_id]
    plan = plan_orders(mine.account, read.checked, read.source, among=among)
    assert (plan.new, plan.known, plan.elsewhere) == (2, 1, 1)
    # of an account that one may not know of, an order looks like one that nobody knows
    assert [facts.order_id for facts in plan.facts] == [numbers[0], numbers[2], numbers[3]]


def test_a_number_that_both_accounts_have_is_ones_own() -> None:
    mine = OrderFactory()
    other = OrderFactory(amazon_order_id=mine.amazon_order_id, account=SellerAccountFactory())
    read = reading(mine.amazon_order_id)
    among = [mine.account_id, other.account_id]
    plan = plan_orders(mine.account, read.checked, read.source, among=among)
    assert (plan.known, plan.elsewhere) == (1, 0)


def test_exclusions_are_counted_as_new_and_standing() -> None:
    member = MembershipFactory()
    exclude(member.account, ExclusionKind.SKU, ["A", "B"], user=member.user)
    read = reading("sku\nA\nB\nC\nC\n", ImportKind.EXCLUDED_SKUS)
    plan = plan_exclusions(
        member.account, read.checked, read.source, reason="Recall", among=[member.account_id]
    )
    assert (plan.new, plan.known, plan.elsewhere, read.checked.repeats) == (1, 2, 0, 1)
    assert plan.exclusion == ExclusionKind.SKU


def test_excluded_orders_of_another_account_are_left_out() -> None:
    mine, other = OrderFactory(), OrderFactory()
    read = reading(
        f"{mine.amazon_order_id}\n{other.amazon_order_id}\n999-0000000-0000000\n",
        ImportKind.EXCLUDED_ORDERS,
    )
    among = [mine.account_id, other.account_id]
    plan = plan_exclusions(mine.account, read.checked, read.source, reason="Recall", among=among)
    assert plan.values == [mine.amazon_order_id, "999-0000000-0000000"]
    assert (plan.new, plan.elsewhere, plan.unknown) == (2, 1, 1)


def test_a_plan_comes_back_as_it_was() -> None:
    header = "order,last-updated-date,purchase-date,sales-channel,order-status,is-business-order"
    text = (
        f"{header}\n302-1234567-1234567,2025-01-02T03:04:05.250Z,2025-01-01,Amazon.de,Shipped,true\n"
        "302-1234567-1234568,,,Non-Amazon DE,,\n302-1234567-1234569\n"
    )
    read = reading(text)
    account = SellerAccountFactory()
    plan = plan_orders(account, read.checked, read.source, among=[account.pk])
    assert plan.facts[0].marketplace_id == "A1PA6795UKMFR9"
    assert plan.facts[1].channel_name == "NON_AMAZON"
    assert Plan.from_plain(json.loads(json.dumps(plan.to_plain()))) == plan


def test_a_plan_holds_nothing_of_the_file_but_what_is_imported() -> None:
    read = reading(
        "buyer-name,amazon-order-id,ship-city\nCanary Buyer,302-1234567-1234567,Canary Town\n"
        "302-1234567-1234568,Canary Buyer,x\n"
    )
    account = SellerAccountFactory()
    plan = plan_orders(account, read.checked, read.source, among=[account.pk])
    assert read.checked.bad == 1
    assert "Canary" not in json.dumps(plan.to_plain())


def test_the_same_file_is_known_again_by_what_is_in_it() -> None:
    account, source = SellerAccountFactory(), reading("302-1234567-1234567").source
    facts = {"account": account, "digest": source.digest}
    OrderImportFactory(**facts, finished_at=None)
    OrderImportFactory(**facts, kind=ImportKind.EXCLUDED_ORDERS)
    OrderImportFactory(account=SellerAccountFactory(), digest=source.digest)
    OrderImportFactory(account=account)
    assert imported_before(account, source) is None
    made = OrderImportFactory(**facts, file_name="other.csv", made_at=timezone.now())
    assert imported_before(account, source) == made
