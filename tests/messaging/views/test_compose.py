"""Writing to a buyer in the pages: what is offered, the form, the check, and what is queued."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from messaging.files.storing import GONE
from messaging.models import ActionFile, MessageTemplate, OrderOffers, OutgoingAction
from messaging.offers import Field, Offer
from messaging.repeats import REPEATED
from messaging.states import Status
from messaging.views.compose import NOT_OFFERED
from orders.models import Order
from sellers.models import Role, SellerAccount
from tests.factories import (
    GERMANY,
    OrderFactory,
    OrderItemFactory,
    OutgoingActionFactory,
)
from tests.messaging.offering import offer
from tests.messaging.views.batches import browser_of_role

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.any_database,
    pytest.mark.usefixtures("redis_empty"),
]
HTMX = {"HX-Request": "true"}
PROBLEM = "unexpectedProblem"
TEXT = "Das Paket ist beschädigt zu uns zurückgekommen.\nWir schicken heute ein neues."
TERMS = b"Zwei Jahre auf Material und Verarbeitung.\n"


@pytest.fixture
def order(account: SellerAccount) -> Order:
    found: Order = OrderFactory(account=account)
    return found


def path(order: Order, kind: str = "") -> str:
    end = f"{kind}/" if kind else ""
    return f"/orders/{order.account_id}/{order.amazon_order_id}/messages/{end}"


def page_of(client: Client, address: str, status: int = 200, **data: Any) -> str:
    response = client.get(address, data)
    assert response.status_code == status
    return response.content.decode()


def post(client: Client, order: Order, kind: str = PROBLEM, **fields: Any) -> Any:
    return client.post(path(order, kind), fields)


def test_what_amazon_offers_is_shown_with_its_age(client: Client, order: Order) -> None:
    offer(order, PROBLEM, "sendInvoice", at=timezone.now() - timedelta(seconds=20))
    page = page_of(client, path(order))
    for words in (
        "Unexpected problem",
        "Tell the buyer that something unexpected happened with the order.",
        "Only a problem that keeps the order from being completed.",
        "the buyer's language is German (de-DE)",
        "Amazon's list of <time",
        f'href="{path(order, PROBLEM)}"',
        f'hx-get="{path(order)}?now=1"',
    ):
        assert words in page.replace("&#x27;", "'"), words
    assert re.search(r">[2-5]\d s ago<", page)


def test_what_cannot_be_written_says_why_or_where(client: Client, order: Order) -> None:
    offer(
        order,
        Offer("sendInvoice", disabled=True, reason="Amazon sends <b>it</b>."),
        Offer("updateFeedback", title="Request to update negative feedback"),
        "amazonMotors",
        "negativeFeedbackRemoval",
    )
    page = page_of(client, path(order))
    assert "Not possible now: Amazon sends &lt;b&gt;it&lt;/b&gt;." in page
    assert path(order, "sendInvoice") not in page
    assert "Request to update negative feedback" in page
    assert "Do this in Seller Central" in page
    address = f"https://sellercentral-europe.amazon.com/orders-v3/order/{order.amazon_order_id}"
    assert f'href="{address}"' in page
    assert path(order, "updateFeedback") not in page
    assert "Amazon took it out of its documents on 30 Jan 2026; it may stop working." in page
    assert "Amazon took it out of its documents on 4 Aug 2025" in page


def test_withdrawn_messages_are_shown_only_where_they_are_offered(
    client: Client, order: Order
) -> None:
    offer(order, PROBLEM)
    page = page_of(client, path(order))
    assert "Amazon Motors" not in page
    assert "negative feedback" not in page


def test_a_viewer_sees_the_list_and_writes_nothing(account: SellerAccount, order: Order) -> None:
    offer(order, PROBLEM)
    viewer = browser_of_role(account, Role.VIEWER)
    page = page_of(viewer, path(order))
    assert "Unexpected problem" in page
    assert path(order, PROBLEM) not in page
    assert viewer.get(path(order, PROBLEM)).status_code == 403
    assert post(viewer, order, text=TEXT).status_code == 403


def test_strangers_and_unknown_kinds_find_nothing(client: Client, order: Order) -> None:
    offer(order, PROBLEM)
    stranger = browser_of_role(OrderFactory().account, Role.MANAGER)
    for address in (path(order), path(order, PROBLEM)):
        assert stranger.get(address).status_code == 404
    for kind in ("updateFeedback", "productReviewAndSellerFeedback", "..%2f..", "__proto__"):
        assert client.get(path(order, kind)).status_code == 404, kind


def test_pages_are_drawn_whole_or_as_a_part(client: Client, order: Order) -> None:
    offer(order, PROBLEM)
    for address in (path(order), path(order, PROBLEM)):
        whole, part = client.get(address), client.get(address, headers=HTMX)
        assert b"<html" in whole.content
        assert b"<html" not in part.content
        assert part.content.strip().decode() in whole.content.decode() or b"csrf" in part.content
        assert whole.headers["Vary"].count("HX-Request") == 1
    check = client.post(path(order, PROBLEM), {"text": TEXT}, headers=HTMX)
    assert check.content.strip().startswith(b'<div id="compose"')


def test_the_pages_take_few_queries(client: Client, order: Order) -> None:
    offer(order, *["unexpectedProblem", "confirmOrderDetails", "digitalAccessKey"])
    OrderItemFactory.create_batch(3, order=order)
    for address, most in ((path(order), 9), (path(order, PROBLEM), 9)):
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        assert len(captured) <= most, [one["sql"] for one in captured.captured_queries]


def test_the_form_has_the_fields_of_its_kind(client: Client, order: Order) -> None:
    fields = {
        PROBLEM: {"text"},
        "digitalAccessKey": {"text", "upload"},
        "sendInvoice": {"upload"},
        "warranty": {"first_day", "last_day", "upload"},
        "negativeFeedbackRemoval": {"acknowledged"},
    }
    offer(order, *fields)
    for kind, wanted in fields.items():
        names = set(re.findall(r'name="(\w+)"', page_of(client, path(order, kind))))
        assert names & {"text", "upload", "first_day", "last_day", "acknowledged"} == wanted, kind


def test_the_limits_are_the_stricter_ones_and_the_language_stands_beside(
    client: Client, order: Order
) -> None:
    offer(order, Offer(PROBLEM, text=Field(title="Explain <why>", least=1, most=20)))
    page = page_of(client, path(order, PROBLEM))
    assert 'data-most="20"' in page
    assert "Amazon asks: Explain &lt;why&gt;" in page
    assert "German (de-DE)" in page
    assert 'lang="de-DE"' in page
    answer = post(client, order, text="x" * 21)
    assert answer.status_code == 422
    assert "Amazon takes at most 20." in answer.content.decode()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The message is empty."),
        ("  \r\n ", "The message is empty."),
        ("x" * 2_001, "The message is 2,001 characters long; Amazon takes at most 2,000."),
        ("😀" * 1_001, "The message is 2,002 characters long; Amazon takes at most 2,000."),
        ("Hallo\x00Welt", "Null characters are not allowed."),
        ("<b>Hallo</b>, das Paket kommt", "HTML"),
        ("Schreiben Sie an ann@example.com", "ann@example.com"),
    ],
)
def test_a_text_that_cannot_be_sent_is_a_fault_of_its_field(
    client: Client, order: Order, text: str, sentence: str
) -> None:
    offer(order, PROBLEM)
    answer = post(client, order, text=text)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'id="id_text_error"' in page
    assert 'aria-invalid="true"' in page
    assert sentence in page
    assert not OutgoingAction.objects.exists()
    assert post(client, order, text=text, step="send").status_code == 422
    assert not OutgoingAction.objects.exists()


def test_two_thousand_characters_are_taken_however_the_lines_end(
    client: Client, order: Order
) -> None:
    offer(order, PROBLEM)
    text = "Das Paket kommt.\r\n" * 117
    assert post(client, order, text=text).status_code == 200


def test_the_check_shows_what_will_be_sent_and_sends_nothing(
    client: Client, order: Order, settings: Settings
) -> None:
    settings.SEND_HOLD_SECONDS = 20
    offer(order, PROBLEM)
    answer = post(client, order, text="  Größe 3 < 4\r\nund {{7*7}} " + TEXT + "\n")
    assert answer.status_code in (200, 422)
    answer = post(client, order, text="  Grüße\r\n" + TEXT + "\n")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert f'lang="de-DE">Grüße\n{TEXT}</p>' in page
    assert "20 s after you send it" in page
    assert not OutgoingAction.objects.exists()


def test_what_was_checked_is_queued_once_and_shown_on_the_order(
    client: Client, order: Order
) -> None:
    offer(order, PROBLEM)
    check = post(client, order, text=TEXT).content.decode()
    fields = {
        name: value.replace("&#x27;", "'")
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', check)
        if name != "csrfmiddlewaretoken"
    }
    assert set(fields) == {"client_key", "text"}
    answers = [post(client, order, step="send", **fields) for _ in range(2)]
    home = f"/orders/{order.account_id}/{order.amazon_order_id}/"
    assert [(one.status_code, one.headers["Location"]) for one in answers] == [(302, home)] * 2
    action = OutgoingAction.objects.get()
    assert (action.kind, action.payload, action.status) == (PROBLEM, {"text": TEXT}, Status.QUEUED)
    page = page_of(client, home)
    assert f'action="/outbox/{action.pk}/cancel/"' in page
    assert f'hx-get="{home}?part=actions"' in page
    assert "wir schicken heute ein neues" in page.lower()
    assert "queued. Until it leaves you can undo it." in page


def test_a_form_that_is_posted_again_leads_to_its_message_whatever_is_offered_by_then(
    client: Client, order: Order
) -> None:
    offer(order, PROBLEM)
    key = str(uuid4())
    first = post(client, order, text=TEXT, step="send", client_key=key)
    offer(order, "sendInvoice")
    again = post(client, order, text=TEXT, step="send", client_key=key)
    assert (again.status_code, again.headers["Location"]) == (302, first.headers["Location"])
    assert OutgoingAction.objects.count() == 1


def test_the_same_message_again_is_refused_with_who_wrote_it(client: Client, order: Order) -> None:
    offer(order, PROBLEM)
    assert post(client, order, text=TEXT, step="send").status_code == 302
    again = post(client, order, text=TEXT, step="send", client_key=str(uuid4()))
    assert again.status_code == 409
    assert "ann queued this" in again.content.decode()
    assert TEXT.splitlines()[0] in again.content.decode(), "what was written is still there"
    assert OutgoingAction.objects.count() == 1


def test_going_back_to_the_form_keeps_what_was_written(client: Client, order: Order) -> None:
    offer(order, PROBLEM)
    answer = post(client, order, text=TEXT, step="edit")
    assert answer.status_code == 200
    assert TEXT in answer.content.decode()
    assert 'class="error"' not in answer.content.decode()


def test_what_is_not_offered_is_not_taken(client: Client, order: Order) -> None:
    offer(order, "sendInvoice", Offer("confirmOrderDetails", disabled=True, reason="No."))
    for kind in (PROBLEM, "confirmOrderDetails"):
        for step in ("", "check", "send"):
            answer = post(client, order, kind, text=TEXT, step=step)
            assert answer.status_code == 409
            assert NOT_OFFERED in answer.content.decode()
        assert client.get(path(order, kind)).status_code == 409
    assert not OutgoingAction.objects.exists()
    assert path(order, PROBLEM) not in page_of(client, path(order))


def test_what_is_disabled_is_refused_with_amazons_reason(client: Client, order: Order) -> None:
    offer(order, Offer(PROBLEM, disabled=True, reason="It was shipped."))
    for answer in (client.get(path(order, PROBLEM)), post(client, order, text=TEXT, step="send")):
        assert answer.status_code == 409
        assert f"{NOT_OFFERED} Its reason: It was shipped." in answer.content.decode()


def test_the_orders_page_names_what_is_done_elsewhere_or_not_possible_now(
    client: Client, order: Order
) -> None:
    offer(
        order,
        Offer("updateFeedback", title="Request to update <feedback>"),
        Offer(PROBLEM, disabled=True, reason="It was shipped."),
    )
    page = page_of(client, f"/orders/{order.account_id}/{order.amazon_order_id}/")
    assert (
        f'<a href="https://sellercentral-europe.amazon.com/orders-v3/order/{order.amazon_order_id}" '
        'target="_blank" rel="noopener noreferrer">Request to update &lt;feedback&gt;</a>'
    ) in page
    assert "Do this in Seller Central" in page
    assert "Not possible now: It was shipped." in page
    assert path(order, PROBLEM) not in page


def test_the_same_message_again_is_warned_of_once_it_was_sent(
    client: Client, order: Order, operator: User
) -> None:
    offer(order, PROBLEM)
    assert REPEATED not in post(client, order, text=TEXT).content.decode()
    post(client, order, text=TEXT, step="send")
    OutgoingAction.objects.update(status=Status.SENT, seen_by=operator)
    assert REPEATED in post(client, order, text=TEXT).content.decode()
    assert REPEATED not in post(client, order, text=f"{TEXT} Heute.").content.decode()


def test_files_of_one_name_are_shown_as_the_buyer_will_see_them(
    client: Client, order: Order
) -> None:
    offer(order, "legalDisclosure")
    uploads = [SimpleUploadedFile("terms.txt", TERMS + end, "text/plain") for end in (b"1", b"2")]
    page = post(client, order, "legalDisclosure", upload=uploads).content.decode()
    assert "terms.txt <" in page
    assert "terms (2).txt <" in page


def test_a_file_that_is_named_after_another_order_is_warned_of(
    client: Client, order: Order
) -> None:
    offer(order, "sendInvoice")
    for name, is_warned in ((f"{order.amazon_order_id}.txt", False), ("302-1-x.txt", False)):
        upload = SimpleUploadedFile(name, TERMS, "text/plain")
        page = post(client, order, "sendInvoice", upload=upload).content.decode()
        assert ("the number of another order" in page) is is_warned
    upload = SimpleUploadedFile("302-7654321-7654321.txt", TERMS, "text/plain")
    page = post(client, order, "sendInvoice", upload=upload).content.decode()
    assert "“302-7654321-7654321.txt” has the number of another order in its name." in page


def test_a_file_that_is_gone_is_named_when_the_message_is_changed(
    client: Client, order: Order
) -> None:
    offer(order, "sendInvoice")
    answer = post(client, order, "sendInvoice", step="edit", file=["123456789"])
    assert answer.status_code == 200
    assert GONE in unescape(answer.content.decode())


def test_where_nobody_knows_nothing_is_sent_and_nothing_lost(client: Client, order: Order) -> None:
    order.account.connection = "disconnected"
    order.account.save(update_fields=["connection"])
    page = page_of(client, path(order))
    assert "The account is disconnected" in page
    assert "Nobody knows whether Amazon offers this." in page_of(client, path(order, PROBLEM))
    answer = post(client, order, text=TEXT, step="send")
    assert answer.status_code == 409
    assert TEXT in answer.content.decode()
    assert not OutgoingAction.objects.exists()


def test_an_excluded_order_is_not_written_to(client: Client, account: SellerAccount) -> None:
    order = OrderFactory(account=account, cancelled=True)
    assert client.get(path(order, PROBLEM)).status_code == 409
    offer(order, PROBLEM)
    assert "Nobody can write to this buyer. The order was cancelled." in page_of(
        client, path(order)
    )
    answer = post(client, order, text=TEXT, step="send")
    assert answer.status_code == 409
    assert "The order was cancelled." in answer.content.decode()


def test_a_review_request_is_warned_of_or_forbids(client: Client, order: Order) -> None:
    offer(order, PROBLEM)
    OutgoingActionFactory(order=order, status=Status.SENT)
    sentence = "A review was asked for this order."
    assert sentence in page_of(client, path(order))
    check = post(client, order, text=TEXT)
    assert check.status_code == 200
    assert sentence in check.content.decode()
    SellerAccount.objects.update(one_message_per_order=True)
    assert post(client, order, text=TEXT).status_code == 409
    assert f"Nobody can write to this buyer. {sentence}" in page_of(client, path(order))


def test_a_text_in_another_language_is_warned_of(client: Client, order: Order) -> None:
    offer(order, PROBLEM)
    text = "We are sorry: the parcel was damaged on its way and has come back to us. We will send"
    check = post(client, order, text=f"{text} a new one today, and it will be with you soon.")
    assert check.status_code == 200
    assert "German" in check.content.decode()
    assert "English" in check.content.decode()


def test_a_paused_account_says_that_the_message_waits(client: Client, order: Order) -> None:
    offer(order, PROBLEM)
    SellerAccount.objects.update(paused_at=timezone.now())
    assert "It will be on hold. The account is paused." in (
        post(client, order, text=TEXT).content.decode()
    )
    sent = client.post(path(order, PROBLEM), {"text": TEXT, "step": "send"}, follow=True)
    assert "on hold. The account is paused." in sent.content.decode()


def test_a_template_fills_the_text_with_this_orders_facts(
    client: Client, order: Order, operator: User
) -> None:
    offer(order, PROBLEM)
    fields = {"kind": PROBLEM, "changed_by": operator, "changed_at": timezone.now()}
    mine = MessageTemplate.objects.create(
        account=order.account, name="Damaged", text="Zu {order_number}: kaputt.", **fields
    )
    broken = MessageTemplate.objects.create(
        account=order.account, name="Broken", text="{nothing}", **fields
    )
    foreign = MessageTemplate.objects.create(
        account=OrderFactory().account, name="Foreign", text="Foreign words", **fields
    )
    page = page_of(client, path(order, PROBLEM), template=mine.pk)
    assert f"Zu {order.amazon_order_id}: kaputt." in page
    assert f'<option value="{mine.pk}" selected>Damaged</option>' in page
    assert "Foreign" not in page
    assert "There is no {nothing}." in page_of(client, path(order, PROBLEM), template=broken.pk)
    assert "Foreign" not in page_of(client, path(order, PROBLEM), template=foreign.pk)
    assert page_of(client, path(order, PROBLEM), template="x")


def test_a_warranty_covers_whole_days_of_its_marketplace(client: Client, order: Order) -> None:
    offer(order, "warranty")
    assert order.marketplace_id == GERMANY
    fields = {"upload": SimpleUploadedFile("warranty.txt", TERMS), "step": "check"}
    days = {"first_day": "2026-07-01", "last_day": "2026-12-31"}
    check = post(client, order, "warranty", **fields, **days)
    assert check.status_code == 200, check.content.decode()
    page = check.content.decode()
    assert "1 July 2026 to 31 December 2026" in page
    assert "warranty.txt" in page
    key = re.search(r'name="file" value="(\d+)"', page)
    assert key is not None
    sent = post(client, order, "warranty", file=key[1], step="send", **days)
    assert sent.status_code == 302
    action = OutgoingAction.objects.get()
    assert action.payload["coverage_start"] == "2026-07-01T00:00:00+02:00"
    assert action.payload["coverage_end"] == "2026-12-31T23:59:59+01:00"
    assert ActionFile.objects.get(action=action).name == "warranty.txt"


@pytest.mark.parametrize(
    ("first", "last", "field", "sentence"),
    [
        ("", "2026-12-31", "first_day", "Give a day"),
        ("2026-12-31", "2026-07-01", "last_day", "must not end before it starts"),
        ("0001-01-01", "2026-07-01", "first_day", "Give a day from 2000-01-01"),
        ("2026-02-30", "2026-07-01", "first_day", "Give a day"),
    ],
)
def test_days_that_are_none_are_faults_of_their_field(
    client: Client, order: Order, first: str, last: str, field: str, sentence: str
) -> None:
    offer(order, "warranty")
    answer = post(client, order, "warranty", first_day=first, last_day=last)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert f'id="id_{field}_error"' in page
    assert sentence in page
    assert "“Warranty” needs a file." in page


def test_the_removal_of_feedback_wants_amazons_condition_acknowledged(
    client: Client, order: Order
) -> None:
    kind = "negativeFeedbackRemoval"
    offer(order, kind)
    page = page_of(client, path(order, kind))
    assert "Only after the buyer&#x27;s problem was solved." in page
    assert post(client, order, kind, step="send").status_code == 422
    assert post(client, order, kind, acknowledged="on").status_code == 200
    assert post(client, order, kind, acknowledged="on", step="send").status_code == 302
    assert OutgoingAction.objects.get().payload == {}


def test_a_form_that_was_tampered_with_is_refused(client: Client, order: Order) -> None:
    offer(order, PROBLEM)
    for fields in ({"step": "fly"}, {"client_key": "x"}, {"text": ["a", "b"]}):
        assert post(client, order, **{"text": TEXT, **fields}).status_code == 400, fields


def test_a_list_that_is_older_than_a_minute_is_not_believed_without_asking(
    client: Client, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(order, PROBLEM, at=timezone.now() - timedelta(minutes=5))
    order.account.connection = "disconnected"
    order.account.save(update_fields=["connection"])
    page = page_of(client, path(order, PROBLEM))
    assert "The account is disconnected" in page
    assert "5 min ago" in page
    assert OrderOffers.objects.count() == 1
