"""The state of an order, as a person reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from messaging.models import OutgoingAction
from messaging.states import TONES, Status
from orders.models import Order
from orders.states import Tone
from orders.views.words import describe_state
from tests.factories import OrderFactory, OutgoingActionFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _refusal(order: Order, at: datetime) -> str:
    return str(Order.objects.with_refusal(at).get(pk=order.pk).refusal)  # type: ignore[attr-defined]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "tone", "words"),
    [
        ({}, Tone.GOOD, "Eligible: closes "),
        ({"closing_soon": True}, Tone.WARN, "Closes "),
        ({"too_early": True}, Tone.QUIET, "Too early: opens "),
        ({"window_closed": True}, Tone.QUIET, "Window closed "),
        ({"no_dates": True}, Tone.QUIET, "Delivery dates missing"),
        ({"not_shipped": True}, Tone.QUIET, "Not shipped yet"),
        ({"cancelled": True}, Tone.QUIET, "Cancelled"),
        ({"is_replacement": True}, Tone.QUIET, "Replacement or exchange"),
    ],
)
def test_an_order_that_was_not_asked_says_why_not(
    fields: dict[str, bool], tone: Tone, words: str
) -> None:
    order = OrderFactory(**fields)
    at = timezone.now()
    state = describe_state(order, _refusal(order, at), None, at=at)
    assert (state.tone, state.before) == (tone, words)
    assert str(state).startswith(words)
    assert (state.at is not None) == words.endswith(" ")


@pytest.mark.django_db
@pytest.mark.parametrize("status", list(Status))
def test_an_order_that_was_asked_says_what_became_of_it(status: Status) -> None:
    action = OutgoingActionFactory(status=status, requested_by__username="ann")
    state = describe_state(action.order, "", action, at=timezone.now())
    assert state.tone == TONES[status]
    expected = {
        Status.QUEUED: "Waiting for its turn",
        Status.SENDING: "Sending",
        Status.SENT: "Sent ",
        Status.REFUSED: "Refused by Amazon",
    }.get(status)
    assert expected is None or state.before == expected
    assert not str(state).endswith(" ")
    if status == Status.SENT:
        assert str(state).endswith(" by ann")


@pytest.mark.django_db
def test_what_waits_says_when_it_leaves_and_when_it_is_looked_at() -> None:
    at = timezone.now()
    held_back = OutgoingActionFactory(not_before=at + timedelta(seconds=8), look_at=at)
    assert describe_state(held_back.order, "", held_back, at=at).before == "Waiting: leaves "
    later = OutgoingActionFactory(look_at=at + timedelta(hours=20))
    state = describe_state(later.order, "", later, at=at)
    assert (state.before, state.at) == ("Waiting: next look ", later.look_at)


@pytest.mark.django_db
def test_what_amazon_did_not_offer_is_not_said_to_leave_tomorrow() -> None:
    at = timezone.now()
    next_look_at = at + timedelta(hours=20)
    postponed = OutgoingActionFactory(not_before=next_look_at, look_at=next_look_at)
    state = describe_state(postponed.order, "", postponed, at=at)
    assert (state.before, state.at) == ("Waiting: next look ", next_look_at)


@pytest.mark.django_db
def test_amazons_reason_is_the_answer() -> None:
    action = OutgoingActionFactory(
        status=Status.REFUSED, reason="Refused: a review was already requested"
    )
    action = OutgoingAction.objects.select_related("account").get(pk=action.pk)
    words = str(describe_state(action.order, "", action, at=timezone.now()))
    assert words == "Refused: a review was already requested"
