"""A review and a message asked for at the same moment, where the account allows one of the two."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from messaging.models import OutgoingAction
from messaging.services import NotAllowedError, request_message, request_review, request_reviews
from messaging.services.message_batches import Draft, request_messages
from orders.models import Order
from sellers.models import SellerAccount
from tests.factories import MembershipFactory, SellerAccountFactory, UserFactory
from tests.messaging.sending import NOW, due_order

ROUNDS = 3
KIND, PAYLOAD = "confirmOrderDetails", {"text": "Which engraving?"}
Ask = Callable[[Sequence[Order], User], object]


def ask_one(orders: Sequence[Order], user: User) -> None:
    for order in orders:
        request_review(order, user=user, at=NOW)


def ask_many(orders: Sequence[Order], user: User) -> None:
    chosen = Order.objects.filter(pk__in=[order.pk for order in orders])
    request_reviews(chosen, user=user, at=NOW, client_key=uuid4())


def write_one(orders: Sequence[Order], user: User) -> None:
    for order in orders:
        request_message(order, KIND, PAYLOAD, user=user, at=NOW)


def write_many(orders: Sequence[Order], user: User) -> None:
    drafts = [Draft(order, PAYLOAD) for order in orders]
    request_messages(drafts, user=user, at=NOW, client_key=uuid4(), kind=KIND)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [write_one, write_many])
@pytest.mark.parametrize("ask", [ask_one, ask_many])
def test_of_two_who_ask_at_the_same_moment_one_is_too_late(ask: Ask, write: Ask) -> None:
    account: SellerAccount = SellerAccountFactory(one_message_per_order=True)
    ann = UserFactory()
    MembershipFactory(user=ann, account=account, role="operator")
    number = 20 if ask is ask_many and write is write_many else 1
    together = threading.Barrier(2)
    errors: list[BaseException] = []

    def run(request: Ask, orders: Sequence[Order]) -> None:
        try:
            connection.ensure_connection()
            together.wait(30)
            request(orders, ann)
        except NotAllowedError:
            pass  # the other one was sooner
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    for _ in range(ROUNDS):
        orders = [due_order(account=account) for _ in range(number)]
        pairs = [(ask, orders), (write, orders[::-1])]
        threads = [threading.Thread(target=run, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert errors == []
        taken = OutgoingAction.objects.filter(order__in=orders).values_list("order", flat=True)
        assert sorted(taken) == sorted(order.pk for order in orders), "each order, and once"
