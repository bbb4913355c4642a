"""One request by a click: made once, refused with a sentence, undone, stopped, tried again."""

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from audit.models import AuditEvent
from messaging.models import Batch, Origin, OutgoingAction, Priority
from messaging.services import (
    NotAllowedError,
    already_asked_sentence,
    cancel_action,
    request_review,
    request_reviews,
    retry_action,
    stop_batch,
)
from messaging.states import OPEN, STOPPABLE, TAKEN, Status
from orders.models import Order
from orders.refusals import explain_refusal
from orders.states import Refusal
from tests.factories import (
    DAY,
    BatchFactory,
    KillSwitchFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.messaging.sending import NOW, due_action, due_order, status_of, steps_of

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def test_a_request_waits_for_the_end_of_its_hold(settings: Settings) -> None:
    settings.SEND_HOLD_SECONDS = 10
    order, ann = due_order(), UserFactory(username="ann")
    action = request_review(order, user=ann, at=NOW)
    assert (action.status, action.priority) == (Status.QUEUED, Priority.CLICK)
    assert (action.not_before, action.not_after) == (NOW + 10 * SECOND, NOW + 20 * DAY)
    assert action.look_at == NOW
    assert (action.requested_by, action.account) == (ann, order.account)
    order.refresh_from_db()
    assert (order.solicitation, order.solicitation_at) == ("queued", NOW)
    assert steps_of(action) == ["queued"]
    assert action.requested_by == ann
    event = AuditEvent.objects.get()
    assert (event.kind, event.user, event.subject) == ("requested", ann, order.amazon_order_id)
    assert event.account_id == order.account_id


def test_a_long_hold_is_not_spent_on_looks_that_would_be_stale(settings: Settings) -> None:
    settings.SEND_HOLD_SECONDS = 3600
    action = request_review(due_order(), user=UserFactory(), at=NOW)
    assert action.look_at == action.not_before - 30 * SECOND


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"is_refunded": True}, "The order was refunded."),
    ({"is_excluded": True}, "The order is on the list of exclusions."),
    ({"fulfillment_status": "UNSHIPPED"}, "Not shipped yet: Amazon says “Not shipped”."),
    ({"earliest_delivery_at": None, "latest_delivery_at": None}, "cannot be estimated yet"),
    ({"earliest_delivery_at": NOW - 2 * DAY}, "Can be asked from 13 Mar 2026 12:00 UTC."),
    (
        {"earliest_delivery_at": NOW - 40 * DAY, "latest_delivery_at": NOW - 31 * DAY},
        "The window closed on 9 Mar 2026 12:00 UTC.",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), REFUSED, ids=[text for _, text in REFUSED])
def test_an_order_that_our_rules_refuse_is_not_asked_and_the_reason_is_said(
    fields: dict[str, Any], sentence: str
) -> None:
    if "latest_delivery_at" not in fields and "earliest_delivery_at" in fields:
        fields = fields | {"latest_delivery_at": NOW}
    order = due_order(**fields)
    with pytest.raises(NotAllowedError, match=sentence.replace(".", r"\.")):
        request_review(order, user=UserFactory(), at=NOW)
    assert not OutgoingAction.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("status", sorted(TAKEN))
def test_an_order_that_was_asked_already_is_not_asked_again(status: Status) -> None:
    action = due_action(status=status, requested_by=UserFactory(username="ann"))
    with pytest.raises(NotAllowedError, match="ann queued this 1 min ago"):
        request_review(action.order, user=UserFactory(), at=NOW)
    assert OutgoingAction.objects.count() == 1


@pytest.mark.parametrize("status", sorted(set(Status) - TAKEN))
def test_an_order_may_be_asked_after_what_was_cancelled_or_expired(status: Status) -> None:
    old = due_action(status=status)
    action = request_review(old.order, user=UserFactory(), at=NOW)
    assert (status_of(old), action.status) == (status, Status.QUEUED)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=2), "2 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=2, seconds=59), "2 min"),
        (timedelta(hours=25), "1 d"),
        (timedelta(hours=23), "23 h"),
        (-timedelta(seconds=5), "0 s"),
    ],
)
def test_the_second_person_hears_who_was_first_and_when(age: timedelta, words: str) -> None:
    action = due_action(created_at=NOW - age, requested_by=UserFactory(username="Ann"))
    assert already_asked_sentence(action.order, at=NOW) == f"Ann queued this {words} ago."


def test_a_rule_has_no_name() -> None:
    action = due_action(requested_by=None)
    assert already_asked_sentence(action.order, at=NOW) == "A rule queued this 1 min ago."


