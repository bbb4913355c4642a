"""Each contradiction of the records, planted alone, is one line; see `planting` for how it gets in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging.models import OutgoingAction
from messaging.services import cancel_action, request_message, request_review
from messaging.states import Status
from orders.models import Order
from tests.factories import (
    ActionAttemptFactory,
    BatchFactory,
    OrderFactory,
    OutgoingActionFactory,
    UserFactory,
)
from tests.messaging.ledgers import MESSAGE, NOW, lines, message
from tests.messaging.planting import erase, lawless, overwrite
from tests.messaging.sending import ACCEPTED, due_action, due_order, lose, send

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
THEN = NOW - 30 * MINUTE


def an_action(status: Status, **fields: object) -> OutgoingAction:
    """An action that came to this state half an hour before the check."""
    action: OutgoingAction = OutgoingActionFactory(status=status, created_at=THEN, **fields)
    if status == Status.SENDING:
        OutgoingAction.objects.filter(pk=action.pk).update(lease_until=NOW + MINUTE)
    return action


def test_two_deliveries_of_one_order() -> None:
    first = due_action(created_at=THEN)
    lose(first, THEN)
    OutgoingAction.objects.filter(pk=first.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=THEN + MINUTE
    )
    cancel_action(first, user=UserFactory(), at=THEN + 2 * MINUTE)
    second = due_action(order=first.order, created_at=THEN)
    send(second, ACCEPTED, THEN + 3 * MINUTE)
    assert lines() == []
    with lawless():
        overwrite(first.attempts.get(), outcome="accepted")
    assert lines() == [
        f"delivered_once: action {second.pk} order {first.order_id} was accepted 2 times "
        f"by Amazon, first for action {first.pk}"
    ]


def test_two_solicitations_that_stand_for_one_order() -> None:
    first = an_action(Status.SENT)
    with lawless():
        second = an_action(Status.SENT, order=first.order)
        overwrite(second, sent_attempt=first.sent_attempt_id)
        overwrite(second.attempts.get(), outcome="rejected")
        assert lines() == [
            f"one_solicitation: action {second.pk} is one of 2 that stand for order "
            f"{first.order_id}, as is {first.pk}"
        ]


def test_a_message_that_the_machine_sent_again() -> None:
    action = message(status=Status.UNCONFIRMED, created_at=THEN, order=due_order())
    OutgoingAction.objects.filter(pk=action.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=THEN
    )
    assert lines()[0].startswith("not_late")
    send(action, ACCEPTED, NOW)
    assert lines() == [
        f"message_once: action {action.pk} may have reached the buyer 2 times, "
        "with 0 of them asked for again"
    ]


@pytest.mark.parametrize("word", ["a person", "nobody"])
def test_a_message_is_sent_once_more_for_each_word(word: str) -> None:
    action = message(status=Status.UNCONFIRMED, created_at=THEN, order=due_order())
    for minute in (1, 2):
        OutgoingAction.objects.filter(pk=action.pk).transition(
            Status.UNCONFIRMED,
            Status.QUEUED,
            at=THEN + minute * MINUTE,
            user=UserFactory() if minute == 1 or word == "a person" else None,
        )
        lose(action, THEN + minute * MINUTE)
    assert len(lines()) == (word == "nobody")


def test_sent_without_a_word() -> None:
    action = an_action(Status.SENT)
    with lawless():
        overwrite(action, sent_attempt=None)
        assert lines() == [
            f"sent_has_evidence: action {action.pk} is sent without evidence: no word"
        ]
    overwrite(action, seen_by=UserFactory().pk)
    assert lines() == []


@pytest.mark.parametrize("which", ["of another order", "of another message", "not an acceptance"])
def test_sent_by_what_is_no_evidence_of_it(which: str) -> None:
    make = message if which == "of another message" else OutgoingActionFactory
    action = make(status=Status.SENT, created_at=THEN)
    order = action.order if which == "of another message" else OrderFactory()
    more = {"payload_hash": "two"} if which == "of another message" else {}
    other = make(status=Status.SENT, created_at=THEN, order=order, **more)
    attempt = action.sent_attempt_id
    with lawless():
        if which == "not an acceptance":
            overwrite(action.sent_attempt, outcome="rejected")
        else:
            attempt = other.sent_attempt_id
            overwrite(action, sent_attempt=attempt)
    assert lines() == [
        f"sent_has_evidence: action {action.pk} is sent without evidence: "
        f"attempt {attempt} is not Amazon's acceptance of it"
    ]


@pytest.mark.parametrize("make", [OutgoingActionFactory, message])
def test_accepted_and_not_sent(make: type[OutgoingActionFactory]) -> None:
    action = make(status=Status.UNCONFIRMED, created_at=THEN)
    attempt = action.attempts.get()
    with lawless():
        overwrite(attempt, outcome="accepted")
    assert lines() == [
        f"accepted_is_sent: action {action.pk} was accepted by Amazon (attempt {attempt.pk}) "
        "and is unconfirmed"
    ]


def test_another_message_that_was_sent_is_no_excuse() -> None:
    action = message(status=Status.UNCONFIRMED, created_at=THEN)
    message(status=Status.SENT, created_at=THEN, order=action.order, payload_hash="two")
    with lawless():
        overwrite(action.attempts.get(), outcome="accepted")
    assert [line.split(":")[0] for line in lines()] == ["accepted_is_sent"]


@pytest.mark.parametrize("field", ["finished_at", "abandoned_at"])
@pytest.mark.parametrize(("seconds", "is_breach"), [(5, False), (6, True)])
def test_an_attempt_that_ended_before_its_claim(field: str, seconds: int, is_breach: bool) -> None:
    action = an_action(Status.REFUSED)
    attempt = action.attempts.get()
    with lawless():
        overwrite(attempt, **{field: attempt.claimed_at - seconds * SECOND})
    said = (
        f"attempt_was_claimed: action {action.pk} attempt {attempt.pk} ended before it was claimed"
    )
    assert lines() == [said] * is_breach


def test_an_attempt_without_a_claim() -> None:
    action = an_action(Status.HELD)
    attempt = ActionAttemptFactory(action=action, rejected=True, claimed_at=THEN)
    assert lines() == [
        f"attempt_was_claimed: action {action.pk} attempt {attempt.pk} was made without a claim"
    ]


def test_a_claim_without_an_attempt() -> None:
    action = an_action(Status.REFUSED)
    claim = action.events.get(after="sending")
    with lawless():
        erase(action.attempts.get())
    assert lines() == [
        f"attempt_was_claimed: action {action.pk} was claimed (event {claim.pk}) without an attempt"
    ]


def test_two_open_attempts() -> None:
    action = an_action(Status.SENDING)
    with lawless():
        ActionAttemptFactory(action=action, claimed_at=action.attempts.get().claimed_at)
        assert lines() == [f"open_attempt: action {action.pk} has 2 open attempts"]


@pytest.mark.parametrize(("age", "is_breach"), [(29, False), (30, True)])
def test_an_open_attempt_of_what_is_not_being_sent(age: int, is_breach: bool) -> None:
    """Until the sweeper comes it may be: a late 201 of an earlier attempt moves the action on."""
    action = an_action(Status.UNCONFIRMED, status_at=NOW - age * SECOND)
    attempt = action.attempts.get()
    with lawless():
        overwrite(attempt, finished_at=None, outcome="")
    said = f"open_attempt: action {action.pk} is unconfirmed and its attempt {attempt.pk} is open"
    assert lines() == [said] * is_breach


def test_sending_without_an_open_attempt() -> None:
    action = an_action(Status.SENDING)
    overwrite(action.attempts.get(), abandoned_at=THEN)
    assert lines() == [f"open_attempt: action {action.pk} is sending without an open attempt"]


def test_a_state_without_an_event() -> None:
    action = an_action(Status.QUEUED)
    overwrite(action, status="expired")
    overwrite(action.order, solicitation="")
    assert lines() == [f"replay: action {action.pk} is expired without an event"]


def test_a_step_whose_event_is_missing() -> None:
    action = an_action(Status.PROBABLY_SENT)
    last = action.events.get(after="probably_sent")
    with lawless():
        erase(action.events.get(after="unconfirmed"))
    assert lines() == [
        f"replay: action {action.pk} event {last.pk} begins at unconfirmed, after sending"
    ]


def test_a_first_step_from_elsewhere() -> None:
    action = an_action(Status.CANCELLED)
    event = action.events.get()
    with lawless():
        overwrite(event, before="held")
    assert lines() == [f"replay: action {action.pk} event {event.pk} begins at held, after queued"]


def test_a_step_that_nothing_may_take() -> None:
    action = an_action(Status.CANCELLED)
    event = action.events.get()
    with lawless():
        overwrite(event, after="refused")
        overwrite(action, status="refused")
    overwrite(action.order, solicitation="refused")
    assert lines() == [
        f"replay: action {action.pk} event {event.pk} goes from queued to refused, "
        "which nothing may"
    ]


def test_events_that_end_elsewhere() -> None:
    action = an_action(Status.REFUSED)
    last = action.events.get(after="refused")
    overwrite(action, status="unresolved")
    overwrite(action.order, solicitation="unresolved")
    assert lines() == [
        f"replay: action {action.pk} its events end at refused (event {last.pk}), "
        "and it is unresolved"
    ]


@pytest.mark.parametrize(("told", "words"), [("sent", "sent"), ("", "nothing")])
def test_an_order_that_says_otherwise(told: str, words: str) -> None:
    action = an_action(Status.REFUSED)
    overwrite(action.order, solicitation=told)
    assert lines() == [
        f"order_mark: action {action.pk} is refused, and order {action.order_id} says {words}"
    ]


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.EXPIRED])
def test_an_order_that_says_what_nothing_stands_for(status: Status) -> None:
    action = an_action(status)
    overwrite(action.order, solicitation="sent")
    assert lines() == [
        f"order_mark: order {action.order_id} says sent, and no solicitation stands for it"
    ]


def test_a_message_leaves_no_mark_on_its_order() -> None:
    message(status=Status.SENT, created_at=THEN)
    assert lines() == []


def test_a_batch_of_which_an_action_is_gone() -> None:
    batch = BatchFactory(queued=2)
    gone, _stays = (an_action(Status.HELD, batch=batch) for _ in range(2))
    assert lines() == []
    with lawless():
        gone.events.all()._raw_delete("default")
        erase(gone)
    overwrite(gone.order, solicitation="")
    assert lines() == [f"nothing_lost: batch {batch.pk} made 2 actions, and 1 are there"]


def test_a_request_that_the_audit_trail_tells_of_and_that_is_gone() -> None:
    order: Order = due_order()
    action = request_review(order, user=UserFactory(), at=NOW)
    assert lines() == []
    with lawless():
        erase(action)
    overwrite(order, solicitation="")
    (line,) = lines()
    assert line.startswith(
        f"nothing_lost: order {order.amazon_order_id} was asked for (audit event"
    )
    assert line.endswith("), and has no action")


def test_a_message_that_the_audit_trail_tells_of_and_that_is_gone() -> None:
    order: Order = due_order()
    request_review(order, user=UserFactory(), at=NOW)
    words = {"text": "Which engraving?"}
    written = request_message(order, MESSAGE, words, user=UserFactory(), at=NOW)
    assert lines() == []
    with lawless():
        erase(written)
    (line,) = lines()
    assert line.startswith(f"nothing_lost: order {order.amazon_order_id} was asked for")


def test_a_state_that_nobody_counts() -> None:
    action = an_action(Status.HELD)
    with lawless():
        overwrite(action, status="lost")
        overwrite(action.events.get(), after="lost")
        overwrite(action.order, solicitation="")
        assert lines() == [
            f"replay: action {action.pk} event {action.events.get().pk} goes from queued to lost, "
            "which nothing may",
            f"nothing_lost: action {action.pk} is in no known state: lost",
        ]
        # so that the constraints can stand again
        overwrite(action, status="held")
