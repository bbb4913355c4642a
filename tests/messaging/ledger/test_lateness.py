"""Leases that ran out, and what is due and neither on hold nor waiting for its lane."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from messaging.looks import Look, record_looks
from messaging.models import ActionAttempt, ActionFile, OutgoingAction, Priority
from messaging.services import apply_holds, cancel_action
from messaging.states import Status
from orders.models import Order
from sellers.models import SellerAccount
from spapi import ServerError, Throttled
from tests.factories import SellerAccountFactory, UserFactory
from tests.files import keep_file
from tests.messaging.ledgers import MESSAGE, NOW, lines, message
from tests.messaging.planting import lawless, overwrite
from tests.messaging.sending import (
    ABSENT,
    ACCEPTED,
    MALFORMED,
    claim_one,
    due_action,
    due_order,
    job_of,
    lose,
    send,
)

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
LATER = timedelta(days=25)  # the end of a window that closes after the others'


def due_since(seconds: float, **fields: Any) -> OutgoingAction:
    """A queued action of a lane that has been due for so long."""
    return due_action(**{"created_at": NOW - seconds * SECOND} | fields)


def still(action: OutgoingAction, seconds: int) -> str:
    return f"not_late: action {action.pk} has been due for {seconds} s, and its lane stands still"


@pytest.mark.parametrize(("seconds", "is_late"), [(59, False), (60, True), (3600, True)])
def test_what_is_due_in_a_lane_that_stands_still(seconds: int, is_late: bool) -> None:
    action = due_since(seconds)
    assert lines() == [still(action, seconds)] * is_late


def test_a_call_may_take_its_whole_deadline(settings: Settings) -> None:
    settings.CALL_DEADLINE_SECONDS = 120
    due_since(134)
    late = due_since(135)
    assert lines() == [still(late, 135)]


@pytest.mark.parametrize(
    "fields",
    [
        {"look_at": NOW - 30 * SECOND},
        {"not_before": NOW - 30 * SECOND},
        {"not_before": NOW + HOUR},
        {"status_at": NOW - 30 * SECOND},
        {"look_at": NOW + HOUR},
    ],
    ids=["looked at later", "hold just over", "on its hold", "just resumed", "postponed"],
)
def test_it_is_due_when_its_state_began_its_look_came_and_its_hold_was_over(
    fields: dict[str, Any],
) -> None:
    due_since(7200, **fields)
    assert lines() == []


def test_what_is_on_hold_is_not_late() -> None:
    action = due_since(3600, order__account=SellerAccountFactory(paused=True))
    assert lines() == [still(action, 3600)]
    apply_holds(at=NOW - 60 * SECOND)
    assert lines() == []


def a_claim(account: SellerAccount) -> None:
    claim_one(due_since(60, order__account=account), NOW - 59 * SECOND)


def a_claim_that_came_back(account: SellerAccount) -> None:
    send(due_since(60, order__account=account), Throttled(status=429), NOW - 59 * SECOND)


def a_refusal_by_our_rules(account: SellerAccount) -> None:
    cancel_action(due_since(60, order__account=account), user=UserFactory(), at=NOW - 59 * SECOND)


def a_look(account: SellerAccount) -> None:
    other = due_since(60, order__account=account)
    record_looks([Look(job_of(other), ABSENT, NOW)], now=NOW - 59 * SECOND)


def a_look_that_failed(account: SellerAccount) -> None:
    other = due_since(60, order__account=account)
    error = ServerError(status=503, reason="unavailable")
    record_looks([Look(job_of(other), error, NOW)], now=NOW - 59 * SECOND)


def a_look_at_a_list_that_is_malformed(account: SellerAccount) -> None:
    other = due_since(60, order__account=account)
    record_looks([Look(job_of(other), MALFORMED, NOW)], now=NOW - 59 * SECOND)


SIGNS = [
    a_claim,
    a_claim_that_came_back,
    a_refusal_by_our_rules,
    a_look,
    a_look_that_failed,
    a_look_at_a_list_that_is_malformed,
]


@pytest.mark.parametrize("sign", SIGNS)
def test_what_waits_for_a_lane_that_works_is_not_late(
    sign: Callable[[SellerAccount], None],
) -> None:
    action = due_since(170)
    sign(action.account)
    assert lines() == []


@pytest.mark.parametrize("sign", SIGNS)
def test_another_account_s_lane_is_no_excuse(sign: Callable[[SellerAccount], None]) -> None:
    action = due_since(170)
    sign(SellerAccountFactory())
    assert lines() == [still(action, 170)]


def test_the_lane_of_another_api_is_no_excuse() -> None:
    action = due_since(170)
    asked = message(order=due_order(account=action.account), created_at=NOW - 170 * SECOND)
    claim_one(asked, NOW - SECOND)
    assert lines() == [still(action, 170)]


def test_a_look_for_a_review_is_no_excuse_for_a_message() -> None:
    action = message(order=due_order(), created_at=NOW - 170 * SECOND)
    Order.objects.filter(pk=action.order_id).update(offer_checked_at=NOW)
    assert lines() == [still(action, 170)]


def test_a_message_that_was_not_offered_says_that_its_lane_works() -> None:
    first, waits = (
        message(order=due_order(account=account), created_at=NOW - 170 * SECOND)
        for account in [SellerAccountFactory()] * 2
    )
    assert len(lines()) == 2
    record_looks([Look(job_of(first), ABSENT, NOW)], now=NOW - SECOND)
    assert first.kind == waits.kind == MESSAGE
    assert lines() == []


def test_a_sign_of_more_than_a_minute_ago_is_none() -> None:
    action = due_since(170)
    send(due_since(170, order__account=action.account), ACCEPTED, NOW - 60 * SECOND)
    assert lines() == [still(action, 170)]


def overtaken(action: OutgoingAction, seconds: int) -> str:
    return (
        f"not_late: action {action.pk} has been due for {seconds} s, "
        "and others go before it that should not"
    )


@pytest.mark.parametrize(("seconds", "is_late"), [(179, False), (180, True)])
@pytest.mark.parametrize(
    "behind", [{"priority": Priority.RULE}, {"not_after": NOW + LATER}], ids=["a rule", "later end"]
)
def test_what_is_passed_over_by_one_behind_it(
    seconds: int, is_late: bool, behind: dict[str, Any]
) -> None:
    action = due_since(seconds)
    send(due_since(30, order__account=action.account, **behind), ACCEPTED, NOW - SECOND)
    assert lines() == [overtaken(action, seconds)] * is_late


def test_the_later_of_two_with_one_window_waits_for_the_earlier() -> None:
    account = SellerAccountFactory()
    first, second, third = (due_since(600, order__account=account) for _ in range(3))
    send(second, ACCEPTED, NOW - SECOND)
    assert lines() == [overtaken(first, 600)]
    assert status(third) == Status.QUEUED


def test_one_whose_files_go_up_slowly_may_be_passed_by_another_and_not_stand_still() -> None:
    account = SellerAccountFactory()
    first, second = (
        message(order=due_order(account=account), created_at=NOW - 600 * SECOND) for _ in range(2)
    )
    claim_one(second, NOW - SECOND)
    assert lines() == [overtaken(first, 600)]
    ActionFile.objects.create(
        action=first, file=keep_file(account, b"%PDF-1.4"), place=0, name="a.pdf"
    )
    assert lines() == []
    ActionAttempt.objects.filter(action=second).update(claimed_at=NOW - 180 * SECOND)
    OutgoingAction.objects.filter(pk=second.pk).update(status_at=NOW - 180 * SECOND)
    assert still(first, 600) in lines()


def test_a_long_backlog_in_its_turn_is_not_late() -> None:
    action = due_since(10_000, priority=Priority.BATCH)
    click = due_since(30, order__account=action.account, not_after=NOW + LATER)
    lose(click, NOW - SECOND)
    assert lines() == []


def test_one_kind_may_go_before_another_that_waits_for_its_own_rate() -> None:
    account = SellerAccountFactory()
    waits = due_since(600, order__account=account)
    goes = due_since(600, order__account=account, priority=Priority.RULE)
    send(goes, ACCEPTED, NOW - SECOND)
    assert lines() == [overtaken(waits, 600)]
    OutgoingAction.objects.filter(pk=goes.pk).update(kind="anotherSolicitation")
    overwrite(goes.order, solicitation="")
    assert lines() == []


@pytest.mark.parametrize(("seconds", "is_breach"), [(30, False), (31, True)])
def test_sending_after_the_end_of_its_lease(seconds: int, is_breach: bool) -> None:
    action = due_since(600)
    claim_one(action, NOW - 10 * SECOND)
    overwrite(action, lease_until=NOW - seconds * SECOND)
    said = f"lease: action {action.pk} is sending 31 s after the end of its lease"
    assert lines() == [said] * is_breach


def test_sending_without_a_lease() -> None:
    action = due_since(600)
    claim_one(action, NOW - 10 * SECOND)
    with lawless():
        overwrite(action, lease_until=None)
        assert lines() == [f"lease: action {action.pk} is sending without a lease"]


def status(action: OutgoingAction) -> str:
    action.refresh_from_db()
    return action.status
