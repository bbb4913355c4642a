"""What a person decides of what nobody knows: allowed steps only, once, and on the record."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections

from audit.models import AuditEvent, AuditKind
from messaging import decisions
from messaging.decisions import (
    DECIDABLE,
    Choice,
    Decision,
    DecisionRefusedError,
    choices_for,
    decide,
    last_step,
    send_again_at,
)
from messaging.models import ActionAttempt, OutgoingAction, Priority
from messaging.services import NotAllowedError
from messaging.states import Status, may_follow
from messaging.stopping import pause_sending
from spapi import Accepted
from tests.factories import OutgoingActionFactory, UserFactory
from tests.messaging.sending import NOW, answer, claim_one, due_action, lose, status_of, steps_of

pytestmark = pytest.mark.django_db

MESSAGE = "confirmOrderDetails"
LATER = NOW + timedelta(minutes=20)


@pytest.fixture
def ann() -> User:
    person: User = UserFactory(username="ann")
    return person


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The accounts whose lanes were woken."""
    ids: list[int] = []
    monkeypatch.setattr(decisions, "wake_lanes_on_commit", ids.extend)
    return ids


def lost(kind: str = "", **fields: object) -> OutgoingAction:
    """An action that left at NOW and of which nobody knows; `kind` makes it a message."""
    action = due_action(**fields)
    lose(action)
    if kind:
        OutgoingAction.objects.filter(pk=action.pk).update(kind=kind, api="messaging")
    action.refresh_from_db()
    return action


