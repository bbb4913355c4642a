"""Batches and browsers for the tests of their pages."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from messaging.models import Batch, OutgoingAction
from messaging.states import Status
from sellers.models import Role, SellerAccount
from tests.factories import MembershipFactory, OutgoingActionFactory

HTMX = {"HX-Request": "true"}


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def browser_of_role(account: SellerAccount, role: Role) -> Client:
    return browser(MembershipFactory(account=account, role=role).user)


def add(batch: Batch, account: SellerAccount, status: Status, **fields: object) -> OutgoingAction:
    action: OutgoingAction = OutgoingActionFactory(
        batch=batch, order__account=account, status=status, **fields
    )
    return action


def text_of(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()
