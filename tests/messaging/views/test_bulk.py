"""A message for many orders, page by page: choose, write, check, send."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from messaging.left_out import LeftOut
from messaging.models import Batch, MessageTemplate, OutgoingAction, StoredFile
from messaging.states import Status
from orders.models import Order
from orders.views.selection import sign_all_matching
from sellers.models import Membership, Role, SellerAccount
from tests.factories import (
    MembershipFactory,
    OrderFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
)
from tests.messaging.offering import offer
from tests.messaging.views.batches import browser_of_role

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NEW, WRITE, CHECK = "/messages/new/", "/messages/write/", "/messages/check/"
LATE = "unexpectedProblem"


@pytest.fixture
def orders(account: SellerAccount) -> list[Order]:
    return [OrderFactory(account=account) for _ in range(3)]


def fields(orders: Sequence[Order], kind: str = LATE, **more: Any) -> dict[str, Any]:
    """The form of the page on which it is written."""
    ids = [order.pk for order in orders]
    return {"order": ids, "account": orders[0].account_id, "kind": kind} | more


def words(response: HttpResponse) -> str:
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", unescape(text)).strip()


def plan_of(response: HttpResponse) -> str:
    match = re.search(r'name="plan" value="([^"]+)"', response.content.decode())
    assert match is not None
    return match[1]


def checked(client: Client, orders: Sequence[Order], **more: Any) -> HttpResponse:
    response: HttpResponse = client.post(CHECK, fields(orders, **({"text": "It is late."} | more)))
    assert response.status_code == 200, words(response)
    return response


def send(client: Client, page: HttpResponse) -> HttpResponse:
    response: HttpResponse = client.post(CHECK, {"plan": plan_of(page)})
    return response


def pdf(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"An invoice as text.\n", "text/plain")


def test_the_kinds_are_those_with_a_text_or_files(client: Client, orders: list[Order]) -> None:
    offer(orders[0], LATE, "amazonMotors")
    offer(orders[1], "sendInvoice")
    offer(orders[2], LATE, at=timezone.now() - timedelta(hours=2))
    page = client.post(NEW, {"order": [order.pk for order in orders]})
    assert page.status_code == 200
    shown = {row.type.name: (row.offered, row.asked) for row in page.context["kinds"]}
    assert shown[LATE] == shown["sendInvoice"] == shown["amazonMotors"] == (1, 2)
    assert shown["warranty"] == (0, 2)
    assert "negativeFeedbackRemoval" not in shown
    assert "Message for 3 orders" in words(page)


def test_what_amazon_withdrew_is_shown_only_where_it_offers_it(
    client: Client, orders: list[Order]
) -> None:
    page = client.post(NEW, {"order": [orders[0].pk]})
    assert "amazonMotors" not in {row.type.name for row in page.context["kinds"]}


def test_all_that_match_are_taken_by_their_ids(
    client: Client, operator: User, orders: list[Order]
) -> None:
    OrderFactory(account=orders[0].account, too_early=True)
    token = sign_all_matching(operator, "state=eligible", 3)
    page = client.post(NEW, {"all_matching": token})
    assert sorted(page.context["ids"]) == [order.pk for order in orders]
    OrderFactory(account=orders[0].account)
    changed = client.post(NEW, {"all_matching": token})
    assert changed.status_code == 409
    assert "The list changed from 3 to 4 orders." in words(changed)


@pytest.mark.parametrize("number", [501, None])
def test_more_than_500_are_refused_with_their_number(
    client: Client, operator: User, account: SellerAccount, number: int | None
) -> None:
    if number is None:
        Order.objects.bulk_create(OrderFactory.build_batch(501, account=account))
    token = sign_all_matching(operator, "state=eligible", number)
    response = client.post(NEW, {"all_matching": token})
    assert response.status_code == 409
    told = "501" if number else "more than 500"
    assert f"at most 500 orders at once; you selected {told}." in words(response)


def test_orders_of_two_accounts_let_one_choose(
    client: Client, operator: User, orders: list[Order]
) -> None:
    other = MembershipFactory(user=operator, role=Role.OPERATOR).account
    theirs = OrderFactory(account=other)
    ids = [order.pk for order in (*orders, theirs)]
    page = client.post(NEW, {"order": ids})
    assert {account.pk: number for account, number in page.context["accounts"]} == {
        orders[0].account_id: 3,
        other.pk: 1,
    }
    form = {"order": ids, "account": other.pk, "kind": LATE}
    written = client.post(WRITE, form)
    assert written.context["place"].orders == [theirs]


@pytest.mark.parametrize("address", [NEW, WRITE, CHECK])
def test_a_strangers_order_is_not_there(client: Client, orders: list[Order], address: str) -> None:
    foreign = OrderFactory()
    form = fields([*orders, foreign], text="It is late.")
    form["account"] = orders[0].account_id
    assert client.post(address, form).status_code == 404
    assert AuditEvent.objects.filter(kind=AuditKind.DENIED).exists()


@pytest.mark.parametrize("address", [NEW, WRITE, CHECK])
def test_a_viewer_writes_to_nobody(orders: list[Order], address: str) -> None:
    viewer = browser_of_role(orders[0].account, Role.VIEWER)
    assert viewer.post(address, fields(orders, text="It is late.")).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "negativeFeedbackRemoval"},
        {"kind": "productReviewAndSellerFeedback"},
        {"kind": ""},
        {"account": "x"},
        {"order": ["x"]},
        {"order": []},
        {"order": list(range(1, 502))},
        {"plan": "no plan of ours"},
    ],
)
def test_a_form_that_is_not_ours_is_refused(
    client: Client, orders: list[Order], wrong: dict[str, Any]
) -> None:
    for address in (WRITE, CHECK):
        assert client.post(address, fields(orders) | wrong).status_code == 400


def test_a_template_is_written_into_the_form(
    client: Client, operator: User, orders: list[Order]
) -> None:
    facts = {"changed_by": operator, "changed_at": timezone.now(), "kind": LATE}
    mine = MessageTemplate.objects.create(
        account=orders[0].account, name="Late", text="About {order_number}.", **facts
    )
    foreign = MessageTemplate.objects.create(
        account=SellerAccountFactory(), name="Other", text="Not mine", **facts
    )
    page = client.post(WRITE, fields(orders))
    assert "Late" in words(page)
    assert "Other" not in words(page)
    filled = client.post(CHECK, fields(orders, step="template", template=mine.pk, text="x"))
    assert filled.context["form"].initial["text"] == "About {order_number}."
    other = client.post(CHECK, fields(orders, step="template", template=foreign.pk, text="x"))
    assert other.context["form"].initial["text"] == "x"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The message is empty."),
        ("Write to a@b.example", "Amazon takes no e-mail addresses"),
        ("Dear {buyer}", "There is no {buyer}."),
        ("{items} " * 200, "With facts filled in it has 3,799 characters; Amazon takes 2,000."),
        ("x" * 4_001, "more than 4,000 characters"),
    ],
)
def test_a_text_that_could_go_to_nobody_is_a_fault_of_the_form(
    client: Client, orders: list[Order], text: str, sentence: str
) -> None:
    response = client.post(CHECK, fields(orders, text=text))
    assert response.status_code == 422
    assert sentence in words(response)


def test_the_check_shows_what_each_buyer_gets_and_who_gets_nothing(
    client: Client, orders: list[Order]
) -> None:
    OutgoingActionFactory(order=orders[0], status=Status.SENT)
    Order.objects.filter(pk=orders[2].pk).update(is_cancelled=True)
    offer(orders[0], LATE)
    offer(orders[1], "sendInvoice")
    page = checked(client, orders, text="About {order_number}: it is late.")
    told = words(page)
    for order in orders[:2]:
        assert f"About {order.amazon_order_id}: it is late." in told
    assert f"About {orders[2].amazon_order_id}" not in told
    assert "Send 2 messages" in told
    assert "Left out: 1" in told
    assert "The order was cancelled." in told
    assert "For 1 of these orders a review was asked." in told
    assert {row.checked.draft.order.pk: row.offer for row in page.context["sent"]} == {
        orders[0].pk: "Offered",
        orders[1].pk: "Not offered lately: waits",
    }


def test_sending_makes_the_batch_that_was_shown(
    client: Client, operator: User, orders: list[Order]
) -> None:
    Order.objects.filter(pk=orders[2].pk).update(is_excluded=True)
    response = send(client, checked(client, orders, text="About {order_number}."))
    batch = Batch.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/batches/{batch.pk}/")
    assert (batch.kind, batch.created_by, batch.queued) == (LATE, operator, 2)
    assert batch.left_out([orders[0].account_id]) == {"excluded": 1}
    texts = dict(batch.actions.values_list("order__amazon_order_id", "payload__text"))
    assert texts == {
        order.amazon_order_id: f"About {order.amazon_order_id}." for order in orders[:2]
    }


def test_a_double_click_makes_one_batch(client: Client, orders: list[Order]) -> None:
    page = checked(client, orders)
    assert send(client, page)["Location"] == send(client, page)["Location"]
    assert OutgoingAction.objects.count() == 3


def test_what_changed_since_it_was_shown_is_shown_again(
    client: Client, orders: list[Order]
) -> None:
    page = checked(client, orders, text="Your parcel to {marketplace} is late.")
    Order.objects.filter(pk=orders[0].pk).update(marketplace_id="A1F83G8C2ARO7P")
    again = send(client, page)
    assert again.status_code == 409
    assert "The orders changed since you looked" in words(again)
    assert "Your parcel to Amazon.co.uk is late." in words(again)
    assert not Batch.objects.exists()
    assert send(client, again).status_code == 302


def test_who_was_left_out_on_the_page_gets_nothing_by_its_button(
    client: Client, orders: list[Order]
) -> None:
    """The first batch leaves between the page and its button, and is no longer on its way."""
    send(client, checked(client, orders[:1]))
    page = checked(client, orders)
    assert [row.checked.left_out for row in page.context["left_out"]] == [LeftOut.SAME]
    OutgoingAction.objects.update(status=Status.SENT, seen_by=Batch.objects.get().created_by)
    again = send(client, page)
    assert again.status_code == 409
    assert "The orders changed since you looked" in words(again)
    assert OutgoingAction.objects.count() == 1


def test_who_has_this_very_message_is_named(client: Client, orders: list[Order]) -> None:
    send(client, checked(client, orders[:1]))
    OutgoingAction.objects.update(status=Status.SENT, seen_by=Batch.objects.get().created_by)
    page = checked(client, orders)
    assert [row.is_repeated for row in page.context["sent"]].count(True) == 1
    assert "1 of the buyers has this very message already, or may have it." in words(page)
    assert "very message" not in words(checked(client, orders, text="It is here."))


def test_who_is_excluded_after_the_page_was_shown_is_shown_as_left_out(
    client: Client, orders: list[Order]
) -> None:
    page = checked(client, orders)
    Order.objects.filter(pk=orders[0].pk).update(is_cancelled=True)
    again = send(client, page)
    assert again.status_code == 409
    assert [row.checked.draft.order for row in again.context["left_out"]] == orders[:1]
    assert not Batch.objects.exists()


def test_a_plan_is_good_for_its_person_alone(client: Client, orders: list[Order]) -> None:
    page = checked(client, orders)
    colleague = browser_of_role(orders[0].account, Role.OPERATOR)
    assert send(colleague, page).status_code == 400
    assert not Batch.objects.exists()


@pytest.mark.parametrize(("hours", "changed"), [(2, 200), (13, 400)])
def test_a_plan_that_is_too_old_to_send_can_be_changed_all_day(
    client: Client,
    orders: list[Order],
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
    changed: int,
) -> None:
    text = "It is late by two days."
    signed_at = signing.b62_encode(int(time.time()) - hours * 3600)
    monkeypatch.setattr(signing.TimestampSigner, "timestamp", lambda _signer: signed_at)
    page = checked(client, orders, text=text)
    assert send(client, page).status_code == 400
    again = client.post(WRITE, {"plan": plan_of(page)})
    assert again.status_code == changed
    assert (text in words(again)) is (changed == 200)
    assert not Batch.objects.exists()


def test_a_plan_of_another_release_is_too_old(client: Client, operator: User) -> None:
    token = signing.dumps({"of": "old"}, salt=f"messaging.bulk.{operator.pk}", compress=True)
    for address in (WRITE, CHECK):
        assert client.post(address, {"plan": token}).status_code == 400


def test_a_role_that_was_lost_meanwhile_sends_nothing(
    client: Client, operator: User, orders: list[Order]
) -> None:
    page = checked(client, orders)
    mine = Membership.objects.filter(user=operator)
    mine.update(role=Role.VIEWER)
    assert send(client, page).status_code == 403
    mine.delete()
    assert send(client, page).status_code == 404
    assert not Batch.objects.exists()


def test_files_go_to_the_orders_in_their_names(client: Client, orders: list[Order]) -> None:
    uploads = [pdf(f"{order.amazon_order_id}.txt") for order in orders[:2]]
    form = fields(orders, "sendInvoice", file_use="by_number", upload=[*uploads, pdf("x.txt")])
    page = client.post(CHECK, form)
    told = words(page)
    assert "Send 2 messages" in told
    assert "1 file goes to nobody" in told
    assert "No file has this order's number in its name." in told
    send(client, page)
    batch = Batch.objects.get()
    assert batch.left_out([orders[0].account_id]) == {LeftOut.UNFIT: 1}
    names = {
        action.order_id: [use.name for use in action.files.all()] for action in batch.actions.all()
    }
    assert names == {order.pk: [f"{order.amazon_order_id}.txt"] for order in orders[:2]}


def test_files_are_kept_while_more_are_added_and_when_it_is_changed(
    client: Client, orders: list[Order]
) -> None:
    form = fields(orders, "sendInvoice", file_use="same")
    client.post(CHECK, form | {"step": "add", "upload": pdf("one.txt")})
    first = StoredFile.objects.get()
    page = client.post(CHECK, form | {"file": [first.pk], "upload": pdf("two.txt")})
    assert [len(row.checked.draft.files) for row in page.context["sent"]] == [2, 2, 2]
    back = client.post(WRITE, {"plan": plan_of(page)})
    assert [file.name for file in back.context["form"].stored] == ["one.txt", "two.txt"]
    assert back.context["form"].initial["file_use"] == "same"


def test_a_file_of_another_account_or_a_bad_one_is_a_fault(
    client: Client, operator: User, orders: list[Order]
) -> None:
    facts = {"content_type": "text/plain", "size": 1, "sha256": "0" * 64}
    foreign = StoredFile.objects.create(
        account=SellerAccountFactory(),
        name="x.txt",
        uploaded_by=operator,
        uploaded_at=timezone.now(),
        **facts,
    )
    form = fields(orders, "sendInvoice", file_use="same")
    for wrong in ({"file": [foreign.pk]}, {"file": ["x"]}, {"upload": pdf("x.exe")}, {}):
        upload = wrong.get("upload")
        if isinstance(upload, SimpleUploadedFile):
            upload.write(b"\x00MZ")
            upload.seek(0)
        response = client.post(CHECK, form | wrong)
        assert response.status_code == 422, wrong
    assert not Batch.objects.exists()


def test_a_warranty_is_asked_for_in_months(client: Client, orders: list[Order]) -> None:
    form = fields(orders, "warranty", file_use="same", upload=pdf("w.txt"), months="24")
    page = client.post(CHECK, form | {"first_day": "2026-03-01"})
    assert "2026-03-01 to 2028-03-01" in words(page)
    for wrong in ({"months": ""}, {"months": "0"}, {"first_day": "1900-01-01"}):
        assert client.post(CHECK, form | {"upload": pdf("w.txt")} | wrong).status_code == 422


def test_the_check_of_three_takes_as_many_queries_as_of_one(
    client: Client, orders: list[Order]
) -> None:
    def queries(number: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            checked(client, orders[:number], text="Your {items} of {store}: {order_number}.")
        return len(captured)

    queries(1)
    assert queries(1) == queries(3) < 30


def test_hostile_words_are_shown_as_text(client: Client, orders: list[Order]) -> None:
    account = orders[0].account
    SellerAccount.objects.filter(pk=account.pk).update(name='"><script>alert(1)</script>')
    html = checked(client, orders, text="5 > 3 {order_number}").content.decode()
    assert "<script>alert" not in html


def test_the_bar_of_the_selection_leads_here(client: Client, orders: list[Order]) -> None:
    html = client.get("/orders/").content.decode()
    assert 'formaction="/messages/new/"' in html
    assert 'data-most="500"' in html
