"""The rows that other tests start from are what they say."""

import pytest
from django.utils import timezone

from messaging.ledger.check import find_breaches
from messaging.models import ActionEvent, AttemptOutcome, OutgoingAction
from messaging.states import TAKEN, Status
from orders.models import Order
from orders.states import Refusal
from tests.e2e import hostile
from tests.factories import OrderFactory, OrderItemFactory, OutgoingActionFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_an_order_is_eligible_unless_told_otherwise() -> None:
    order = OrderFactory()
    assert list(Order.objects.eligible(timezone.now()).unasked()) == [order]
    assert order.fixed_refusal == ""
    assert OrderItemFactory(order=order).order == order


@pytest.mark.parametrize(
    ("trait", "refusal"),
    [
        ("too_early", Refusal.TOO_EARLY),
        ("window_closed", Refusal.WINDOW_CLOSED),
        ("no_dates", Refusal.NO_DATES),
        ("not_shipped", Refusal.NOT_SHIPPED),
        ("cancelled", Refusal.CANCELLED),
    ],
)
def test_a_trait_names_the_refusal(trait: str, refusal: Refusal) -> None:
    order = OrderFactory(**{trait: True})
    assert list(Order.objects.refused(refusal, timezone.now())) == [order]


@pytest.mark.parametrize("status", list(Status))
def test_an_action_agrees_with_its_events_attempts_and_order(status: Status) -> None:
    action = OutgoingActionFactory(status=status, reason="why")
    assert (action.status, action.reason) == (status, "why")
    events = ActionEvent.objects.filter(action=action)
    assert [event.after for event in events][-1:] == ([] if status == Status.QUEUED else [status])
    assert action.order.solicitation == (status if status in TAKEN else "")
    open_attempts = action.attempts.filter(finished_at=None).count()
    assert open_attempts == (1 if status == Status.SENDING else 0)
    if status == Status.SENT:
        assert action.sent_attempt.outcome == AttemptOutcome.ACCEPTED
    assert OutgoingAction.objects.filter(order__account=action.account).count() == 1


def test_the_hostile_rows_of_the_browser_tests_contradict_nothing() -> None:
    """The clockwork checks the records while the pages are walked."""
    hostile.make({UserFactory().username: "viewer"})
    assert [str(breach) for breach in find_breaches(at=timezone.now())] == []
