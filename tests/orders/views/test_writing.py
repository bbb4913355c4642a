"""Messages on the page of an order: what was offered, what was written, and what moves."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from messaging.models import OutgoingAction
from messaging.offers import Offer
from messaging.states import Status
from orders.models import Order
from sellers.models import Role
from tests.factories import OutgoingActionFactory
from tests.messaging.offering import offer
from tests.orders.views.conftest import HTMX, Person, person

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
TEXT = "Which <b>engraving</b>?\nAnn or Anne?"


def home(order: Order) -> str:
    return f"/orders/{order.account_id}/{order.amazon_order_id}/"


def message(order: Order, **fields: Any) -> OutgoingAction:
    fields = {"kind": "confirmOrderDetails", "payload": {"text": TEXT}} | fields
    action: OutgoingAction = OutgoingActionFactory(order=order, api="messaging", **fields)
    return action


def test_what_was_offered_is_named_with_its_age_and_a_way_to_write_it(ann: Person) -> None:
    order = ann.order()
    page = ann.get(home(order)).content.decode()
    assert "It has not been asked for this one." in page
    assert f'href="{home(order)}messages/"' in page
    offer(
        order,
        "sendInvoice",
        "negativeFeedbackRemoval",
        "updateFeedback",
        Offer("warranty", disabled=True),
        at=timezone.now() - timedelta(hours=3),
    )
    page = ann.get(home(order)).content.decode()
    assert "3 h ago" in page
    assert f'href="{home(order)}messages/sendInvoice/"' in page
    assert "Removal of negative feedback" in page
    assert "Only after the buyer&#x27;s problem was solved." in page
    assert "messages/updateFeedback/" not in page
    assert "Do this in Seller Central" in page
    assert "messages/warranty/" not in page
    assert "Not possible now: Amazon gives no reason." in page


def test_a_viewer_is_told_and_cannot_write(ann: Person, viewer: Person) -> None:
    order = ann.order()
    offer(order, "sendInvoice")
    action = message(order)
    page = viewer.get(home(order)).content.decode()
    assert "Invoice" in page
    assert "messages/sendInvoice/" not in page
    assert "What Amazon offers…" in page
    assert f"/outbox/{action.pk}/cancel/" not in page


def test_an_order_that_is_not_written_to_says_so(ann: Person) -> None:
    page = ann.get(home(ann.order(cancelled=True))).content.decode()
    assert "Nobody can write to this buyer" in page
    assert "/messages/" not in page


def test_a_message_shows_what_was_written_as_text(ann: Person) -> None:
    order = ann.order()
    files = [{"name": "a<i>.pdf", "size": 2_048, "sha256": "0" * 64}]
    days = {
        "coverage_start": "2026-07-01T00:00:00+02:00",
        "coverage_end": "2028-06-30T23:59:59+02:00",
    }
    message(order, status=Status.SENT, payload={"text": TEXT, "files": files, **days})
    page = ann.get(home(order)).content.decode()
    assert "Which &lt;b&gt;engraving&lt;/b&gt;?\nAnn or Anne?" in page
    assert f"Text, {len(TEXT)} characters" in page
    assert "a&lt;i&gt;.pdf" in page
    assert "2.0\xa0KB" in page
    assert "Covers 2026-07-01 to 2028-06-30" in page


def test_of_a_message_that_was_forgotten_the_length_is_shown(ann: Person) -> None:
    order = ann.order()
    kept = {"text_length": 123, "file_count": 2, "file_bytes": 4_096}
    message(order, status=Status.REFUSED, payload=kept, text_forgotten_at=timezone.now())
    page = ann.get(home(order)).content.decode()
    assert "text deleted after 30 days, 123 characters" in page
    assert "2 files, 4.0\xa0KB, names deleted after 30 days" in page
    assert "/retry/" not in page


def test_a_message_can_be_undone_or_tried_again(ann: Person) -> None:
    order = ann.order()
    queued = message(order, not_before=timezone.now() + timedelta(seconds=18.5))
    refused = message(order, kind="unexpectedProblem", status=Status.REFUSED)
    page = ann.get(home(order)).content.decode()
    assert f'action="/outbox/{queued.pk}/cancel/"' in page
    assert "Undo: do not send" in page
    assert re.search(r"leaves <time [^>]+>in 1\d s<", page)
    assert f'action="/outbox/{refused.pk}/retry/"' in page
    answer = ann.client.post(f"/outbox/{queued.pk}/cancel/", {"next": home(order)}, follow=True)
    assert answer.redirect_chain == [(home(order), 302)]
    queued.refresh_from_db()
    assert queued.status == Status.CANCELLED


def test_the_card_asks_for_itself_while_a_message_moves_and_tells_the_page_at_the_end(
    ann: Person,
) -> None:
    order = ann.order()
    polls = f'hx-get="{home(order)}?part=actions"'
    assert polls not in ann.get(home(order)).content.decode()
    action = message(order)
    assert polls in ann.get(home(order)).content.decode()
    moving = ann.htmx(home(order), part="actions")
    assert polls in moving.content.decode()
    assert "HX-Trigger" not in moving.headers
    OutgoingAction.objects.filter(pk=action.pk).transition(
        Status.QUEUED, Status.CANCELLED, at=timezone.now()
    )
    done = ann.htmx(home(order), part="actions")
    assert polls not in done.content.decode()
    assert done.headers["HX-Trigger"] == "order-changed"
    whole = ann.client.get(home(order), headers=HTMX)
    assert "HX-Trigger" not in whole.headers, "or it would ask for ever"


def test_a_message_that_waits_for_days_is_not_asked_for(ann: Person) -> None:
    order = ann.order()
    message(order, look_at=timezone.now() + timedelta(days=1))
    assert "part=actions" not in ann.get(home(order)).content.decode()


def test_messages_take_no_more_queries(ann: Person, django_assert_max_num_queries: Any) -> None:
    order = ann.order()
    offer(order, "sendInvoice", "warranty")
    for number in range(4):
        message(order, payload={"text": f"{TEXT} {number}"}, status=Status.SENT)
    with django_assert_max_num_queries(11):
        ann.get(home(order))


def test_a_stranger_sees_nothing_of_it(ann: Person) -> None:
    order = ann.order()
    offer(order, "sendInvoice")
    assert person(Role.MANAGER).get(home(order)).status_code == 404


def test_a_held_message_promises_no_moment(ann: Person) -> None:
    action = message(ann.order(), not_before=timezone.now() + timedelta(seconds=60))
    assert "Undo: do not send" in (page := ann.get(home(action.order)).content.decode())
    assert "Waiting: leaves" in page
    assert '<span class="muted">leaves ' in page
    OutgoingAction.objects.filter(pk=action.pk).update(status=Status.HELD)
    assert "Undo: do not send" in (page := ann.get(home(action.order)).content.decode())
    assert "leaves" not in page
