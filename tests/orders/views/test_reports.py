"""The page of an account's reports: nothing is read before a manager says so."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from orders.models import OrderReport, ReportStatus
from sellers.models import Role, SellerAccount
from tests.factories import AccountMarketplaceFactory, OrderReportFactory
from tests.orders.views.conftest import Person, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> SellerAccount:
    account: SellerAccount = AccountMarketplaceFactory().account
    return account


def page(someone: Person) -> str:
    address = reverse("orders:reports", args=[someone.account.pk])
    return someone.get(address).content.decode()


def say_read(someone: Person) -> str:
    address = reverse("orders:read_reports", args=[someone.account.pk])
    return someone.client.post(address, follow=True).content.decode()


def test_a_connected_account_proposes_a_backfill_that_a_manager_begins(
    account: SellerAccount,
) -> None:
    manager = person(Role.MANAGER, account)
    proposed = page(manager)
    assert "8 reports wait to be read" in proposed
    assert "Reading sends nothing" in proposed
    assert "Read them" in proposed
    assert not OrderReport.objects.exists()
    begun = say_read(manager)
    assert "8 reports of" in begun
    assert "Under way" in begun
    assert "wait to be read" not in begun
    assert OrderReport.objects.filter(approved_by=manager.user).count() == 8
    assert "has reports under way" in say_read(manager)
    assert OrderReport.objects.count() == 8


def test_who_may_not_begin_it_sees_that_it_waits(account: SellerAccount) -> None:
    shown = page(person(Role.OPERATOR, account))
    assert "Waits for a manager" in shown
    assert "Read them" not in shown


def test_what_was_read_and_what_failed_is_told(account: SellerAccount) -> None:
    viewer = person(Role.VIEWER, account)
    OrderReportFactory(
        account=account,
        status=ReportStatus.FAILED,
        due_at=None,
        error="The report has no column amazon-order-id.",
        approved_by=viewer.user,
    )
    OrderReportFactory(
        account=account,
        status=ReportStatus.DONE,
        due_at=None,
        ended_at=timezone.now(),
        lines=12,
        counters={"unreadable": 3},
    )
    shown = page(viewer)
    assert "The report has no column amazon-order-id." in shown
    assert f"by {viewer.user.username}" in shown
    assert "Orders read: 12. Lines that could not be read: 3" in shown


def test_an_account_that_is_disconnected_has_nothing_to_read(account: SellerAccount) -> None:
    SellerAccount.objects.update(connection="disconnected")
    shown = page(person(Role.OPERATOR, account))
    assert "Not connected" in shown
    assert "wait to be read" not in shown
