"""A message goes the way of a solicitation, up to the point where its answer is lost."""

from collections.abc import Callable
from datetime import timedelta

import pytest

import spapi
from messaging.delivery import claim, sweep, take_up
from messaging.looks import Look, record_looks, record_watched
from messaging.models import OutgoingAction
from messaging.services import NotAllowedError, request_message, request_review
from messaging.states import OPEN, WATCHED, Status
from orders.models import Order
from orders.states import FulfillmentStatus
from sellers.models import Connection
from spapi import ActionLink, NoAnswer, OfferedActions, SpApiError
from tests.factories import DAY, KillSwitchFactory, UserFactory
from tests.messaging.sending import (
    ABSENT,
    ACCEPTED,
    MESSAGE_OFFERED,
    NOW,
    OFFERED,
    answer,
    check_records,
    claim_one,
    due_action,
    due_message,
    due_order,
    job_of,
    lose,
    send,
    status_of,
    steps_of,
    take_up_all,
)

pytestmark = pytest.mark.django_db
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def test_each_api_takes_up_its_own_with_what_is_to_be_sent() -> None:
    review = due_action()
    message = due_message("Which engraving?", order=review.order)
    (job,) = take_up_all(message)
    assert (job.action_id, job.payload) == (message.pk, {"text": "Which engraving?"})
    (other,) = take_up_all(review)
    assert (other.action_id, other.payload) == (review.pk, {})


def test_both_kinds_for_one_order_are_claimed_together_and_each_is_sent() -> None:
    review = due_action()
    messages = [due_message(text, order=review.order) for text in ("Which size?", "Which colour?")]
    jobs = [job_of(one) for one in (review, *messages)]
    claimed = claim(jobs, now=NOW, worker="test:1")
    assert [one.job.action_id for one in claimed] == [job.action_id for job in jobs]
    for one in claimed:
        answer(one, ACCEPTED, NOW + SECOND)
    check_records([review, *messages])
    assert {status_of(one) for one in (review, *messages)} == {Status.SENT}


# What becomes of a message that waits when its order changes, and of a review request.
CHANGES: list[tuple[dict[str, object], str, str]] = [
    ({"is_cancelled": True}, "cancelled", "cancelled"),
    ({"is_excluded": True}, "cancelled", "cancelled"),
    ({"is_sold_on_amazon": False}, "cancelled", "cancelled"),
    ({"is_returned": True}, "queued", "cancelled"),
    ({"is_refunded": True}, "queued", "cancelled"),
    ({"fulfillment_status": FulfillmentStatus.UNSHIPPED}, "queued", "queued"),
]


@pytest.mark.parametrize(("facts", "message_becomes", "review_becomes"), CHANGES, ids=str)
def test_an_order_that_changes_stops_each_kind_by_its_own_rules(
    facts: dict[str, object], message_becomes: str, review_becomes: str
) -> None:
    review = due_action()
    message = due_message(order=review.order)
    ready = due_message("Looked at already", order=review.order)
    Order.objects.filter(pk=review.order_id).update(**facts)
    claimed = claim([job_of(ready)], now=NOW, worker="test:1")
    assert len(claimed) == (1 if message_becomes == "queued" else 0)
    taken = [job.action_id for action in (message, review) for job in take_up_all(action)]
    waiting = [message.pk] if message_becomes == "queued" else []
    assert [pk for pk in taken if pk != ready.pk] == waiting
    assert (status_of(message), status_of(review)) == (message_becomes, review_becomes)


def test_what_stopped_a_message_is_said() -> None:
    message = due_message(order__is_excluded=True)
    assert take_up_all(message) == []
    message.refresh_from_db()
    assert message.reason == "Not sent, the order has changed: excluded"
    assert steps_of(message) == ["queued", "cancelled"]


