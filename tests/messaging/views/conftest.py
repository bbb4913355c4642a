"""Somebody with a browser who may send for one account; some modules here have others of these names."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from sellers.models import Role, SellerAccount
from tests.factories import MembershipFactory, SellerAccountFactory, UserFactory
from tests.messaging.views.batches import browser


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory(name="Nordwind")


@pytest.fixture
def operator(account: SellerAccount) -> User:
    user: User = UserFactory(username="ann")
    MembershipFactory(user=user, account=account, role=Role.OPERATOR)
    return user


@pytest.fixture
def client(operator: User) -> Client:
    return browser(operator)
