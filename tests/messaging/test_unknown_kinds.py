"""Actions of a kind that only a newer release knows, after a step back to this one."""

from __future__ import annotations

import pytest
from django.test import Client

from messaging.action_types import Api
from messaging.decisions import DECIDABLE
from messaging.models import Batch, OutgoingAction
from messaging.states import Status
from sellers.models import Role, SellerAccount
from tests.factories import BatchFactory, MembershipFactory
from tests.messaging.sending import NOW, due_message, take_up_all
from tests.people.confirming import confirm

pytestmark = pytest.mark.django_db
KIND = "giftMessage"


@pytest.mark.parametrize("api", Api.values)
def test_nothing_of_it_is_taken_up(api: str) -> None:
    action = due_message(kind=KIND, api=api)
    assert take_up_all(action) == []
    assert action.type.label == KIND
    assert action.type.is_solicitation == (api == Api.SOLICITATIONS)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.REFUSED, Status.UNCONFIRMED])
def test_every_page_shows_it_by_its_name(status: Status) -> None:
    batch: Batch = BatchFactory(kind=KIND)
    action: OutgoingAction = due_message(kind=KIND, status=status, batch=batch, created_at=NOW)
    account: SellerAccount = action.account
    client = Client()
    user = MembershipFactory(account=account, role=Role.MANAGER).user
    client.force_login(user)
    confirm(client, user)
    addresses = [
        "/outbox/",
        f"/orders/{account.pk}/{action.order.amazon_order_id}/",
        f"/batches/{batch.pk}/",
        f"/batches/{batch.pk}/actions.csv",
    ]
    if status in DECIDABLE:
        addresses.append(f"/outbox/{action.pk}/decide/")
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200, address
        assert KIND in b"".join(response).decode(), address
