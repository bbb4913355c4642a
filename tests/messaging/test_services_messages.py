"""One message by a click: queued once, refused with a sentence, undone, tried again."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

import spapi
from audit.models import AuditEvent
from messaging.models import OutgoingAction, Priority
from messaging.payloads import hash_payload
from messaging.services import (
    NotAllowedError,
    cancel_action,
    request_message,
    request_review,
    retry_action,
)
from messaging.states import OPEN, Status
from orders.models import Order
from tests.factories import DAY, KillSwitchFactory, SellerAccountFactory, UserFactory
from tests.messaging.sending import (
    NOW,
    due_message,
    due_order,
    send,
    status_of,
    steps_of,
    unshipped_order,
)

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
KIND = "confirmOrderDetails"


def write(order: Order, text: object = "Which engraving?", **more: Any) -> OutgoingAction:
    facts = {"user": UserFactory(), "at": NOW} | more
    return request_message(order, KIND, {"text": text}, **facts)


def test_a_message_waits_for_the_end_of_its_hold(settings: Settings) -> None:
    settings.SEND_HOLD_SECONDS = 10
    order, ann = unshipped_order(), UserFactory(username="ann")
    action = write(order, " Which engraving?\r\n", user=ann)
    assert (action.kind, action.api) == (KIND, "messaging")
    assert action.payload == {"text": "Which engraving?"}
    assert action.payload_hash == hash_payload({"text": "Which engraving?"})
    assert (action.status, action.priority) == (Status.QUEUED, Priority.CLICK)
    assert (action.not_before, action.look_at) == (NOW + 10 * SECOND, NOW)
    assert (action.requested_by, action.account) == (ann, order.account)
    assert steps_of(action) == ["queued"]


def test_the_audit_trail_names_person_and_order_and_not_the_text() -> None:
    order, ann = unshipped_order(), UserFactory()
    write(order, "A private question", user=ann)
    event = AuditEvent.objects.get()
    assert (event.kind, event.user, event.subject) == ("messaged", ann, order.amazon_order_id)
    assert "private" not in str(event.detail)


def test_a_message_leaves_no_mark_on_the_order() -> None:
    """The mark is the review request's; the order may still be asked for one."""
    order = due_order()
    write(order)
    order.refresh_from_db()
    assert (order.solicitation, order.solicitation_at) == ("", None)
    assert request_review(order, user=UserFactory(), at=NOW).status == Status.QUEUED


@pytest.mark.parametrize(
    ("latest", "end"),
    [(NOW + 4 * DAY, NOW + 34 * DAY), (NOW - 29 * DAY, NOW + DAY), (None, NOW + 30 * DAY)],
)
def test_a_message_is_sent_until_30_days_after_the_latest_delivery(latest: Any, end: Any) -> None:
    earliest = latest and latest - DAY
    order = unshipped_order(earliest_delivery_at=earliest, latest_delivery_at=latest)
    assert write(order).not_after == end


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"is_sold_on_amazon": False}, "Not sold on Amazon"),
    ({"is_cancelled": True}, "The order was cancelled"),
    ({"is_excluded": True}, "on the list of exclusions"),
    (
        {"earliest_delivery_at": NOW - 40 * DAY, "latest_delivery_at": NOW - 30 * DAY},
        "delivered too long ago",
    ),
]


