"""A plan is done once, ends the same however often it is begun, and stands on record."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from orders.csv_import import carry_out as module
from orders.csv_import.carry_out import carry_out
from orders.csv_import.plans import Plan, plan_orders
from orders.csv_import.reading import read_file
from orders.models import Door, Exclusion, ExclusionKind, ImportKind, Order, OrderHint, OrderImport
from orders.services import exclude
from orders.states import DoorName, Refusal
from sellers.models import SellerAccount
from tests.factories import MembershipFactory, OrderFactory

pytestmark = pytest.mark.django_db

HEADER = "amazon-order-id,last-updated-date,purchase-date,sales-channel,order-status\n"
NUMBER = "302-1234567-1234567"


def orders_plan(account: SellerAccount, text: str) -> Plan:
    reading = read_file(text.encode(), ImportKind.ORDERS, "orders.csv")
    return plan_orders(account, reading.checked, reading.source, among=[account.pk])


def test_bare_numbers_become_hints_also_for_orders_that_are_known() -> None:
    member = MembershipFactory()
    known = OrderFactory(account=member.account)
    plan = orders_plan(member.account, f"{known.amazon_order_id}\n{NUMBER}\n")
    made = carry_out(member.account, plan, user=member.user, at=timezone.now(), client_key=uuid4())
    hints = OrderHint.objects.filter(account=member.account)
    assert {hint.amazon_order_id for hint in hints} == {known.amazon_order_id, NUMBER}
    assert all(hint.doors == ["csv"] for hint in hints)
    assert (made.new, made.known, made.rows) == (1, 1, 2)
    assert made.finished_at is not None
    assert Order.objects.get() == known
    event = AuditEvent.objects.get(kind=AuditKind.IMPORTED)
    assert (event.user, event.subject) == (member.user, "Orders: orders.csv")
    assert event.detail["sha256"] == plan.source.digest


def test_orders_with_facts_are_there_at_once_and_wait_for_amazons_word() -> None:
    account = MembershipFactory().account
    row = f"{NUMBER},2025-01-02T03:00:00Z,2025-01-01,Amazon.de,Teleported\n"
    plan = orders_plan(account, HEADER + row)
    carry_out(account, plan, user=None, at=timezone.now(), client_key=uuid4())
    order = Order.objects.with_refusal(timezone.now()).get()
    assert (order.amazon_order_id, order.fulfillment_status) == (NUMBER, "TELEPORTED")
    assert order.is_partial
    assert order.refusal == Refusal.PARTIAL
    assert OrderHint.objects.get().amazon_order_id == NUMBER
    door = Door.objects.get(account=account, door=DoorName.CSV)
    assert door.last_worked_at is not None
    assert door.newest_heard_at == plan.facts[0].updated_at
    assert door.counters == {"unknown_words": {"order-status=TELEPORTED": 1}}


def test_older_facts_change_nothing_and_ask_nothing() -> None:
    order = OrderFactory()
    row = f"{order.amazon_order_id},2001-01-02,2001-01-01,Amazon.de,Cancelled\n"
    plan = orders_plan(order.account, HEADER + row)
    carry_out(order.account, plan, user=None, at=timezone.now(), client_key=uuid4())
    before = order.fulfillment_status
    order.refresh_from_db()
    assert (order.fulfillment_status, order.is_partial) == (before, False)
    assert not OrderHint.objects.exists()


def test_what_was_finished_is_not_done_again() -> None:
    account, key = MembershipFactory().account, uuid4()
    plan = orders_plan(account, NUMBER)
    first = carry_out(account, plan, user=None, at=timezone.now(), client_key=key)
    OrderHint.objects.all().delete()
    second = carry_out(account, plan, user=None, at=timezone.now(), client_key=key)
    assert second == first
    assert not OrderHint.objects.exists()
    assert AuditEvent.objects.filter(kind=AuditKind.IMPORTED).count() == 1


def test_an_import_that_was_cut_off_is_not_finished_and_can_be_begun_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, key = MembershipFactory().account, uuid4()
    plan = orders_plan(account, NUMBER)

    def killed(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "note_hints", killed)
        with pytest.raises(KeyboardInterrupt):
            carry_out(account, plan, user=None, at=timezone.now(), client_key=key)
    assert OrderImport.objects.get().finished_at is None
    assert not AuditEvent.objects.filter(kind=AuditKind.IMPORTED).exists()
    made = carry_out(account, plan, user=None, at=timezone.now(), client_key=key)
    assert made.finished_at is not None
    assert OrderHint.objects.count() == OrderImport.objects.count() == 1


def test_exclusions_stand_with_who_and_why() -> None:
    member = MembershipFactory()
    order = OrderFactory(account=member.account)
    reading = read_file(order.amazon_order_id.encode(), ImportKind.EXCLUDED_ORDERS, "numbers.csv")
    plan = Plan(reading.source, values=[order.amazon_order_id], reason="Recall")
    for _ in range(2):
        made = carry_out(
            member.account, plan, user=member.user, at=timezone.now(), client_key=uuid4()
        )
    exclusion = Exclusion.objects.get()
    assert (exclusion.created_by, exclusion.reason) == (member.user, "Recall")
    assert (made.new, made.known) == (0, 1)
    order.refresh_from_db()
    assert order.is_excluded
    with pytest.raises(ValueError, match="somebody"):
        carry_out(member.account, plan, user=None, at=timezone.now(), client_key=uuid4())


def test_many_exclusions_are_many_transactions_and_all_stand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []

    def counted(account: SellerAccount, kind: ExclusionKind, values: list[str], **rest: Any) -> int:
        sizes.append(len(values))
        return exclude(account, kind, values, **rest)

    monkeypatch.setattr(module, "exclude", counted)
    member = MembershipFactory()
    text = "\n".join(f"SKU-{n}" for n in range(1_001))
    reading = read_file(text.encode(), ImportKind.EXCLUDED_SKUS, "skus.csv")
    plan = Plan(reading.source, values=[str(key) for key in reading.checked.rows], reason="Recall")
    made = carry_out(member.account, plan, user=member.user, at=timezone.now(), client_key=uuid4())
    assert sizes == [500, 500, 1]
    assert made.new == Exclusion.objects.count() == 1_001