PREVENTIONS: dict[str, Callable[[OutgoingAction], object]] = {
    "everything stopped": lambda one: KillSwitchFactory(),
    "kind stopped": lambda one: KillSwitchFactory(kind=one.kind),
    "hold not over": lambda one: OutgoingAction.objects.update(not_before=NOW + SECOND),
    "window over": lambda one: OutgoingAction.objects.update(not_after=NOW - SECOND),
    "stopped by a person": lambda one: OutgoingAction.objects.update(stop_asked_by=UserFactory()),
    "order excluded": lambda one: Order.objects.update(is_excluded=True),
}


@pytest.mark.parametrize("prevent", PREVENTIONS.values(), ids=list(PREVENTIONS))
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a review request"])
def test_a_message_that_may_not_leave_is_not_claimed(
    prevent: Callable[[OutgoingAction], object], beside: bool
) -> None:
    message = due_message()
    jobs = [job_of(message), *([job_of(due_action(account=message.account))] if beside else [])]
    prevent(message)
    claimed = claim(jobs, now=NOW, worker="test:1")
    assert message.pk not in {one.job.action_id for one in claimed}
    assert status_of(message) == Status.QUEUED
    assert not message.attempts.exists()


def test_a_stop_of_messages_lets_review_requests_go() -> None:
    message, review = due_message(), due_action()
    KillSwitchFactory(kind=message.kind)
    claimed = claim([job_of(message), job_of(review)], now=NOW, worker="test:1")
    assert [one.job.action_id for one in claimed] == [review.pk]


# Looks before it leaves


def a_look(action: OutgoingAction, said: OfferedActions | SpApiError, now=NOW) -> Look:
    return Look(job_of(action), said, now)


def test_a_message_that_is_offered_is_ready_and_the_order_is_not_marked() -> None:
    message = due_message()
    (job,) = record_looks([a_look(message, MESSAGE_OFFERED)], now=NOW)
    assert job.action_id == message.pk
    message.order.refresh_from_db()
    assert (message.order.offer_checked_at, message.order.is_offered) == (None, None)


@pytest.mark.parametrize(
    "said",
    [
        ABSENT,
        OFFERED,
        OfferedActions((ActionLink(name="confirmOrderDetails", disabled=True),), well_formed=True),
    ],
    ids=["nothing", "something else", "disabled"],
)
def test_a_message_that_is_not_offered_is_asked_about_the_next_day(said: OfferedActions) -> None:
    message = due_message()
    assert record_looks([a_look(message, said)], now=NOW) == []
    message.refresh_from_db()
    assert message.status == Status.QUEUED
    assert NOW + 20 * HOUR <= message.look_at == message.not_before <= NOW + 28 * HOUR
    assert "does not offer it yet" in message.reason
    message.order.refresh_from_db()
    assert message.order.is_offered is None


def test_a_message_that_was_never_offered_expires_with_its_window() -> None:
    message = due_message(not_after=NOW + DAY)
    sweep(NOW + DAY)
    assert status_of(message) == Status.QUEUED
    sweep(NOW + DAY + SECOND)
    assert status_of(message) == Status.EXPIRED