def again(action: OutgoingAction, **fields: object) -> Decision:
    facts: dict[str, object] = {
        "choice": Choice.AGAIN,
        "reason": "Not in the thread",
        "order_number": action.order.amazon_order_id,
    }
    return Decision(**(facts | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["", MESSAGE])
def test_what_somebody_saw_is_sent_with_their_name_as_evidence(kind: str, ann: User) -> None:
    action = lost(kind)
    decide(action, Decision(Choice.SEEN, "It is in the thread"), user=ann, at=LATER)
    action.refresh_from_db()
    assert (action.status, action.status_at) == (Status.SENT, LATER)
    assert (action.seen_by, action.sent_attempt) == (ann, None)
    step = last_step(action)
    assert step is not None
    assert (step.user, step.before, step.reason) == (ann, "unconfirmed", "It is in the thread")
    event = AuditEvent.objects.get(kind=AuditKind.DECIDED)
    assert (event.user, event.account_id) == (ann, action.account_id)
    assert event.subject == action.order.amazon_order_id
    assert event.detail == {
        "action": action.pk,
        "before": "unconfirmed",
        "decision": "seen",
        "reason": "It is in the thread",
    }
    action.order.refresh_from_db()
    assert action.order.solicitation == (Status.UNCONFIRMED if kind else Status.SENT)


def test_what_is_left_is_not_known_until_somebody_sees_it(ann: User) -> None:
    action = lost(MESSAGE)
    decide(action, Decision(Choice.LEAVE, "Too long ago"), user=ann, at=LATER)
    assert status_of(action) == Status.UNRESOLVED
    decide(action, Decision(Choice.SEEN, "There it is"), user=ann, at=LATER)
    assert steps_of(action) == ["queued", "sending", "unconfirmed", "unresolved", "sent"]


def test_a_message_is_sent_again_by_a_named_person(ann: User, woken: list[int]) -> None:
    action = lost(MESSAGE)
    OutgoingAction.objects.update(stop_asked_by=UserFactory(), priority=Priority.RULE)
    decide(action, again(action), user=ann, at=LATER)
    action.refresh_from_db()
    assert (action.status, action.not_before, action.look_at) == (Status.QUEUED, LATER, LATER)
    assert (action.priority, action.stop_asked_by) == (Priority.CLICK, None)
    assert action.requested_by != ann
    assert woken == [action.account_id]
    step = last_step(action)
    assert step is not None
    assert (step.user, step.after) == (ann, Status.QUEUED)


def test_it_waits_on_hold_when_its_account_may_not_send(ann: User, woken: list[int]) -> None:
    action = lost(MESSAGE)
    pause_sending(action.account, user=ann, at=NOW)
    decide(action, again(action), user=ann, at=LATER)
    assert steps_of(action) == ["queued", "sending", "unconfirmed", "queued", "held"]


def test_an_order_number_is_typed_as_people_type_it(ann: User, woken: list[int]) -> None:
    action = lost(MESSAGE)
    typed = f" {action.order.amazon_order_id.replace('-', ' - ')} "
    decide(action, again(action, order_number=typed), user=ann, at=LATER)
    assert status_of(action) == Status.QUEUED


@pytest.mark.parametrize("typed", ["", "302-1234567-7654321", "yes"])
def test_a_wrong_order_number_sends_nothing(typed: str, ann: User) -> None:
    action = lost(MESSAGE)
    with pytest.raises(DecisionRefusedError, match="Type the number of this order") as refused:
        decide(action, again(action, order_number=typed), user=ann, at=LATER)
    assert refused.value.field == "order_number"
    assert status_of(action) == Status.UNCONFIRMED


def test_it_is_sent_again_a_quarter_of_an_hour_after_the_attempt_ended(
    ann: User, woken: list[int]
) -> None:
    action = lost(MESSAGE)
    assert send_again_at(action) == NOW + timedelta(minutes=15)
    with pytest.raises(DecisionRefusedError, match=r"15 minutes .* in 6 min") as refused:
        decide(action, again(action), user=ann, at=NOW + timedelta(minutes=9, seconds=30))
    assert refused.value.field == "choice"
    with pytest.raises(DecisionRefusedError, match="in 1 min"):
        decide(action, again(action), user=ann, at=NOW + timedelta(minutes=14, seconds=59.9))
    assert status_of(action) == Status.UNCONFIRMED
    decide(action, again(action), user=ann, at=NOW + timedelta(minutes=15))
    assert status_of(action) == Status.QUEUED


def test_what_was_given_up_counts_from_then(ann: User) -> None:
    action = due_action()
    claimed = claim_one(action)
    given_up = NOW + timedelta(minutes=3)
    ActionAttempt.objects.filter(pk=claimed.attempt_id).update(abandoned_at=given_up)
    assert send_again_at(action) == given_up + timedelta(minutes=15)


def test_nothing_is_sent_again_after_its_time(ann: User) -> None:
    action = lost(MESSAGE, not_after=LATER)
    with pytest.raises(DecisionRefusedError, match="Too late"):
        decide(action, again(action), user=ann, at=LATER + timedelta(seconds=1))
    assert status_of(action) == Status.UNCONFIRMED


def test_a_decision_needs_a_reason(ann: User) -> None:
    action = lost()
    with pytest.raises(DecisionRefusedError, match="Say why") as refused:
        decide(action, Decision(Choice.SEEN, ""), user=ann, at=LATER)
    assert refused.value.field == "reason"
    assert status_of(action) == Status.UNCONFIRMED


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("kind", ["", MESSAGE])
def test_only_steps_of_the_machine_are_offered(status: Status, kind: str) -> None:
    action = OutgoingActionFactory(status=status)
    if kind:
        action.kind = kind
    choices = choices_for(action)
    after = {Choice.SEEN: Status.SENT, Choice.AGAIN: Status.QUEUED, Choice.LEAVE: Status.UNRESOLVED}
    assert all(may_follow(status, after[choice]) for choice in choices)
    assert bool(choices) == (status in DECIDABLE)
    assert (Choice.AGAIN in choices) == (status == Status.UNCONFIRMED and bool(kind))
    if not choices:
        with pytest.raises(NotAllowedError):
            decide(action, Decision(Choice.SEEN, "x"), user=UserFactory(), at=LATER)


def test_a_solicitation_is_never_sent_again_on_a_persons_word(ann: User) -> None:
    action = lost()
    with pytest.raises(NotAllowedError):
        decide(action, again(action), user=ann, at=LATER)
    assert status_of(action) == Status.UNCONFIRMED


def test_the_second_sees_what_the_first_decided(ann: User) -> None:
    action = lost(MESSAGE)
    decide(action, Decision(Choice.LEAVE, "Old"), user=ann, at=LATER)
    with pytest.raises(NotAllowedError, match="ann was sooner: it is “Not known” now"):
        decide(action, Decision(Choice.LEAVE, "Old"), user=UserFactory(), at=LATER)
    decide(action, Decision(Choice.SEEN, "There"), user=ann, at=LATER)
    with pytest.raises(NotAllowedError, match="ann was sooner: it is “Sent” now"):
        decide(action, again(action), user=UserFactory(), at=LATER)
    assert AuditEvent.objects.filter(kind=AuditKind.DECIDED).count() == 2


def test_a_decision_on_what_has_moved_since_is_not_taken(ann: User) -> None:
    """Seen after its first attempt; by now it has left a second time."""
    action = lost()
    step = last_step(action)
    assert step is not None
    OutgoingAction.objects.filter(pk=action.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=NOW, look_at=NOW, not_before=NOW
    )
    lose(action)
    stale = Decision(Choice.SEEN, "It is there", seen_step=step.pk)
    with pytest.raises(NotAllowedError, match="It has changed since you looked"):
        decide(action, stale, user=ann, at=LATER)
    newest = last_step(action)
    assert newest is not None
    decide(action, Decision(Choice.SEEN, "There", seen_step=newest.pk), user=ann, at=LATER)
    assert status_of(action) == Status.SENT


def test_a_double_click_decides_once(ann: User, woken: list[int]) -> None:
    action = lost(MESSAGE)
    step = last_step(action)
    assert step is not None
    for _click in range(2):
        decide(action, again(action, seen_step=step.pk), user=ann, at=LATER)
    assert steps_of(action)[-2:] == ["unconfirmed", "queued"]
    assert AuditEvent.objects.filter(kind=AuditKind.DECIDED).count() == 1


def test_amazons_late_answer_is_a_fact_after_any_decision(ann: User, woken: list[int]) -> None:
    """The answer of a worker that was given up comes after the decision."""
    for choice in (Choice.SEEN, Choice.AGAIN, Choice.LEAVE):
        action = due_action()
        claimed = claim_one(action)
        ActionAttempt.objects.filter(pk=claimed.attempt_id).update(abandoned_at=NOW)
        OutgoingAction.objects.filter(pk=action.pk).transition(
            Status.SENDING, Status.UNCONFIRMED, at=NOW, lease_until=None
        )
        OutgoingAction.objects.filter(pk=action.pk).update(kind=MESSAGE)
        action.refresh_from_db()
        decide(action, again(action, choice=choice), user=ann, at=LATER)
        answer(claimed, Accepted(201, request_id="late", body="{}"), LATER)
        assert status_of(action) == Status.SENT


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_decides() -> None:
    """Each has the page open; both click in the same moment."""
    action = lost(MESSAGE)
    step = last_step(action)
    people = [UserFactory(username=name) for name in ("ann", "bob")]
    choices = (Choice.SEEN, Choice.LEAVE)
    start = threading.Barrier(2)
    told: dict[str, str] = {}

    def click(person: User, choice: Choice) -> None:
        decision = Decision(choice, "Because", seen_step=step.pk if step else 0)
        start.wait(10)
        try:
            decide(action, decision, user=person, at=LATER)
            told[person.username] = "done"
        except NotAllowedError as error:
            told[person.username] = str(error)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=click, args=pair) for pair in zip(people, choices, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    (first,) = [name for name, words in told.items() if words == "done"]
    (second,) = [words for words in told.values() if words != "done"]
    assert second.startswith(f"{first} was sooner: ")
    assert AuditEvent.objects.filter(kind=AuditKind.DECIDED).count() == 1
    assert len(steps_of(action)) == 4
