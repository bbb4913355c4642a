"""Asking one buyer for a review after a message was written: told before, on the order's page."""

from __future__ import annotations

import pytest

from messaging.models import OutgoingAction
from messaging.services.refusing import SECOND_REVIEW
from messaging.states import Status
from orders.models import Order
from tests.factories import OutgoingActionFactory
from tests.orders.views.conftest import HTMX, Person

pytestmark = pytest.mark.django_db
WARNED = '<input type="hidden" name="warned" value="1">'


@pytest.fixture
def order(ann: Person) -> Order:
    """One that a message was written for."""
    found = ann.order()
    OutgoingActionFactory(
        order=found, kind="confirmOrderDetails", api="messaging", payload={"text": "Which?"}
    )
    return found


def home(order: Order) -> str:
    return f"/orders/{order.account_id}/{order.amazon_order_id}/"


def is_asked(order: Order) -> bool:
    return Order.objects.get(pk=order.pk).solicitation == Status.QUEUED


def test_the_orders_page_warns_and_takes_the_request_of_who_was_warned(
    ann: Person, order: Order
) -> None:
    page = ann.get(home(order)).content.decode()
    assert SECOND_REVIEW in page
    assert WARNED in page
    ann.client.post(f"{home(order)}request-review/", {"warned": "1"})
    assert is_asked(order)


def test_a_row_of_the_list_sends_nothing_and_says_where_to_look(ann: Person, order: Order) -> None:
    answer = ann.client.post(f"{home(order)}request-review/", headers=HTMX)
    assert answer.status_code == 422
    assert f"{SECOND_REVIEW} Open the order to ask all the same." in answer.content.decode()
    assert not is_asked(order)


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.EXPIRED, Status.REFUSED])
def test_a_message_that_did_not_arrive_hinders_nobody(
    ann: Person, order: Order, status: Status
) -> None:
    OutgoingAction.objects.update(status=status)
    assert SECOND_REVIEW not in ann.get(home(order)).content.decode()
    assert ann.client.post(f"{home(order)}request-review/", headers=HTMX).status_code == 200
    assert is_asked(order)


def test_an_account_that_allows_one_has_no_button(ann: Person, order: Order) -> None:
    ann.account.one_message_per_order = True
    ann.account.save()
    page = ann.get(home(order)).content.decode()
    assert f"{SECOND_REVIEW} This account refuses the second." in page
    assert "Request review</button>" not in page
    answer = ann.client.post(f"{home(order)}request-review/", {"warned": "1"}, headers=HTMX)
    assert answer.status_code == 422
    assert "Open the order" not in answer.content.decode()
    assert not is_asked(order)
