"""A review request and a message for one order: both, or only one, as the account says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from messaging.models import OutgoingAction
from messaging.services import NotAllowedError, request_message, request_review, retry_action
from messaging.states import Status
from orders.models import Order
from sellers.models import SellerAccount
from tests.factories import SellerAccountFactory, UserFactory
from tests.messaging.sending import NOW, due_action, due_message, due_order, status_of

pytestmark = pytest.mark.django_db


def ask(order: Order) -> OutgoingAction:
    return request_review(order, user=UserFactory(), at=NOW)


def write(order: Order) -> OutgoingAction:
    payload = {"text": "Which engraving?"}
    return request_message(order, "confirmOrderDetails", payload, user=UserFactory(), at=NOW)


BOTH_WAYS = pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (due_action, write, "A review was asked for this order."),
        (due_message, ask, "A message was written for this order."),
    ],
)
First = Callable[..., Any]
Second = Callable[[Order], OutgoingAction]


@pytest.fixture
def strict() -> SellerAccount:
    account: SellerAccount = SellerAccountFactory(one_message_per_order=True)
    return account


@BOTH_WAYS
@pytest.mark.parametrize("status", [Status.QUEUED, Status.UNCONFIRMED, Status.SENT])
def test_the_second_of_the_two_is_refused_where_the_account_says_so(
    strict: SellerAccount, first: First, second: Second, sentence: str, status: Status
) -> None:
    order = due_order(account=strict)
    first(order=order, status=status)
    with pytest.raises(NotAllowedError, match=sentence):
        second(order)
    assert OutgoingAction.objects.count() == 1


@BOTH_WAYS
@pytest.mark.parametrize("status", [Status.CANCELLED, Status.EXPIRED])
def test_one_that_never_left_is_none(
    strict: SellerAccount, first: First, second: Second, sentence: str, status: Status
) -> None:
    order = due_order(account=strict)
    first(order=order, status=status)
    assert second(order).status == Status.QUEUED


@BOTH_WAYS
def test_what_amazon_refused_is_not_tried_again_as_the_second_of_the_two(
    strict: SellerAccount, first: First, second: Second, sentence: str
) -> None:
    """After a refusal the other one may be sent: then it stands for the order."""
    order = due_order(account=strict)
    refused = first(order=order, status=Status.REFUSED)
    other = second(order)
    with pytest.raises(NotAllowedError, match="Amazon may take only one of the two"):
        retry_action(refused, user=UserFactory(), at=NOW)
    OutgoingAction.objects.filter(pk=other.pk).update(status=Status.CANCELLED)
    retry_action(refused, user=UserFactory(), at=NOW)
    assert status_of(refused) == Status.QUEUED


@BOTH_WAYS
def test_both_are_taken_where_the_account_does_not_forbid_it(
    first: First, second: Second, sentence: str
) -> None:
    order = due_order()
    first(order=order)
    assert second(order).status == Status.QUEUED


@BOTH_WAYS
def test_another_order_has_one_of_its_own(
    strict: SellerAccount, first: First, second: Second, sentence: str
) -> None:
    first(order=due_order(account=strict))
    assert second(due_order(account=strict)).status == Status.QUEUED
