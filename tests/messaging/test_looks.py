"""What Amazon's list means for what waits, and for what is unconfirmed.

Amazon's list is known to be empty at random. A naive rule ("not offered means sent") fails here.
"""

from datetime import timedelta

import pytest

import spapi
from messaging.delivery import take_up
from messaging.looks import (
    Look,
    control_orders,
    next_daily_look,
    record_control,
    record_looks,
    record_watched,
)
from messaging.models import OutgoingAction
from messaging.states import WATCHED, Status
from orders.models import Order
from sellers.models import Connection, SellerAccount
from spapi import OfferedActions, SpApiError
from tests.factories import DAY, SellerAccountFactory
from tests.messaging.sending import (
    ABSENT,
    MALFORMED,
    NOW,
    OFFERED,
    due_action,
    due_order,
    job_of,
    lose,
    send,
    status_of,
    steps_of,
)

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def look(
    action: OutgoingAction, answer: OfferedActions | SpApiError, *, control: bool = True
) -> None:
    """The watched action's next look, at its time, is answered so."""
    job = job_of(action)
    record_watched(
        Look(job, answer, action.look_at), control_is_offered=control, now=action.look_at
    )


def lost() -> OutgoingAction:
    action = due_action()
    lose(action)
    return action


def since_lost(action: OutgoingAction) -> timedelta:
    action.refresh_from_db()
    return action.look_at - NOW


# What waits


def test_what_is_offered_is_ready_and_its_order_knows() -> None:
    action = due_action()
    job = job_of(action)
    assert record_looks([Look(job, OFFERED, NOW)], now=NOW) == [job]
    order = Order.objects.get()
    assert (order.is_offered, order.offer_checked_at) == (True, NOW)
    assert status_of(action) == Status.QUEUED


def test_what_is_not_offered_waits_for_the_next_day_and_is_never_final() -> None:
    action = due_action()
    at = NOW
    for _ in range(5):
        assert record_looks([Look(job_of(action), ABSENT, at)], now=at) == []
        action.refresh_from_db()
        assert action.status == Status.QUEUED
        assert 20 * HOUR <= action.look_at - at <= 28 * HOUR
        assert action.not_before == action.look_at
        assert action.reason == "Amazon does not offer it yet; asked again then"
        at = action.look_at
    assert Order.objects.get().is_offered is False


def test_the_next_days_looks_are_spread_out() -> None:
    moments = {next_daily_look(job_of(due_action()), NOW) for _ in range(12)}
    assert len(moments) == 12


@pytest.mark.parametrize("left", [19 * HOUR, 3 * HOUR, 30 * MINUTE])
def test_the_next_look_comes_sooner_when_the_window_closes_before(left: timedelta) -> None:
    job = job_of(due_action(not_after=NOW + left))
    assert NOW < next_daily_look(job, NOW) <= NOW + left


