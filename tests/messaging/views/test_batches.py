"""The page of a batch: hold, progress, stop, and the small status in the header."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.looks import NOT_OFFERED
from messaging.models import Batch, OutgoingAction
from messaging.states import Status
from sellers.models import Role, SellerAccount
from tests.factories import BatchFactory, MembershipFactory, SellerAccountFactory
from tests.messaging.views.batches import HTMX, add, browser_of_role, text_of

pytestmark = pytest.mark.django_db


def held_batch(account: SellerAccount, **fields: object) -> Batch:
    """A batch that leaves in a minute."""
    release_at = timezone.now() + timedelta(minutes=1)
    batch: Batch = BatchFactory(release_at=release_at, created_at=timezone.now(), **fields)
    add(batch, account, Status.QUEUED, look_at=release_at, not_before=release_at)
    return batch


def test_one_row_and_three_take_the_same_queries(client: Client, account: SellerAccount) -> None:
    def queries(batch: Batch) -> int:
        with CaptureQueriesContext(connection) as captured:
            text_of(client, f"/batches/{batch.pk}/")
        return len(captured)

    one, three = BatchFactory(), BatchFactory()
    for batch, number in ((one, 1), (three, 3)):
        for status in (Status.QUEUED, Status.REFUSED):
            for _ in range(number):
                add(batch, account, status)
    queries(one)
    assert queries(one) == queries(three) == 14


def test_the_hold_counts_down_and_offers_undo(client: Client, account: SellerAccount) -> None:
    page = text_of(client, f"/batches/{held_batch(account).pk}/")
    assert "Nothing has left yet." in page
    assert "Undo: send nothing" in page
    assert "<progress" in page
    assert 'hx-trigger="every 1s"' in page


def test_undo_sends_nothing(client: Client, account: SellerAccount) -> None:
    batch = held_batch(account)
    response = client.post(f"/batches/{batch.pk}/stop/", follow=True)
    assert response.redirect_chain == [(f"/batches/{batch.pk}/", 302)]
    page = response.content.decode()
    assert "Stopped. 1 review request will not be sent." in page
    assert "Stopped by ann" in page
    assert batch.actions.get().status == Status.CANCELLED


def test_stop_by_htmx_brings_the_progress(client: Client, account: SellerAccount) -> None:
    batch = BatchFactory()
    waiting, sent = add(batch, account, Status.QUEUED), add(batch, account, Status.SENT)
    response = client.post(f"/batches/{batch.pk}/stop/", headers=HTMX)
    fragment = response.content.decode()
    assert fragment.strip().startswith('<section id="batch-progress"')
    assert response["HX-Trigger"] == "batch-finished"
    assert "hx-get" not in fragment
    assert {row.pk: row.status for row in batch.actions.all()} == {
        waiting.pk: Status.CANCELLED,
        sent.pk: Status.SENT,
    }


INVOICE = {"kind": "sendInvoice", "api": "messaging"}


def test_a_batch_of_messages_says_what_it_is(client: Client, account: SellerAccount) -> None:
    batch = BatchFactory(kind="sendInvoice", description="46 orders of Nordwind")
    for status in (Status.QUEUED, Status.REFUSED, Status.UNCONFIRMED):
        add(batch, account, status, **INVOICE)
    page = text_of(client, f"/batches/{batch.pk}/")
    assert "3 messages: Invoice · 46 orders of Nordwind" in page
    assert "review request" not in page.lower()
    assert "Amazon does not take it for this order now." in page
    assert "a manager looks and decides" in page


def test_what_amazon_does_not_offer_says_so(client: Client, account: SellerAccount) -> None:
    batch = BatchFactory(kind="sendInvoice")
    tomorrow = timezone.now() + timedelta(days=1)
    action = add(batch, account, Status.QUEUED, look_at=tomorrow, **INVOICE)
    OutgoingAction.objects.filter(pk=action.pk).update(reason=NOT_OFFERED)
    page = text_of(client, f"/batches/{batch.pk}/")
    assert "Not offered: next look" in page
    assert "1 waits until Amazon offers it" in page


def test_undo_of_messages_counts_messages(client: Client, account: SellerAccount) -> None:
    release_at = timezone.now() + timedelta(minutes=1)
    batch = BatchFactory(kind="sendInvoice", release_at=release_at, created_at=timezone.now())
    for _ in range(2):
        add(batch, account, Status.QUEUED, look_at=release_at, not_before=release_at, **INVOICE)
    page = client.post(f"/batches/{batch.pk}/stop/", follow=True).content.decode()
    assert "Stopped. 2 messages will not be sent." in page
    assert set(batch.actions.values_list("status", flat=True)) == {Status.CANCELLED}


def test_stop_leaves_accounts_alone_on_which_one_may_not_send(
    client: Client, account: SellerAccount, operator: User
) -> None:
    other = SellerAccountFactory()
    MembershipFactory(user=operator, account=other, role=Role.VIEWER)
    batch = BatchFactory()
    mine, theirs = add(batch, account, Status.QUEUED), add(batch, other, Status.QUEUED)
    client.post(f"/batches/{batch.pk}/stop/")
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.status, theirs.status) == (Status.CANCELLED, Status.QUEUED)


def test_progress_polls_until_nothing_is_due(client: Client, account: SellerAccount) -> None:
    batch = BatchFactory()
    add(batch, account, Status.SENT)
    add(batch, account, Status.QUEUED)
    address = f"/batches/{batch.pk}/progress/"
    moving = client.get(address, headers=HTMX)
    assert 'hx-trigger="every 2s"' in moving.content.decode()
    assert "1 of 2 done" in moving.content.decode()
    assert "HX-Trigger" not in moving.headers
    OutgoingAction.objects.filter(status=Status.QUEUED).update(
        look_at=timezone.now() + timedelta(hours=20)
    )
    finished = client.get(address, headers=HTMX)
    text = finished.content.decode()
    assert "hx-get" not in text
    assert finished["HX-Trigger"] == "batch-finished"
    assert "1 waits until Amazon offers it; next look" in text
    assert 'data-announce="' in text
    assert client.get(address).headers["Location"] == f"/batches/{batch.pk}/"


def test_failures_come_first_with_what_to_do(client: Client, account: SellerAccount) -> None:
    batch = BatchFactory()
    add(batch, account, Status.REFUSED, reason="Refused: already requested")
    add(batch, account, Status.UNCONFIRMED)
    page = text_of(client, f"/batches/{batch.pk}/")
    unconfirmed = page.index("Amazon is asked again by itself; nothing is sent twice.")
    refused = page.index("Nothing to do: this buyer has been asked before.")
    assert unconfirmed < refused < page.index('id="batch-actions"')


@pytest.mark.parametrize(
    ("status", "mark"), [(Status.SENT, "good"), (Status.REFUSED, "warn"), (Status.EXPIRED, "warn")]
)
def test_an_end_is_good_only_when_nothing_failed(
    client: Client, account: SellerAccount, status: Status, mark: str
) -> None:
    batch = BatchFactory()
    add(batch, account, Status.SENT)
    add(batch, account, status)
    assert f'<span class="mark {mark}">Finished: ' in text_of(client, f"/batches/{batch.pk}/")


def test_the_bar_stands_for_the_counts(client: Client, account: SellerAccount) -> None:
    batch = BatchFactory()
    for status in (Status.SENT, Status.SENT, Status.SENT, Status.REFUSED):
        add(batch, account, status)
    page = text_of(client, f"/batches/{batch.pk}/")
    assert '<rect class="good" x="0.0" width="75.0"' in page
    assert '<rect class="bad" x="75.0" width="25.0"' in page
    assert "<title>3 sent</title>" in page


def test_what_was_left_out_is_said(client: Client, account: SellerAccount, operator: User) -> None:
    skipped = {str(account.pk): {"too_early": 6, "sent": 4}}
    batch = BatchFactory(created_by=operator, skipped=skipped)
    page = text_of(client, f"/batches/{batch.pk}/")
    assert "<dt>Too early</dt><dd>6</dd>" in page
    assert "Nothing was queued" in page


@pytest.mark.parametrize("mine", [False, True])
def test_figures_of_other_accounts_are_not_told(
    client: Client, account: SellerAccount, operator: User, mine: bool
) -> None:
    other = SellerAccountFactory()
    skipped = {str(account.pk): {"too_early": 6}, str(other.pk): {"too_early": 1, "refunded": 3}}
    batch = BatchFactory(queued=2, skipped=skipped, **({"created_by": operator} if mine else {}))
    add(batch, account, Status.SENT)
    hidden = add(batch, other, Status.SENT)
    page = text_of(client, f"/batches/{batch.pk}/")
    assert "<dt>Too early</dt><dd>6</dd>" in page
    assert "Refunded" not in page
    assert "1 of 1 sent" in page
    assert hidden.order.amazon_order_id not in page


def test_the_header_shows_the_newest_batch_under_way(
    client: Client, account: SellerAccount, operator: User
) -> None:
    address = "/batches/status/"
    assert "Batch" not in text_of(client, address)
    under_way = BatchFactory(created_by=operator)
    add(under_way, account, Status.QUEUED)
    add(under_way, account, Status.SENT)
    finished = BatchFactory(created_by=operator)
    add(finished, account, Status.SENT)
    add(BatchFactory(), account, Status.QUEUED)
    text = text_of(client, address)
    assert f"Batch {under_way.pk}: 1 of 2" in text
    assert "every 5s" in text
    under_way.actions.filter(status=Status.QUEUED).update(
        look_at=timezone.now() + timedelta(days=1)
    )
    assert text_of(client, address).strip() == '<div id="batch-status"></div>'


@pytest.mark.parametrize("path", ["", "progress/", "actions.csv"])
def test_reading_checks_access(account: SellerAccount, path: str) -> None:
    batch = BatchFactory()
    add(batch, account, Status.SENT)
    address = f"/batches/{batch.pk}/{path}"
    assert browser_of_role(account, Role.VIEWER).get(address, headers=HTMX).status_code == 200
    assert browser_of_role(SellerAccountFactory(), Role.MANAGER).get(address).status_code == 404
    assert browser_of_role(account, Role.VIEWER).post(address).status_code == 405
    assert Client().get(address)["Location"].startswith("/login/")


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_stopping_checks_access(account: SellerAccount, headers: dict[str, str]) -> None:
    batch = BatchFactory()
    action = add(batch, account, Status.QUEUED)
    address = f"/batches/{batch.pk}/stop/"
    stranger = browser_of_role(SellerAccountFactory(), Role.MANAGER)
    assert stranger.post(address, headers=headers).status_code == 404
    viewer = browser_of_role(account, Role.VIEWER)
    assert viewer.post(address, headers=headers).status_code == 403
    assert browser_of_role(account, Role.OPERATOR).get(address).status_code == 405
    assert "/stop/" not in viewer.get(f"/batches/{batch.pk}/").content.decode()
    action.refresh_from_db()
    assert action.status == Status.QUEUED


def test_hostile_text_is_shown_as_text(client: Client, account: SellerAccount) -> None:
    hostile = "<img src=x onerror=alert(1)>{{7*7}}"
    batch = BatchFactory(description=hostile)
    add(batch, account, Status.REFUSED, reason=hostile)
    page = text_of(client, f"/batches/{batch.pk}/")
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;{{7*7}}" in page
