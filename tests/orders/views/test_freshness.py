"""What the list of orders says of its freshness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from orders.views.freshness import Freshness, freshness
from sellers.models import SellerAccount
from tests.factories import (
    DoorFactory,
    MembershipFactory,
    SellerAccountFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def account(name: str, read_at: datetime | None = None) -> SellerAccount:
    found: SellerAccount = SellerAccountFactory(name=name)
    DoorFactory(account=found, last_worked_at=read_at)
    return found


def test_the_least_fresh_of_accounts_read_together_counts() -> None:
    accounts = [account("A", NOON), account("B", NOON - HOUR), account("C", NOON - HOUR / 2)]
    assert freshness(accounts) == Freshness(read_at=NOON - HOUR)


def test_an_account_that_lags_behind_is_named() -> None:
    accounts = [account("A", NOON), account("B", NOON - 2 * HOUR), account("C", NOON)]
    assert freshness(accounts) == Freshness(NOON, late="B", late_read_at=NOON - 2 * HOUR)


def test_accounts_that_were_never_read_are_named() -> None:
    without_a_row = SellerAccountFactory(name="C")
    accounts = [account("A", NOON), account("B"), without_a_row]
    assert freshness(accounts) == Freshness(NOON, unread=("B", "C"))


def test_many_that_were_never_read_are_counted() -> None:
    accounts = [account(name) for name in "ABCDE"]
    assert freshness(accounts) == Freshness(unread=("A", "B", "C", "2 more"))
    assert freshness(accounts[:4]) == Freshness(unread=("A", "B", "C", "D"))


def test_nothing_is_said_of_other_accounts() -> None:
    account("Foreign", NOON)
    assert freshness([]) == Freshness()


def subtitle(user: object) -> str:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    page = client.get("/orders/").content.decode()
    line = page.partition('<p class="subtitle">')[2].partition("</p>")[0]
    return " ".join(strip_tags(line).split())


def test_the_head_of_the_list_says_it() -> None:
    user = UserFactory()
    assert subtitle(user) == ""
    MembershipFactory(user=user, account=account("Nordwind"))
    assert subtitle(user) == "Not synchronised yet"
    MembershipFactory(user=user, account=account("<b>Ost", timezone.now() - 3 * HOUR))
    assert subtitle(user) == "Last synchronised 3 h ago · not yet: Nordwind"
    MembershipFactory(user=user, account=account("West", timezone.now() - HOUR / 2))
    said = "Last synchronised 30 min ago, &lt;b&gt;Ost 3 h ago · not yet: Nordwind"
    assert subtitle(user) == said