def test_the_last_minutes_of_a_window_are_not_spent_on_looks_without_end() -> None:
    job = job_of(due_action(not_after=NOW + MINUTE))
    assert next_daily_look(job, NOW) == NOW + 10 * MINUTE


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (MALFORMED, MINUTE),
        (spapi.ServerError("503", status=503), MINUTE),
        (spapi.NoAnswer(reason="reset"), MINUTE),
        (spapi.ConnectFailed(reason="dns"), MINUTE),
        (spapi.TokenServiceUnavailable("500"), MINUTE),
        (spapi.Throttled("429", retry_after=4.0), timedelta(seconds=4)),
        (spapi.LimitReached(retry_after=1.0), timedelta(seconds=1)),
        (spapi.TokenExpired("expired"), timedelta(seconds=2)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_list_that_could_not_be_read_is_read_again_soon(
    answer: OfferedActions | SpApiError, wait: timedelta
) -> None:
    action = due_action()
    assert record_looks([Look(job_of(action), answer, NOW)], now=NOW) == []
    action.refresh_from_db()
    assert (action.status, action.look_at) == (Status.QUEUED, NOW + wait)
    assert "could not be read" in action.reason
    assert Order.objects.get().is_offered is None


@pytest.mark.parametrize("answer", [spapi.NotFound("no", status=404), spapi.BadRequest("no")])
def test_a_question_that_amazon_refuses_is_put_again_the_next_day(answer: SpApiError) -> None:
    """Not every minute for a month: Amazon would say the same, and others wait in the lane."""
    action = due_action()
    record_looks([Look(job_of(action), answer, NOW)], now=NOW)
    action.refresh_from_db()
    assert action.status == Status.QUEUED
    assert action.look_at - NOW >= 20 * HOUR


def test_a_look_that_shows_the_account_shut_out_holds_all_of_it() -> None:
    account = SellerAccountFactory()
    one, other = (due_action(order=due_order(account=account)) for _ in range(2))
    denied = spapi.AccessDenied("Access to requested resource is denied.", status=403)
    record_looks([Look(job_of(one), denied, NOW)], now=NOW)
    assert [status_of(action) for action in (one, other)] == ["held", "held"]
    assert SellerAccount.objects.get().connection == Connection.ROLE_MISSING
    one.refresh_from_db()
    assert one.look_at <= NOW  # due at once when the account is mended


def test_what_was_stopped_during_its_look_stays_stopped() -> None:
    action = due_action()
    job = job_of(action)
    OutgoingAction.objects.filter(pk=action.pk).transition(
        Status.QUEUED, Status.CANCELLED, at=NOW, look_at=NOW
    )
    record_looks([Look(job, ABSENT, NOW)], now=NOW)
    action.refresh_from_db()
    assert (action.status, action.look_at) == (Status.CANCELLED, NOW)


def test_a_watched_action_is_not_judged_as_one_that_waits() -> None:
    with pytest.raises(ValueError, match="record_watched"):
        record_looks([Look(job_of(lost()), OFFERED, NOW)], now=NOW)


# What is unconfirmed


def test_an_unconfirmed_action_is_looked_at_as_the_schedule_says() -> None:
    action = lost()
    moments = []
    for _ in range(7):
        moments.append(since_lost(action))
        look(action, ABSENT, control=False)
    hours = [0, 0, 1, 6, 30, 54, 78]
    assert moments == [2 * MINUTE, 10 * MINUTE, *(number * HOUR for number in hours[2:])]


def test_two_offers_two_minutes_apart_say_that_it_did_not_happen() -> None:
    action = lost()
    look(action, OFFERED)
    assert status_of(action) == Status.UNCONFIRMED
    assert since_lost(action) == 4 * MINUTE
    look(action, OFFERED)
    action.refresh_from_db()
    assert (action.status, action.look_at) == (Status.QUEUED, NOW + 4 * MINUTE)
    assert (action.looks, action.offered_looks, action.first_offered_at) == (0, 0, None)
    assert take_up(action.account, action.api, now=action.look_at, limit=1)


def test_two_offers_within_two_minutes_count_as_one() -> None:
    action = lost()
    look(action, OFFERED)
    OutgoingAction.objects.update(look_at=NOW + 2 * MINUTE + timedelta(seconds=119))
    look(action, OFFERED)
    assert status_of(action) == Status.UNCONFIRMED
    look(action, OFFERED)
    assert status_of(action) == Status.QUEUED


def test_an_absence_between_two_offers_begins_the_count_anew() -> None:
    action = lost()
    for answer in (OFFERED, ABSENT, OFFERED):
        look(action, answer)
        assert status_of(action) == Status.UNCONFIRMED
    look(action, OFFERED)
    assert status_of(action) == Status.QUEUED


def test_absence_with_a_control_three_times_over_a_day_is_probably_sent() -> None:
    action = lost()
    seen = []
    while status_of(action) == Status.UNCONFIRMED:
        seen.append(since_lost(action))
        look(action, ABSENT)
    assert status_of(action) == Status.PROBABLY_SENT
    assert len(seen) >= 3
    assert seen[-1] - seen[0] >= 24 * HOUR
    assert seen[-2] - seen[0] < 24 * HOUR
    assert since_lost(action) - seen[-1] == DAY
    assert steps_of(action)[-2:] == ["unconfirmed", "probably_sent"]


def test_one_absence_is_no_proof() -> None:
    action = lost()
    look(action, ABSENT)
    assert status_of(action) == Status.UNCONFIRMED


def test_three_absences_within_a_day_are_no_proof() -> None:
    action = lost()
    for hours in (1, 8, 24):
        OutgoingAction.objects.update(look_at=NOW + hours * HOUR)
        look(action, ABSENT)
    assert status_of(action) == Status.UNCONFIRMED


def test_two_absences_however_far_apart_are_no_proof() -> None:
    action = lost()
    for hours, status in ((1, Status.UNCONFIRMED), (60, Status.UNCONFIRMED), (61, "probably_sent")):
        OutgoingAction.objects.update(look_at=NOW + hours * HOUR)
        look(action, ABSENT)
        assert status_of(action) == status


@pytest.mark.parametrize("answer", [ABSENT, MALFORMED])
def test_absence_without_a_control_or_a_shape_never_counts(answer: OfferedActions) -> None:
    """Amazon's list was once empty for everyone for weeks."""
    action = lost()
    for _ in range(25):
        look(action, answer, control=answer is MALFORMED)
    assert status_of(action) == Status.UNCONFIRMED
    action.refresh_from_db()
    assert (action.looks, action.absent_looks) == (25, 0)


def test_an_empty_answer_at_random_never_outweighs_an_offer() -> None:
    """Fifteen in a hundred lists are empty at random: offered must win long before a day is over."""
    action = lost()
    answers = [ABSENT, OFFERED, OFFERED]
    while status_of(action) == Status.UNCONFIRMED:
        look(action, answers.pop(0))
    assert status_of(action) == Status.QUEUED


def test_what_was_probably_sent_and_is_offered_again_waits_for_its_turn() -> None:
    action = lost()
    while status_of(action) == Status.UNCONFIRMED:
        look(action, ABSENT)
    look(action, OFFERED)
    assert status_of(action) == Status.PROBABLY_SENT
    look(action, OFFERED)
    assert steps_of(action)[-2:] == ["probably_sent", "queued"]


def test_what_was_probably_sent_is_looked_at_daily_and_stays_so() -> None:
    action = lost()
    OutgoingAction.objects.filter(pk=action.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=NOW, look_at=NOW, not_before=NOW, looks=0
    )
    send(action, spapi.NotAvailable("not available", status=403))
    for number in range(1, 6):
        assert since_lost(action) == number * DAY
        look(action, ABSENT)
        assert status_of(action) == Status.PROBABLY_SENT


@pytest.mark.parametrize(
    ("answer", "next_look"),
    [
        (spapi.ServerError("503", status=503), 3 * MINUTE),
        (spapi.NoAnswer(reason="reset"), 3 * MINUTE),
        (spapi.NotFound("404", status=404), 10 * MINUTE),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_failed_look_at_an_unconfirmed_action_proves_nothing(
    answer: SpApiError, next_look: timedelta
) -> None:
    action = lost()
    look(action, answer)
    assert status_of(action) == Status.UNCONFIRMED
    assert since_lost(action) == next_look
    action.refresh_from_db()
    assert (action.absent_looks, action.offered_looks) == (0, 0)


def test_a_look_that_shows_the_account_shut_out_marks_it() -> None:
    action = lost()
    look(action, spapi.InvalidGrant("gone", needs_reconnect=True))
    assert SellerAccount.objects.get().connection == Connection.RECONNECT
    assert status_of(action) == Status.UNCONFIRMED


def test_a_look_that_was_written_late_is_no_second_look() -> None:
    action = lost()
    job = job_of(action)
    at, late = action.look_at, action.look_at + 3 * MINUTE
    record_watched(Look(job, OFFERED, at), control_is_offered=False, now=at)
    # asked at the same moment, by a driver that hung: it says nothing of three minutes later
    record_watched(Look(job, OFFERED, at), control_is_offered=False, now=late)
    assert status_of(action) == Status.UNCONFIRMED
    record_watched(Look(job, OFFERED, late), control_is_offered=False, now=late)
    assert status_of(action) == Status.QUEUED


def test_two_drivers_who_looked_at_the_same_time_count_as_one_look() -> None:
    action = lost()
    job, at = job_of(action), action.look_at
    for _ in range(3):
        record_watched(Look(job, ABSENT, at), control_is_offered=True, now=at)
    action.refresh_from_db()
    assert (action.looks, action.absent_looks) == (1, 1)


@pytest.mark.parametrize("status", sorted(set(Status) - WATCHED))
def test_a_look_that_comes_after_the_answer_changes_nothing(status: Status) -> None:
    action = due_action(status=status)
    job = job_of(action, status=Status.UNCONFIRMED)
    steps = steps_of(action)
    record_watched(Look(job, OFFERED, NOW), control_is_offered=True, now=NOW)
    action.refresh_from_db()
    assert steps_of(action) == steps
    assert action.looks == 0


# Controls


def test_a_control_is_an_order_of_the_lane_that_amazon_should_offer() -> None:
    action = lost()
    here = {"account": action.account}
    good = due_order(**here)
    due_order()  # of another account
    due_order(**here, marketplace_id="A13V1IB3VIYZZH")
    due_order(**here, is_returned=True)
    due_order(**here, latest_delivery_at=NOW - 31 * DAY, earliest_delivery_at=NOW - 40 * DAY)
    due_action(order=due_order(**here))
    assert control_orders(job_of(action), now=NOW, limit=3) == [good.amazon_order_id]


def test_an_order_that_was_not_offered_today_makes_room_for_another_control() -> None:
    action = lost()
    order = due_order(account=action.account)
    second = due_order(account=action.account, latest_delivery_at=NOW - 11 * DAY)
    job = job_of(action)
    assert control_orders(job, now=NOW, limit=1) == [order.amazon_order_id]
    record_control(action.account, order.amazon_order_id, action.kind, ABSENT, now=NOW)
    assert control_orders(job, now=NOW, limit=1) == [second.amazon_order_id]
    assert control_orders(job, now=NOW + 3 * DAY, limit=1) == [order.amazon_order_id]


def test_orders_that_are_never_offered_are_no_controls_on_the_days_that_follow() -> None:
    action = lost()
    account, job = action.account, job_of(action)
    never = [due_order(account=account, latest_delivery_at=NOW - HOUR) for _ in range(3)]
    for order in never:
        record_control(account, order.amazon_order_id, job.kind, ABSENT, now=NOW)
    good = due_order(account=account)
    for at in (NOW + DAY, NOW + 2 * DAY, NOW + 2 * DAY + 23 * HOUR):
        assert control_orders(job, now=at, limit=3)[0] == good.amazon_order_id


def test_where_every_control_was_empty_the_longest_rested_are_asked_again() -> None:
    """As after a night in which Amazon's lists were empty for everyone."""
    action = lost()
    account, job = action.account, job_of(action)
    early, late = due_order(account=account), due_order(account=account)
    record_control(account, late.amazon_order_id, job.kind, ABSENT, now=NOW + HOUR)
    record_control(account, early.amazon_order_id, job.kind, ABSENT, now=NOW)
    numbers = [early.amazon_order_id, late.amazon_order_id]
    assert control_orders(job, now=NOW + DAY, limit=3) == numbers
    assert control_orders(job, now=NOW + DAY, limit=1) == numbers[:1]


def test_a_control_that_is_offered_or_malformed_serves_again() -> None:
    action = lost()
    order = due_order(account=action.account)
    for answer in (OFFERED, MALFORMED):
        record_control(action.account, order.amazon_order_id, action.kind, answer, now=NOW)
        order.refresh_from_db()
        assert order.is_offered is True
    assert control_orders(job_of(action), now=NOW, limit=1) == [order.amazon_order_id]
