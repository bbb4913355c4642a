"""Where what is typed into the palette leads."""

from __future__ import annotations

import pytest
from django.test import Client

from orders.models import Order
from sellers.models import Role, SellerAccount
from tests.factories import MembershipFactory, OrderFactory
from tests.messaging.views.batches import browser_of_role

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
NUMBER = "302-7654321-7654321"


@pytest.fixture
def order(account: SellerAccount) -> Order:
    found: Order = OrderFactory(account=account, amazon_order_id=NUMBER)
    return found


def goal(client: Client, typed: str, **more: str) -> str:
    response = client.get("/go/", {"q": typed} | more)
    assert response.status_code == 302
    return response["Location"]


@pytest.mark.parametrize("typed", [NUMBER, f" {NUMBER} ", NUMBER.replace("-", "\u2013")])
def test_a_number_leads_to_its_order_or_to_writing(
    client: Client, order: Order, typed: str
) -> None:
    page = f"/orders/{order.account_id}/{NUMBER}/"
    assert goal(client, typed) == page
    assert goal(client, typed, to="write") == f"{page}messages/"


def test_a_strangers_order_and_none_are_looked_for_alike(order: Order) -> None:
    stranger = browser_of_role(OrderFactory().account, Role.MANAGER)
    assert goal(stranger, NUMBER, to="write") == f"/orders/?q={NUMBER}"
    assert goal(stranger, "302-0000001-0000001") == "/orders/?q=302-0000001-0000001"


def test_a_number_of_two_accounts_lets_one_choose(client: Client, order: Order) -> None:
    other = OrderFactory(amazon_order_id=NUMBER)
    user = MembershipFactory(account=other.account, role=Role.VIEWER).user
    MembershipFactory(account=order.account, user=user, role=Role.VIEWER)
    client.force_login(user)
    assert goal(client, NUMBER) == f"/orders/?q={NUMBER}"


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("Outbox", "/outbox/"),
        ("replenishment", "/replenishment/"),
        ("MUG 7", "/orders/?q=MUG+7"),
        ("//evil.example", "/orders/?q=%2F%2Fevil.example"),
        ("x" * 20_000, f"/orders/?q={'x' * 200}"),
        ("", "/orders/?q="),
    ],
)
def test_what_is_no_number_is_a_page_or_is_looked_for(
    client: Client, typed: str, leads_to: str
) -> None:
    assert goal(client, typed) == leads_to


def test_the_palette_of_an_orders_page_has_its_number(client: Client, order: Order) -> None:
    page = client.get(f"/orders/{order.account_id}/{NUMBER}/").content.decode()
    assert f'list="palette-pages" value="{NUMBER}"' in page
    assert '<option value="Replenishment"></option>' in page
    assert 'data-dialog="palette"' in page
    assert 'value=""' in client.get("/outbox/").content.decode().partition("palette-pages")[2]