def test_a_form_sent_twice_makes_one_action() -> None:
    order, ann, key = due_order(), UserFactory(), uuid.uuid4()
    first = request_review(order, user=ann, at=NOW, client_key=key)
    second = request_review(order, user=ann, at=NOW + SECOND, client_key=key)
    assert first == second
    assert AuditEvent.objects.count() == 1


def test_a_form_sent_twice_finds_its_action_whatever_has_become_of_it() -> None:
    order, ann, key = due_order(), UserFactory(), uuid.uuid4()
    first = request_review(order, user=ann, at=NOW, client_key=key)
    cancel_action(first, user=ann, at=NOW)
    assert request_review(order, user=ann, at=NOW, client_key=key) == first
    assert OutgoingAction.objects.count() == 1


def test_a_form_is_good_for_its_person_and_its_order_alone() -> None:
    order, ann, key = due_order(), UserFactory(), uuid.uuid4()
    request_review(order, user=ann, at=NOW, client_key=key)
    for other_order, user in ((order, UserFactory()), (due_order(), ann)):
        with pytest.raises(NotAllowedError, match="made for somebody else"):
            request_review(other_order, user=user, at=NOW, client_key=key)
    assert OutgoingAction.objects.count() == 1


def test_a_request_for_an_account_that_may_not_send_is_on_hold_at_once() -> None:
    paused = due_order(account=SellerAccountFactory(paused=True))
    action = request_review(paused, user=UserFactory(), at=NOW)
    assert action.status == Status.HELD
    KillSwitchFactory()
    assert request_review(due_order(), user=UserFactory(), at=NOW).status == Status.HELD


def test_the_lane_is_woken_after_the_commit_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    woken: list[list[int]] = []
    monkeypatch.setattr("messaging.hints.wake_lanes", woken.append)
    order = due_order()
    with django_capture_on_commit_callbacks(execute=True):
        request_review(order, user=UserFactory(), at=NOW)
        assert woken == []
    assert woken == [[order.account_id]]


# Stop, cancel, retry


@pytest.mark.parametrize("status", list(Status))
def test_only_what_has_not_left_can_be_cancelled(status: Status) -> None:
    action, ann = due_action(status=status), UserFactory(username="ann")
    if status in STOPPABLE:
        cancel_action(action, user=ann, at=NOW)
        action.refresh_from_db()
        assert (action.status, action.reason) == (Status.CANCELLED, "Cancelled by ann")
        assert action.events.get(after=Status.CANCELLED).user == ann
        assert AuditEvent.objects.get().kind == "cancelled"
        assert Order.objects.get().solicitation == ""
    else:
        with pytest.raises(NotAllowedError, match="Too late to cancel"):
            cancel_action(action, user=ann, at=NOW)
        assert status_of(action) == status
        assert not AuditEvent.objects.exists()


def test_stopping_a_batch_stops_what_has_not_left_and_nothing_else() -> None:
    batch, ann = BatchFactory(), UserFactory(username="ann")
    account = SellerAccountFactory()
    actions = {
        status: due_action(order=due_order(account=account), batch=batch, status=status)
        for status in Status
    }
    outside = due_action(order=due_order(account=account))
    assert stop_batch(batch, user=ann, at=NOW, account_ids=[account.pk]) == 2
    for status, action in actions.items():
        expected = Status.CANCELLED if status in STOPPABLE else status
        assert status_of(action) == expected
    assert status_of(outside) == Status.QUEUED
    batch.refresh_from_db()
    assert (batch.stopped_by, batch.stopped_at) == (ann, NOW)
    event = AuditEvent.objects.get()
    assert (event.kind, event.subject, event.detail) == (
        "cancelled",
        f"Batch {batch.pk}",
        {"stopped": 2},
    )
    marked = OutgoingAction.objects.filter(stop_asked_by=ann)
    assert set(marked.values_list("status", flat=True)) == OPEN - STOPPABLE


def test_stopping_a_batch_leaves_the_accounts_that_the_person_may_not_touch() -> None:
    batch = BatchFactory()
    mine, foreign = due_action(batch=batch), due_action(batch=batch)
    assert stop_batch(batch, user=UserFactory(), at=NOW, account_ids=[mine.account_id]) == 1
    assert [status_of(one) for one in (mine, foreign)] == ["cancelled", "queued"]


def test_a_batch_stopped_twice_remembers_the_first() -> None:
    action = due_action(batch=BatchFactory())
    first, second = UserFactory.create_batch(2)
    ids = [action.account_id]
    assert stop_batch(action.batch, user=first, at=NOW, account_ids=ids) == 1
    assert stop_batch(action.batch, user=second, at=NOW + SECOND, account_ids=ids) == 0
    batch = Batch.objects.get()
    assert (batch.stopped_by, batch.stopped_at) == (first, NOW)


