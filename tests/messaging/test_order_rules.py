"""The rules of an order that an action must pass: all for a review request, three for a message."""

from typing import Any

import pytest

from messaging.action_types import CONFIRM_ORDER_DETAILS, REVIEW_REQUEST
from messaging.models import OutgoingAction
from messaging.order_rules import message_refusals, open_to_messages, order_allows
from orders.states import Refusal
from tests.factories import DAY
from tests.messaging.sending import NOW, due_action, due_message, due_order, unshipped_order

pytestmark = pytest.mark.django_db

# The order's facts, and why its buyer may not be written to (None: he may).
ORDERS: list[tuple[dict[str, Any], Refusal | None]] = [
    ({}, None),
    ({"is_sold_on_amazon": False}, Refusal.NOT_AMAZON),
    ({"is_cancelled": True}, Refusal.CANCELLED),
    ({"is_excluded": True}, Refusal.EXCLUDED),
    ({"is_cancelled": True, "is_excluded": True}, Refusal.CANCELLED),
    ({"is_replacement": True}, None),
    ({"is_returned": True}, None),
    ({"is_refunded": True}, None),
    ({"fulfillment_status": "SHIPPED"}, None),
    ({"earliest_delivery_at": None, "latest_delivery_at": None}, None),
    ({"earliest_delivery_at": NOW - 90 * DAY, "latest_delivery_at": NOW - 89 * DAY}, None),
]


@pytest.mark.parametrize(("facts", "refusal"), ORDERS, ids=str)
def test_a_buyer_is_written_to_unless_the_order_forbids_it_altogether(
    facts: dict[str, Any], refusal: Refusal | None
) -> None:
    order = unshipped_order(**facts)
    assert message_refusals([order.pk]).get(order.pk) == refusal
    assert open_to_messages().filter(pk=order.pk).exists() is (refusal is None)


def test_nothing_is_asked_of_the_database_about_no_orders(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(0):
        assert message_refusals([]) == {}


@pytest.mark.parametrize(
    ("asked", "written"),
    [(due_order, unshipped_order), (lambda: due_order(is_excluded=True), unshipped_order)],
)
def test_each_kind_passes_by_its_own_rules(asked: Any, written: Any) -> None:
    review, message = due_action(order=asked()), due_message(order=written())
    premature = due_action(order=message.order)
    allowed = set() if review.order.is_excluded else {review}
    everything = [REVIEW_REQUEST.name, CONFIRM_ORDER_DETAILS.name]
    actions = OutgoingAction.objects.all()
    assert set(actions.filter(order_allows(everything, NOW))) == {message, *allowed}
    reviews = actions.filter(order_allows(everything[:1], NOW), kind=REVIEW_REQUEST.name)
    assert set(reviews) == allowed
    assert premature not in reviews
    messages = actions.filter(order_allows(everything[1:], NOW), kind=CONFIRM_ORDER_DETAILS.name)
    assert set(messages) == {message}
