"""The actions of a batch as a CSV file."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.models import AuditEvent, AuditKind
from messaging.states import Status
from sellers.models import Role, SellerAccount
from solicit_dashboard.csv_cells import read_cell
from tests.factories import (
    BatchFactory,
    MembershipFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.messaging.views.test_batches import add, browser

pytestmark = pytest.mark.django_db


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


def test_the_export_holds_every_action_and_no_formula(
    client: Client, account: SellerAccount, operator: User
) -> None:
    account.name = "=cmd|' /C calc'!A0"
    account.save()
    batch = BatchFactory()
    sent = add(batch, account, Status.SENT)
    add(batch, account, Status.REFUSED, reason="@SUM(1+1)\r\n<b>")
    add(batch, SellerAccountFactory(), Status.SENT)
    response = client.get(f"/batches/{batch.pk}/actions.csv")
    text = b"".join(response).decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert response["Content-Type"].startswith("text/csv")
    assert response["Content-Disposition"] == f'attachment; filename="batch-{batch.pk}.csv"'
    assert header[0] == "order"
    assert [row[0] for row in rows] == list(
        batch.actions.filter(account=account)
        .order_by("pk")
        .values_list("order__amazon_order_id", flat=True)
    )
    assert rows[0][header.index("Amazon request id")] == sent.sent_attempt.request_id
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert read_cell(rows[0][1]) == account.name
    event = AuditEvent.objects.get(kind=AuditKind.EXPORTED)
    assert (event.user, event.detail["rows"]) == (operator, 2)


def test_the_export_keeps_to_the_state(client: Client, account: SellerAccount) -> None:
    batch = BatchFactory()
    add(batch, account, Status.SENT)
    add(batch, account, Status.REFUSED)
    lines = b"".join(client.get(f"/batches/{batch.pk}/actions.csv?state=refused")).splitlines()
    assert len(lines) == 2