@pytest.mark.parametrize(("facts", "sentence"), REFUSED, ids=[text for _, text in REFUSED])
def test_an_order_that_does_not_allow_it_gets_no_message(
    facts: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(NotAllowedError, match=sentence):
        write(unshipped_order(**facts))
    assert not OutgoingAction.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("kind", "payload", "sentence"),
    [
        (KIND, {"text": ""}, "The message is empty"),
        (KIND, {"text": "x" * 2001}, "2,001 characters"),
        (KIND, {"text": "\x00"}, "cannot be sent"),
        (KIND, {}, "takes text"),
        ("productReviewAndSellerFeedback", {}, "no such message"),
        ("letter", {"text": "Dear buyer"}, "no such message"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_sentence(
    kind: str, payload: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(NotAllowedError, match=sentence):
        request_message(unshipped_order(), kind, payload, user=UserFactory(), at=NOW)
    assert not OutgoingAction.objects.exists()


@pytest.mark.parametrize("status", sorted(OPEN - {Status.PROBABLY_SENT}))
def test_the_same_message_is_not_queued_beside_one_that_is_still_moving(status: Status) -> None:
    ann = UserFactory(username="ann")
    first = due_message("Which engraving?", status=status, requested_by=ann)
    label = first.get_status_display()
    with pytest.raises(
        NotAllowedError, match=f"The same message is “{label}”. ann queued this 1 min ago"
    ):
        write(first.order)
    assert OutgoingAction.objects.count() == 1
    assert write(first.order, "And which colour?").status == Status.QUEUED
    assert write(unshipped_order(account=first.account)).status == Status.QUEUED


@pytest.mark.parametrize("status", sorted(set(Status) - OPEN))
def test_the_same_message_may_be_written_again_when_the_first_has_come_to_an_end(
    status: Status,
) -> None:
    first = due_message("Which engraving?", status=status)
    assert write(first.order).status == Status.QUEUED


def test_a_form_sent_twice_makes_one_message() -> None:
    order, ann, key = unshipped_order(), UserFactory(), uuid.uuid4()
    first = write(order, user=ann, client_key=key)
    assert write(order, user=ann, client_key=key, at=NOW + SECOND) == first
    cancel_action(first, user=ann, at=NOW)
    assert write(order, user=ann, client_key=key) == first
    for other_order, user in ((order, UserFactory()), (unshipped_order(), ann)):
        with pytest.raises(NotAllowedError, match="made for somebody else"):
            write(other_order, user=user, client_key=key)
    assert OutgoingAction.objects.count() == 1


def test_a_message_of_an_account_that_may_not_send_is_on_hold_at_once() -> None:
    paused = unshipped_order(account=SellerAccountFactory(paused=True))
    assert write(paused).status == Status.HELD
    KillSwitchFactory(kind=KIND)
    assert write(unshipped_order()).status == Status.HELD
    assert request_review(due_order(), user=UserFactory(), at=NOW).status == Status.QUEUED


def test_a_lane_is_woken_after_the_commit(
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    woken: list[list[int]] = []
    monkeypatch.setattr("messaging.hints.wake_lanes", woken.append)
    order = unshipped_order()
    with django_capture_on_commit_callbacks(execute=True):
        write(order)
        assert woken == []
    assert woken == [[order.account_id]]


def test_a_refused_message_is_tried_again_by_a_person() -> None:
    action, ann = due_message(status=Status.REFUSED), UserFactory(username="ann")
    later = NOW + timedelta(hours=1)
    retry_action(action, user=ann, at=later)
    action.refresh_from_db()
    assert (action.status, action.reason) == (Status.QUEUED, "Tried again by ann")
    assert (action.not_before, action.not_after) == (action.look_at, NOW + 34 * DAY)
    send(action, spapi.Accepted(201), action.not_before)
    assert status_of(action) == Status.SENT
    assert action.attempts.count() == 2


@pytest.mark.parametrize(("facts", "sentence"), REFUSED, ids=[text for _, text in REFUSED])
def test_a_refused_message_is_not_tried_again_when_the_order_forbids_it(
    facts: dict[str, Any], sentence: str
) -> None:
    action = due_message(status=Status.REFUSED)
    Order.objects.filter(pk=action.order_id).update(**facts)
    action.order.refresh_from_db()
    with pytest.raises(NotAllowedError, match=sentence):
        retry_action(action, user=UserFactory(), at=NOW)
    assert status_of(action) == Status.REFUSED


def test_a_refused_message_is_not_tried_again_beside_its_twin() -> None:
    action = due_message(status=Status.REFUSED)
    twin = write(action.order, user=UserFactory(username="ben"))
    with pytest.raises(NotAllowedError, match="“Waiting”\\. ben queued this"):
        retry_action(action, user=UserFactory(), at=NOW)
    assert (status_of(action), status_of(twin)) == (Status.REFUSED, Status.QUEUED)
