"""What the database itself refuses of actions and attempts, whoever writes."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from messaging.action_types import ACTION_TYPES, ActionType, Api
from messaging.models import ActionAttempt, OutgoingAction
from messaging.states import OPEN, TAKEN, Status
from tests.factories import (
    ActionAttemptFactory,
    BatchFactory,
    OrderFactory,
    OutgoingActionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def raw_update(action: OutgoingAction, assignment: str) -> None:
    """Changes the row behind the back of the models."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE messaging_outgoingaction SET {assignment} WHERE id = %s", [action.pk]
        )


@pytest.mark.parametrize("status", sorted(TAKEN))
def test_an_order_has_one_solicitation_that_counts(status: Status) -> None:
    order = OrderFactory()
    OutgoingActionFactory(order=order, status=status)
    with pytest.raises(IntegrityError), transaction.atomic():
        OutgoingActionFactory(order=order)


@pytest.mark.parametrize("status", sorted(set(Status) - TAKEN))
def test_after_a_cancelled_or_expired_one_another_may_be_made(status: Status) -> None:
    order = OrderFactory()
    OutgoingActionFactory(order=order, status=status)
    OutgoingActionFactory(order=order)
    assert OutgoingAction.objects.filter(order=order, status__in=OPEN).count() == 1


def test_a_cancelled_one_cannot_come_back_beside_a_new_one() -> None:
    order = OrderFactory()
    old = OutgoingActionFactory(order=order, status=Status.CANCELLED)
    OutgoingActionFactory(order=order)
    with pytest.raises(IntegrityError):
        raw_update(old, "status = 'queued'")


@pytest.fixture
def message(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What makes an action a message; no kind of message exists yet."""
    kind = ActionType("unexpectedProblem", Api.MESSAGING, "Message", "look", "send", "a test")
    monkeypatch.setitem(ACTION_TYPES, kind.name, kind)
    return {
        "order": OrderFactory(),
        "kind": kind.name,
        "api": kind.api,
        "payload_hash": "one",
    }


def test_another_kind_is_no_second_solicitation(message: dict[str, Any]) -> None:
    OutgoingActionFactory(order=message["order"])
    OutgoingActionFactory(**message)


def test_an_identical_open_message_is_refused(message: dict[str, Any]) -> None:
    OutgoingActionFactory(**message)
    OutgoingActionFactory(**{**message, "payload_hash": "another"})
    with pytest.raises(IntegrityError), transaction.atomic():
        OutgoingActionFactory(**message)


def test_an_identical_message_may_be_made_when_the_first_has_ended(message: dict[str, Any]) -> None:
    OutgoingActionFactory(**message, status=Status.SENT)
    OutgoingActionFactory(**message)


def test_sent_needs_evidence() -> None:
    action = OutgoingActionFactory()
    with pytest.raises(IntegrityError):
        raw_update(action, "status = 'sent'")
    raw_update(action, f"status = 'sent', seen_by_id = {UserFactory().pk}")


def test_sent_by_an_attempt_is_sent_with_evidence() -> None:
    action = OutgoingActionFactory()
    attempt = ActionAttemptFactory(action=action, accepted=True)
    raw_update(action, f"status = 'sent', sent_attempt_id = {attempt.pk}")


def test_the_evidence_of_what_was_sent_cannot_be_taken_away() -> None:
    action = OutgoingActionFactory(status=Status.SENT)
    with pytest.raises(IntegrityError):
        raw_update(action, "sent_attempt_id = NULL")


def test_sending_needs_a_lease() -> None:
    action = OutgoingActionFactory()
    with pytest.raises(IntegrityError):
        raw_update(action, "status = 'sending'")


def test_a_state_that_nobody_knows_is_refused() -> None:
    action = OutgoingActionFactory()
    with pytest.raises(IntegrityError):
        raw_update(action, "status = 'done'")


def test_a_form_makes_one_action_and_one_batch() -> None:
    key = uuid.uuid4()
    OutgoingActionFactory(client_key=key)
    with pytest.raises(IntegrityError), transaction.atomic():
        OutgoingActionFactory(client_key=key)
    BatchFactory(client_key=key)
    with pytest.raises(IntegrityError), transaction.atomic():
        BatchFactory(client_key=key)


def test_an_action_has_one_open_attempt() -> None:
    action = OutgoingActionFactory(status=Status.SENDING)
    with pytest.raises(IntegrityError), transaction.atomic():
        ActionAttemptFactory(action=action)


@pytest.mark.parametrize("ended", ["finished", "abandoned"])
def test_an_attempt_that_has_ended_makes_room_for_the_next(ended: str) -> None:
    action = OutgoingActionFactory(status=Status.SENDING)
    if ended == "finished":
        facts = {"finished_at": timezone.now(), "outcome": "unknown"}
    else:
        facts = {"abandoned_at": timezone.now()}
    action.attempts.update(**facts)
    assert ActionAttemptFactory(action=action).number == 2


def test_attempts_of_an_action_are_numbered_once() -> None:
    action = OutgoingActionFactory(status=Status.UNCONFIRMED)
    with pytest.raises(IntegrityError), transaction.atomic():
        ActionAttemptFactory(action=action, number=1)


def test_a_finished_attempt_says_what_is_known_of_its_effect() -> None:
    attempt = ActionAttemptFactory(action=OutgoingActionFactory())
    with pytest.raises(IntegrityError), transaction.atomic():
        ActionAttempt.objects.filter(pk=attempt.pk).update(finished_at=timezone.now())


def test_an_abandoned_attempt_can_still_take_a_late_answer_once() -> None:
    now = timezone.now()
    attempt = ActionAttemptFactory(action=OutgoingActionFactory(), abandoned_at=now)
    rows = ActionAttempt.objects.filter(pk=attempt.pk)
    rows.update(finished_at=now + timedelta(seconds=1), outcome="accepted", status_code=201)
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(status_code=500)
