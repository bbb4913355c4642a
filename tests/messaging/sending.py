"""Steps that several tests of sending share: a job, a claim, an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from messaging.action_types import CONFIRM_ORDER_DETAILS
from messaging.delivery import Claimed, Job, claim, take_up
from messaging.models import ActionEvent, OutgoingAction
from messaging.payloads import hash_payload
from messaging.results import SendResult, record
from messaging.states import Status
from orders.states import FulfillmentStatus
from spapi import Accepted, ActionLink, NoAnswer, OfferedActions, SpApiError
from tests.factories import DAY, OrderFactory, OutgoingActionFactory

# Time is given, not slept through. The rows of `due_action` are eligible at this moment.
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
OFFERED = OfferedActions(
    actions=(ActionLink(name="productReviewAndSellerFeedback"),), well_formed=True
)
MESSAGE_OFFERED = OfferedActions(
    actions=(ActionLink(name="confirmOrderDetails"),), well_formed=True
)
ABSENT = OfferedActions(actions=(), well_formed=True)
MALFORMED = OfferedActions(actions=(), well_formed=False)
ACCEPTED = Accepted(201, request_id="request-201", body="{}")


def due_order(**fields: Any) -> Any:
    """An order in the middle of its window at NOW."""
    return OrderFactory(
        **{
            "purchased_at": NOW - 15 * DAY,
            "earliest_delivery_at": NOW - 12 * DAY,
            "latest_delivery_at": NOW - 10 * DAY,
        }
        | fields
    )


def due_action(**fields: Any) -> OutgoingAction:
    """A queued action that may be sent at NOW; `order__x` are fields of its order."""
    if "order" not in fields:
        names = [name for name in fields if name.startswith("order__")]
        order_fields = {name.removeprefix("order__"): fields.pop(name) for name in names}
        fields["order"] = due_order(**order_fields)
    fields = {"created_at": NOW - timedelta(minutes=1), "not_after": NOW + 20 * DAY} | fields
    action: OutgoingAction = OutgoingActionFactory(**fields)
    return action


def unshipped_order(**fields: Any) -> Any:
    """An order at NOW whose buyer may be asked a question, and not yet for a review."""
    return OrderFactory(
        **{
            "purchased_at": NOW - timedelta(hours=20),
            "earliest_delivery_at": NOW + 2 * DAY,
            "latest_delivery_at": NOW + 4 * DAY,
            "fulfillment_status": FulfillmentStatus.UNSHIPPED,
        }
        | fields
    )


def due_message(text: str = "Which engraving?", **fields: Any) -> OutgoingAction:
    """A queued question that may be sent at NOW; `order__x` are fields of its order."""
    if "order" not in fields:
        names = [name for name in fields if name.startswith("order__")]
        order_fields = {name.removeprefix("order__"): fields.pop(name) for name in names}
        fields["order"] = unshipped_order(**order_fields)
    payload = {"text": text}
    return due_action(
        **{
            "kind": CONFIRM_ORDER_DETAILS.name,
            "api": CONFIRM_ORDER_DETAILS.api,
            "payload": payload,
            "payload_hash": hash_payload(payload),
            "not_after": NOW + 34 * DAY,
        }
        | fields
    )


def job_of(action: OutgoingAction, **fields: Any) -> Job:
    """What a lane would know of the action now."""
    action.refresh_from_db()
    facts: dict[str, Any] = {
        "action_id": action.pk,
        "account": action.account,
        "order_id": action.order_id,
        "amazon_order_id": action.order.amazon_order_id,
        "marketplace_id": action.order.marketplace_id,
        "kind": action.kind,
        "status": Status(action.status),
        "priority": action.priority,
        "not_before": action.not_before,
        "not_after": action.not_after,
        "opens_at": NOW - 7 * DAY,
        "payload": action.payload,
    }
    return Job(**(facts | fields))


def take_up_all(action: OutgoingAction, now: datetime = NOW) -> list[Job]:
    """The due jobs of the action's lane."""
    return take_up(action.account, action.api, now=now, limit=100)


def claim_one(action: OutgoingAction, now: datetime = NOW) -> Claimed:
    """The action is claimed at that moment."""
    (claimed,) = claim([job_of(action)], now=now, worker="test:1")
    return claimed


def answer(claimed: Claimed, said: Accepted | SpApiError, now: datetime) -> None:
    """This answer is recorded for the claim at that moment."""
    record([SendResult(claimed, said, duration_ms=12)], now=now)


def send(action: OutgoingAction, said: Accepted | SpApiError, now: datetime = NOW) -> Claimed:
    """The action is claimed and answered at that moment."""
    claimed = claim_one(action, now)
    answer(claimed, said, now)
    return claimed


def lose(action: OutgoingAction, now: datetime = NOW) -> Claimed:
    """The action leaves at that moment and no answer comes."""
    return send(action, NoAnswer(reason="reset"), now)


def status_of(action: OutgoingAction) -> str:
    """The action's state in the database."""
    return str(OutgoingAction.objects.values_list("status", flat=True).get(pk=action.pk))


def steps_of(action: OutgoingAction) -> list[str]:
    """All states of the action, by its events; fails where one does not follow from the last."""
    events: Sequence[ActionEvent] = list(ActionEvent.objects.filter(action=action).order_by("pk"))
    states = ["queued", *(event.after for event in events)]
    assert [event.before for event in events] == states[:-1]
    return states


def check_records(actions: Iterable[OutgoingAction]) -> None:
    """Events, attempts, evidence and the order's mark agree with the state."""
    for action in actions:
        action.refresh_from_db()
        action.order.refresh_from_db()
        assert steps_of(action)[-1] == action.status
        open_attempts = action.attempts.filter(finished_at=None, abandoned_at=None).count()
        assert open_attempts == (1 if action.status == Status.SENDING else 0)
        if action.status == Status.SENT:
            assert action.sent_attempt is not None
            assert action.sent_attempt.outcome == "accepted"
            assert action.lease_until is None
