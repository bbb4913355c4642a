"""A person with a role, an account, and a browser that is logged in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from orders.models import Order
from sellers.models import Role, SellerAccount
from tests.factories import MembershipFactory, OrderFactory, SellerAccountFactory, UserFactory

HTMX = {"HX-Request": "true"}


@dataclass(frozen=True)
class Person:
    """Somebody at a browser, with a role on one account (or none)."""

    user: User
    account: SellerAccount
    client: Client

    def order(self, **fields: Any) -> Order:
        """An order of their account."""
        order: Order = OrderFactory(account=self.account, **fields)
        return order

    def get(self, path: str, **data: Any) -> HttpResponse:
        """The page at this address."""
        response: HttpResponse = self.client.get(path, data)
        return response

    def htmx(self, path: str, **data: Any) -> HttpResponse:
        """What htmx gets there."""
        response: HttpResponse = self.client.get(path, data, headers=HTMX)
        return response


def person(role: Role | None = Role.OPERATOR, account: SellerAccount | None = None) -> Person:
    """Somebody with that role on the account (a new one unless given); without a role a stranger."""
    account = account or SellerAccountFactory()
    user = UserFactory()
    if role is not None:
        MembershipFactory(user=user, account=account, role=role)
    client = Client()
    client.force_login(user)
    return Person(user, account, client)


@pytest.fixture
def ann(db: None) -> Person:
    """An operator."""
    return person(Role.OPERATOR)


@pytest.fixture
def viewer(ann: Person) -> Person:
    """Somebody who only sees Ann's account."""
    return person(Role.VIEWER, ann.account)


@pytest.fixture
def stranger(ann: Person) -> Person:
    """An operator of another account."""
    return person(Role.OPERATOR)
