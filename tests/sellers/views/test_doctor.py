"""The doctor's page: lines that look for themselves, for managers of the account."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from messaging.models import OutgoingAction
from sellers.models import Role, SellerAccount
from solicit_dashboard.doctor.checks import CHECKS
from tests.factories import MembershipFactory, SellerAccountFactory

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def account(redis_empty: None) -> SellerAccount:
    account: SellerAccount = SellerAccountFactory(name="Nordwind <b>")
    return account


@pytest.fixture
def client(account: SellerAccount) -> Client:
    """A manager of the account is logged in."""
    client = Client()
    client.force_login(MembershipFactory(account=account, role=Role.MANAGER).user)
    return client


def test_the_page_asks_nobody_anything_itself(
    client: Client, account: SellerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = client.get(f"/accounts/{account.pk}/doctor/").content.decode()
    asked = re.findall(r'hx-get="([^"]+)" hx-trigger="load"', page)
    assert [path for path in asked if "/doctor/" in path] == [
        f"/accounts/{account.pk}/doctor/{key}/" for key in CHECKS
    ]
    # each is at work; without a script it has its link instead
    assert page.count('<span class="mark busy">') == page.count("Looking…") == len(CHECKS)
    assert page.count('<noscript><a href="/accounts/') == page.count(">Look now</a>") == len(CHECKS)
    assert "Nordwind <b>" not in page


def test_a_line_is_a_fragment_that_no_longer_asks(client: Client, account: SellerAccount) -> None:
    response = client.get(f"/accounts/{account.pk}/doctor/queue/", headers=HTMX)
    assert response.status_code == 200
    fragment = response.content.decode().strip()
    assert fragment.startswith('<li id="line-queue">')
    assert fragment.endswith("</li>")
    assert "Nothing waits." in fragment
    assert "hx-" not in fragment


def test_what_is_wrong_is_a_sentence_with_its_remedy_and_no_500(
    client: Client, account: SellerAccount
) -> None:
    for key in ("token", "orders", "workers"):
        response = client.get(f"/accounts/{account.pk}/doctor/{key}/", headers=HTMX)
        assert response.status_code == 200
        assert 'class="mark bad"' in response.content.decode()
        assert account.refresh_token not in response.content.decode()


def test_without_a_script_one_line_or_all_are_looked_at_in_the_page(
    client: Client, account: SellerAccount
) -> None:
    one = client.get(f"/accounts/{account.pk}/doctor/queue/").content.decode()
    assert "<h1>Doctor</h1>" in one
    assert one.count(">Look now</a>") == len(CHECKS) - 1
    assert "Looking…" not in one
    assert 'hx-trigger="load" hx-swap="outerHTML" hx-sync' not in one
    every = client.get(f"/accounts/{account.pk}/doctor/?now=1").content.decode()
    assert ">Look now</a>" not in every
    assert not OutgoingAction.objects.exists()


def test_a_line_that_there_is_not_is_missing(client: Client, account: SellerAccount) -> None:
    assert client.get(f"/accounts/{account.pk}/doctor/heart/", headers=HTMX).status_code == 404