# What is known of it after it left


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (ACCEPTED, Status.SENT),
        (spapi.InvalidCombination("Invalid amazonOrderId and template combination."), "refused"),
        (spapi.BadRequest("Invalid Input"), Status.REFUSED),
        (spapi.Throttled("429"), Status.QUEUED),
        (spapi.TokenExpired("401"), Status.QUEUED),
        (spapi.ConnectFailed("refused"), Status.QUEUED),
        (spapi.AccessDenied("Access to requested resource is denied."), Status.HELD),
        (spapi.ServerError("503"), Status.UNCONFIRMED),
        (spapi.UnknownForbidden("The moon is in the wrong quarter."), Status.UNCONFIRMED),
        (NoAnswer(reason="read_timeout"), Status.UNCONFIRMED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_answer_to_a_message_is_recorded_as_its_row_says(
    said: spapi.Accepted | SpApiError, status: str
) -> None:
    message = due_message()
    send(message, said)
    check_records([message])
    assert message.status == status
    if status == Status.HELD:
        message.account.refresh_from_db()
        assert message.account.connection == Connection.ROLE_MISSING


def test_the_machine_leaves_an_unconfirmed_message_alone_for_ever() -> None:
    """Neither lanes nor sweeper: not the next minute, not when its time is over, not in a year."""
    lost, died = due_message("It was lost"), due_message("Its worker died")
    lose(lost)
    claim_one(died)
    for later in (HOUR, DAY, 35 * DAY, 365 * DAY):
        sweep(NOW + later)
        for action in (lost, died):
            assert take_up_all(action, NOW + later) == []
            assert status_of(action) == Status.UNCONFIRMED
        assert not OutgoingAction.objects.due(NOW + later).exists()
    check_records([lost, died])
    assert OutgoingAction.objects.filter(attempts__number__gt=1).count() == 0


def test_an_unconfirmed_review_request_beside_it_is_watched_as_ever() -> None:
    review = due_action()
    message = due_message(order=review.order)
    lose(review)
    lose(message)
    due = OutgoingAction.objects.due(NOW + HOUR)
    assert set(due) == {review}
    sweep(NOW + 365 * DAY)
    assert (status_of(review), status_of(message)) == (Status.UNRESOLVED, Status.UNCONFIRMED)


@pytest.mark.parametrize("said", [MESSAGE_OFFERED, ABSENT], ids=["offered", "absent"])
@pytest.mark.parametrize("status", sorted(WATCHED))
def test_no_look_judges_a_message(said: OfferedActions, status: Status) -> None:
    """Amazon lists it before and after: that proves nothing."""
    message = due_message(status=status)
    with pytest.raises(ValueError, match="a person's to decide"):
        record_watched(a_look(message, said), control_is_offered=True, now=NOW + HOUR)
    with pytest.raises(ValueError, match="judged by"):
        record_looks([a_look(message, said)], now=NOW + HOUR)
    assert status_of(message) == status


def test_a_late_acceptance_of_a_message_is_a_fact() -> None:
    message = due_message()
    claimed = claim_one(message)
    sweep(NOW + HOUR)
    assert status_of(message) == Status.UNCONFIRMED
    answer(claimed, ACCEPTED, NOW + HOUR + SECOND)
    check_records([message])
    assert (message.status, message.reason) == (Status.SENT, "Amazon's answer came late")


def test_a_late_acceptance_leaves_another_message_of_the_order_alone() -> None:
    """Unlike a review request: the newer one is another letter, not another try."""
    message = due_message("Which engraving?")
    claimed = claim_one(message)
    newer = request_message(
        message.order, message.kind, {"text": "Which colour?"}, user=UserFactory(), at=NOW
    )
    sweep(NOW + HOUR)
    answer(claimed, ACCEPTED, NOW + HOUR + SECOND)
    assert (status_of(message), status_of(newer)) == (Status.SENT, Status.QUEUED)


def test_an_unconfirmed_message_keeps_its_twin_from_leaving() -> None:
    message = due_message("Which engraving?")
    lose(message)
    with pytest.raises(NotAllowedError, match="“Needs a look”"):
        request_message(
            message.order, message.kind, {"text": "Which engraving?"}, user=UserFactory(), at=NOW
        )


def test_a_message_keeps_no_review_request_from_being_asked() -> None:
    order = due_order()
    for status in sorted(OPEN - {Status.PROBABLY_SENT}):
        due_message(f"Written, and {status}", order=order, status=status)
    assert list(Order.objects.eligible(NOW).unasked()) == [order]
    action = request_review(order, user=UserFactory(), at=NOW)
    assert [job.action_id for job in take_up(order.account, "solicitations", now=NOW, limit=9)] == [
        action.pk
    ]
