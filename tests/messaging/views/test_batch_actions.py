"""The actions of a batch: as a table, as an address asks for them, and as a CSV file."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.models import AuditEvent, AuditKind
from messaging.states import Status
from sellers.models import SellerAccount
from solicit_dashboard.csv_cells import read_cell
from tests.factories import BatchFactory, SellerAccountFactory
from tests.messaging.views.batches import HTMX, add

pytestmark = pytest.mark.django_db


def test_the_table_shows_a_state_and_its_pages(client: Client, account: SellerAccount) -> None:
    batch = BatchFactory()
    sent = [add(batch, account, Status.SENT) for _ in range(51)]
    refused = add(batch, account, Status.REFUSED)
    elsewhere = add(BatchFactory(), account, Status.SENT)
    response = client.get(f"/batches/{batch.pk}/?state=sent", headers=HTMX)
    fragment = response.content.decode()
    assert fragment.strip().startswith('<div id="batch-actions"')
    assert refused.order.amazon_order_id not in fragment
    assert elsewhere.order.amazon_order_id not in fragment
    second = client.get(f"/batches/{batch.pk}/{response.context['pager'].next}")
    shown = [row.action.pk for page in (response, second) for row in page.context["rows"]]
    assert shown == [action.pk for action in reversed(sent)]


def test_a_page_by_number_is_the_first_or_the_last_with_a_note(
    client: Client, account: SellerAccount
) -> None:
    batch = BatchFactory()
    oldest, *_others = [add(batch, account, Status.SENT) for _ in range(51)]
    for page in ("0", "-1", "9e9", "abc", "7"):
        response = client.get(f"/batches/{batch.pk}/?page={page}")
        which = "last" if page == "7" else "first"
        note = f"Pages have no numbers here. This is the {which} one."
        assert note in response.content.decode(), page
        shown = [row.action for row in response.context["rows"]]
        assert (oldest in shown) == (which == "last"), page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("state=nonsense", "There is no state “nonsense”"),
        ("sort=password", "It can be: asked."),
        ("sort=asked&sort=asked", "“sort” was given 2 times"),
        ("page=1&page=2", "“page” was given 2 times"),
        ("after=x", "This page does not exist"),
    ],
)
def test_a_bad_address_is_refused_by_name(
    client: Client, account: SellerAccount, query: str, words: str
) -> None:
    batch = BatchFactory()
    add(batch, account, Status.SENT)
    for headers in ({}, HTMX):
        response = client.get(f"/batches/{batch.pk}/?{query}", headers=headers)
        assert response.status_code == 400
        assert words in response.content.decode()
    assert client.get(f"/batches/{batch.pk}/?sort=asked&page=1").status_code == 200


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


def test_the_file_says_what_was_sent(client: Client, account: SellerAccount) -> None:
    batch = BatchFactory(kind="sendInvoice")
    add(batch, account, Status.SENT, kind="sendInvoice", api="messaging")
    text = b"".join(client.get(f"/batches/{batch.pk}/actions.csv").streaming_content).decode()
    header, row = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert read_cell(row[header.index("what")]) == "Invoice"