def test_a_batch_of_which_all_is_sent_is_not_called_stopped() -> None:
    action = due_action(batch=BatchFactory(), status=Status.SENT)
    ids = [action.account_id]
    assert stop_batch(action.batch, user=UserFactory(), at=NOW, account_ids=ids) == 0
    batch = Batch.objects.get()
    assert (batch.stopped_by, batch.stopped_at) == (None, None)


def test_what_the_command_line_asked_is_not_called_a_rules() -> None:
    order = due_order()
    key = uuid.uuid4()
    request_reviews(Order.objects.all(), user=None, at=NOW, client_key=key, origin=Origin.COMMAND)
    sentence = already_asked_sentence(order, at=NOW + SECOND)
    assert sentence == "The command line queued this 1 s ago."


def test_undo_before_the_hold_is_over_lets_the_orders_be_asked_again() -> None:
    orders = [due_order() for _ in range(3)]
    chosen, ann = Order.objects.all(), UserFactory()
    batch = request_reviews(chosen, user=ann, at=NOW, client_key=uuid.uuid4())
    ids = [order.account_id for order in orders]
    assert stop_batch(batch, user=ann, at=NOW + SECOND, account_ids=ids) == 3
    again = request_reviews(chosen, user=ann, at=NOW + 2 * SECOND, client_key=uuid.uuid4())
    assert (again.queued, again.skipped) == (3, {})


@pytest.mark.parametrize("status", list(Status))
def test_only_a_refused_request_can_be_tried_again(status: Status) -> None:
    action, ann = due_action(status=status), UserFactory(username="ann")
    if status == Status.REFUSED:
        OutgoingAction.objects.update(stop_asked_by=ann)
        retry_action(action, user=ann, at=NOW)
        action.refresh_from_db()
        assert (action.status, action.reason) == (Status.QUEUED, "Tried again by ann")
        assert (action.look_at, action.not_before) == (NOW, NOW)
        assert (action.priority, action.stop_asked_by) == (Priority.CLICK, None)
        assert AuditEvent.objects.get().kind == "retried"
    else:
        with pytest.raises(NotAllowedError, match="Only a refused request"):
            retry_action(action, user=ann, at=NOW)
        assert status_of(action) == status
        assert not AuditEvent.objects.exists()


def test_a_refused_request_of_an_order_that_changed_is_not_tried_again() -> None:
    action = due_action(status=Status.REFUSED)
    Order.objects.update(is_returned=True)
    with pytest.raises(NotAllowedError, match=r"The order was returned\."):
        retry_action(action, user=UserFactory(), at=NOW)
    assert status_of(action) == Status.REFUSED


def test_what_is_tried_again_for_a_paused_account_is_on_hold() -> None:
    order = due_order(account=SellerAccountFactory(paused=True))
    action = due_action(order=order, status=Status.REFUSED)
    retry_action(action, user=UserFactory(), at=NOW)
    assert status_of(action) == Status.HELD


# At once


def at_once(*calls: Any) -> list[Any]:
    """All calls begin at the same moment, each on a connection of its own; their results or errors."""
    results: list[Any] = [None] * len(calls)
    start = threading.Barrier(len(calls))

    def run(index: int) -> None:
        try:
            start.wait(30)
            results[index] = calls[index]()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def clicks(order: Order, *people: User, key: uuid.UUID | None = None) -> list[Any]:
    return at_once(
        *(lambda ann=ann: request_review(order, user=ann, at=NOW, client_key=key) for ann in people)
    )


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_one_asks_and_the_other_hears_of_it() -> None:
    order = due_order()
    results = clicks(order, UserFactory(username="ann"), UserFactory(username="bob"))
    (made,) = [one for one in results if isinstance(one, OutgoingAction)]
    (refused,) = [one for one in results if isinstance(one, NotAllowedError)]
    assert str(refused) == f"{made.requested_by} queued this 0 s ago."
    assert OutgoingAction.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_whose_halves_come_at_once_makes_one_action_and_no_complaint() -> None:
    order, ann = due_order(), UserFactory()
    results = clicks(order, ann, ann, ann, key=uuid.uuid4())
    assert results == [OutgoingAction.objects.get()] * 3


def test_the_sentences_know_every_refusal() -> None:
    order = due_order()
    assert all(explain_refusal(order, refusal) for refusal in Refusal)
