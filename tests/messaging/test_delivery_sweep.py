"""The sweeper: leases and windows that ran out, holds, and what was stopped under way."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import spapi
from messaging.delivery import claim, sweep
from messaging.models import ActionEvent, KillSwitch, OutgoingAction
from messaging.services import apply_holds, stop_batch
from messaging.states import Status
from orders.models import Order
from sellers.models import Connection, SellerAccount
from tests.factories import BatchFactory, KillSwitchFactory, SellerAccountFactory, UserFactory
from tests.messaging.sending import (
    NOW,
    answer,
    check_records,
    claim_one,
    due_action,
    due_order,
    job_of,
    lose,
    send,
    status_of,
    steps_of,
)

pytestmark = pytest.mark.django_db
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def test_a_lease_that_ran_out_leaves_an_unconfirmed_action_and_never_a_waiting_one() -> None:
    action = due_action()
    claimed = claim([job_of(action)], now=NOW, worker="gone", lease=3 * MINUTE)
    sweep(NOW + 3 * MINUTE)
    assert status_of(action) == Status.SENDING
    later = NOW + 3 * MINUTE + SECOND
    sweep(later)
    check_records([action])
    assert (action.status, action.lease_until) == (Status.UNCONFIRMED, None)
    assert action.look_at == later + 2 * MINUTE
    attempt = action.attempts.get(pk=claimed[0].attempt_id)
    assert (attempt.abandoned_at, attempt.finished_at, attempt.outcome) == (later, None, "")


def test_a_lost_action_is_looked_at_with_a_clean_sheet() -> None:
    action = due_action(offered_looks=1, absent_looks=2, looks=4, first_absent_at=NOW)
    claim_one(action)
    sweep(NOW + 10 * MINUTE)
    action.refresh_from_db()
    assert (action.looks, action.offered_looks, action.absent_looks) == (0, 0, 0)
    assert (action.first_offered_at, action.first_absent_at) == (None, None)


def test_an_attempt_under_way_is_left_alone() -> None:
    action = due_action()
    claim_one(action)
    sweep(NOW + MINUTE)
    check_records([action])
    assert action.status == Status.SENDING


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (Status.QUEUED, Status.EXPIRED),
        (Status.HELD, Status.EXPIRED),
        (Status.UNCONFIRMED, Status.UNRESOLVED),
        (Status.PROBABLY_SENT, Status.UNRESOLVED),
        (Status.SENT, Status.SENT),
        (Status.REFUSED, Status.REFUSED),
        (Status.CANCELLED, Status.CANCELLED),
    ],
)
def test_the_end_of_the_window_ends_what_still_moves(status: Status, after: Status) -> None:
    paused = SellerAccountFactory(paused=True) if status == Status.HELD else SellerAccountFactory()
    action = due_action(order=due_order(account=paused), status=status, not_after=NOW)
    sweep(NOW)
    assert status_of(action) == status
    sweep(NOW + SECOND)
    assert status_of(action) == after
    expected = "" if after in {Status.EXPIRED, Status.CANCELLED} else after.value
    assert Order.objects.get().solicitation == expected


def test_what_is_being_sent_at_the_end_of_the_window_keeps_its_lease() -> None:
    action = due_action(not_after=NOW)
    claim_one(action)
    sweep(NOW + SECOND)
    assert status_of(action) == Status.SENDING


def test_what_was_lost_at_the_end_of_the_window_is_unresolved() -> None:
    action = due_action(not_after=NOW)
    claim_one(action)
    sweep(NOW + 10 * MINUTE)
    assert steps_of(action) == ["queued", "sending", "unconfirmed", "unresolved"]


def test_sweeping_twice_changes_nothing_more() -> None:
    for status in Status:
        due_action(status=status, not_after=NOW - SECOND)
    sweep(NOW + 60 * MINUTE)
    events = ActionEvent.objects.count()
    sweep(NOW + 61 * MINUTE)
    assert ActionEvent.objects.count() == events


@pytest.mark.parametrize("account", [{"paused": True}, {"disconnected": True}])
def test_what_waits_for_an_account_that_may_not_send_is_on_hold(account: dict[str, bool]) -> None:
    waiting = due_action(order=due_order(account=SellerAccountFactory(**account)))
    other = due_action()
    sweep(NOW)
    assert [status_of(one) for one in (waiting, other)] == ["held", "queued"]
    SellerAccount.objects.update(paused_at=None, connection=Connection.CONNECTED)
    sweep(NOW + SECOND)
    assert status_of(waiting) == Status.QUEUED
    assert steps_of(waiting) == ["queued", "held", "queued"]


def test_holds_are_applied_to_the_accounts_named_and_to_no_other() -> None:
    one, other = due_action(), due_action()
    SellerAccount.objects.update(paused_at=NOW)
    apply_holds(at=NOW, account_ids=[one.account_id])
    assert [status_of(action) for action in (one, other)] == ["held", "queued"]
    apply_holds(at=NOW)
    apply_holds(at=NOW)
    assert [steps_of(action) for action in (one, other)] == [["queued", "held"]] * 2


@pytest.mark.parametrize("scope", ["everything", "account", "kind"])
def test_a_kill_switch_holds_what_waits_and_lets_it_go_when_it_is_lifted(scope: str) -> None:
    one, other = due_action(), due_action()
    narrowed = {"everything": {}, "account": {"account": one.account}, "kind": {"kind": one.kind}}
    KillSwitchFactory(**narrowed[scope])
    sweep(NOW)
    stopped = ["held", "queued" if scope == "account" else "held"]
    assert [status_of(action) for action in (one, other)] == stopped
    KillSwitch.objects.update(lifted_at=NOW)
    sweep(NOW + SECOND)
    assert [status_of(action) for action in (one, other)] == ["queued", "queued"]


def test_a_hold_touches_nothing_that_has_left() -> None:
    actions = [due_action(status=status) for status in Status if status != Status.HELD]
    SellerAccount.objects.update(paused_at=NOW)
    apply_holds(at=NOW)
    changed = [one for one in actions if status_of(one) != one.status]
    assert [one.status for one in changed] == [Status.QUEUED]


RETURNS = {
    "throttled": spapi.Throttled("429", status=429),
    "not connected": spapi.ConnectFailed("refused", reason="refused"),
    "held": spapi.AccessDenied("denied", status=403),
}


@pytest.mark.parametrize("said", RETURNS.values(), ids=RETURNS)
def test_what_was_under_way_at_the_stop_and_comes_back_unsent_is_cancelled(
    said: spapi.SpApiError,
) -> None:
    action = due_action(batch=BatchFactory())
    claimed = claim_one(action)
    ann = UserFactory(username="ann")
    assert stop_batch(action.batch, user=ann, at=NOW, account_ids=[action.account_id]) == 0
    answer(claimed, said, NOW + SECOND)
    assert claim([job_of(action)], now=NOW + 5 * MINUTE, worker="test") == []
    sweep(NOW + 5 * MINUTE)
    action.refresh_from_db()
    assert (action.status, action.reason) == (Status.CANCELLED, "Cancelled by ann")
    assert action.events.get(after=Status.CANCELLED).user == ann
    assert Order.objects.get().solicitation == ""


def test_what_was_unconfirmed_at_the_stop_and_did_not_happen_is_cancelled() -> None:
    action = due_action(batch=BatchFactory())
    lose(action)
    stop_batch(action.batch, user=UserFactory(), at=NOW, account_ids=[action.account_id])
    OutgoingAction.objects.filter(pk=action.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=NOW + MINUTE
    )
    sweep(NOW + 2 * MINUTE)
    assert status_of(action) == Status.CANCELLED


def test_what_was_under_way_at_the_stop_and_reached_amazon_is_sent() -> None:
    action = due_action(batch=BatchFactory())
    claimed = claim_one(action)
    stop_batch(action.batch, user=UserFactory(), at=NOW, account_ids=[action.account_id])
    answer(claimed, spapi.Accepted(201), NOW + SECOND)
    sweep(NOW + MINUTE)
    assert status_of(action) == Status.SENT


def test_a_sweep_leaves_what_waits_in_peace() -> None:
    action = due_action()
    send(action, spapi.Throttled("429"))
    sweep(NOW + MINUTE)
    assert steps_of(action) == ["queued", "sending", "queued"]


def test_a_sweep_never_reads_the_whole_table_of_actions() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads a small table whole, whatever the statement")
    due_action()
    with CaptureQueriesContext(connection) as captured:
        sweep(NOW)
    statements = [query["sql"] for query in captured if "messaging_outgoingaction" in query["sql"]]
    assert len(statements) > 5
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
            steps = [detail for _id, _parent, _unused, detail in cursor.fetchall()]
            assert "SCAN messaging_outgoingaction" not in steps, statement
