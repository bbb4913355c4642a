"""One writer of states: what it changes, what it refuses, and what it leaves alone."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.models import ActionEvent, Batch, KillSwitch, OutgoingAction
from messaging.models import actions as action_models
from messaging.states import OPEN, TAKEN, WATCHED, Status, may_follow
from sellers.models import Role
from tests.factories import (
    ActionAttemptFactory,
    BatchFactory,
    KillSwitchFactory,
    MembershipFactory,
    OrderFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def fields_for(action: OutgoingAction, after: Status) -> dict[str, Any]:
    """What a row needs in that state: a lease, or evidence."""
    if after == Status.SENDING:
        return {"lease_until": AT + timedelta(minutes=3)}
    if after == Status.SENT:
        action.attempts.filter(finished_at=None).update(abandoned_at=AT)
        return {"sent_attempt": ActionAttemptFactory(action=action, accepted=True)}
    return {}


def replay(action: OutgoingAction) -> str:
    """The state that the events alone lead to; fails where one does not follow from the last."""
    state: str = Status.QUEUED
    for event in ActionEvent.objects.filter(action=action).order_by("pk"):
        assert event.before == state
        state = event.after
    return state


@pytest.mark.parametrize(
    ("before", "after"),
    [pair for pair in product(Status, Status) if may_follow(*pair)],
    ids=lambda state: state.value,
)
def test_a_step_moves_the_action_writes_its_event_and_tells_the_order(
    before: Status, after: Status
) -> None:
    action = OutgoingActionFactory(status=before)
    ann = UserFactory()
    moved = OutgoingAction.objects.filter(pk=action.pk).transition(
        before, after, at=AT, user=ann, reason="because", **fields_for(action, after)
    )
    assert moved == [action.pk]
    action.refresh_from_db()
    assert (action.status, action.status_at, action.reason) == (after, AT, "because")
    event = ActionEvent.objects.filter(action=action).order_by("pk").last()
    assert event is not None
    assert (event.before, event.after, event.at) == (before, after, AT)
    assert (event.user, event.reason) == (ann, "because")
    assert replay(action) == after
    action.order.refresh_from_db()
    assert action.order.solicitation == (after.value if after in TAKEN else "")
    assert action.order.solicitation_at == AT


@pytest.mark.parametrize(
    ("before", "after"),
    [pair for pair in product(Status, Status) if not may_follow(*pair)],
    ids=lambda state: state.value,
)
def test_a_step_that_is_not_listed_raises_and_changes_nothing(
    before: Status, after: Status
) -> None:
    action = OutgoingActionFactory(status=before)
    events = ActionEvent.objects.count()
    with pytest.raises(ValueError, match=f"from {before} to {after}"):
        OutgoingAction.objects.filter(pk=action.pk).transition(before, after, at=AT)
    action.refresh_from_db()
    assert action.status == before
    assert ActionEvent.objects.count() == events


def test_what_somebody_else_has_moved_is_left_alone() -> None:
    mine, moved = OutgoingActionFactory.create_batch(2)
    both = OutgoingAction.objects.filter(pk__in=[mine.pk, moved.pk])
    OutgoingAction.objects.filter(pk=moved.pk).transition(Status.QUEUED, Status.HELD, at=AT)
    assert both.transition(Status.QUEUED, Status.CANCELLED, at=AT) == [mine.pk]
    moved.refresh_from_db()
    assert moved.status == Status.HELD
    assert replay(moved) == Status.HELD


def test_many_are_moved_in_several_statements_and_none_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(action_models, "TRANSITION_CHUNK", 2)
    actions = OutgoingActionFactory.create_batch(5)
    moved = OutgoingAction.objects.all().transition(Status.QUEUED, Status.HELD, at=AT)
    assert moved == sorted(action.pk for action in actions)
    assert set(OutgoingAction.objects.values_list("status", flat=True)) == {Status.HELD}
    assert all(replay(action) == Status.HELD for action in actions)


def test_a_step_that_moves_nothing_writes_nothing() -> None:
    OutgoingActionFactory(status=Status.SENT)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert OutgoingAction.objects.all().transition(Status.QUEUED, Status.HELD, at=AT) == []
    assert not [q for q in queries if q["sql"].startswith(("UPDATE", "INSERT"))]


def test_due_is_what_waits_or_is_watched_and_whose_look_has_come() -> None:
    for status in Status:
        OutgoingActionFactory(status=status, look_at=AT)
    due = OutgoingAction.objects.due(AT)
    assert set(due.values_list("status", flat=True)) == {Status.QUEUED, *WATCHED}
    assert not OutgoingAction.objects.due(AT - timedelta(microseconds=1)).exists()


def test_open_is_what_still_moves() -> None:
    for status in Status:
        OutgoingActionFactory(status=status)
    assert set(OutgoingAction.objects.open().values_list("status", flat=True)) == OPEN


def claimable_at(action: OutgoingAction, moment: datetime) -> bool:
    return OutgoingAction.objects.filter(pk=action.pk).claimable(moment).exists()


@pytest.mark.parametrize("status", list(Status))
def test_only_a_queued_action_may_be_claimed(status: Status) -> None:
    action = OutgoingActionFactory(status=status)
    assert claimable_at(action, timezone.now()) == (status == Status.QUEUED)


def test_an_action_may_be_claimed_from_the_first_to_the_last_moment_of_its_time() -> None:
    first, last = AT, AT + timedelta(days=3)
    action = OutgoingActionFactory(not_before=first, not_after=last)
    moments = [first - timedelta(milliseconds=1), first, last, last + timedelta(milliseconds=1)]
    assert [claimable_at(action, moment) for moment in moments] == [False, True, True, False]


@pytest.mark.parametrize("trait", ["paused", "disconnected", "needs_reconnect"])
def test_nothing_is_claimed_for_an_account_that_may_not_send(trait: str) -> None:
    account = SellerAccountFactory(**{trait: True})
    action = OutgoingActionFactory(order=OrderFactory(account=account))
    assert not claimable_at(action, timezone.now())


def test_a_kill_switch_stops_its_account_its_kind_or_everything_while_it_stands() -> None:
    action, other = OutgoingActionFactory.create_batch(2)
    now = timezone.now()
    scopes: list[tuple[dict[str, Any], list[bool]]] = [
        ({}, [False, False]),
        ({"account": action.account}, [False, True]),
        ({"kind": action.kind}, [False, False]),
        ({"account": action.account, "kind": action.kind}, [False, True]),
        ({"kind": "anotherKind"}, [True, True]),
        ({"account": action.account, "kind": "anotherKind"}, [True, True]),
    ]
    for scope, expected in scopes:
        switch = KillSwitchFactory(**scope)
        assert [claimable_at(one, now) for one in (action, other)] == expected, scope
        KillSwitch.objects.filter(pk=switch.pk).update(lifted_at=now)
        assert [claimable_at(one, now) for one in (action, other)] == [True, True], scope


def test_what_somebody_stopped_while_it_was_under_way_is_not_claimed_when_it_is_back() -> None:
    action = OutgoingActionFactory(stop_asked_by=UserFactory())
    assert not claimable_at(action, timezone.now())


def test_people_see_the_actions_and_batches_of_their_accounts_alone() -> None:
    batch = BatchFactory()
    mine, foreign = OutgoingActionFactory.create_batch(2, batch=batch)
    others = OutgoingActionFactory(batch=BatchFactory())
    viewer = MembershipFactory(account=mine.account, role=Role.VIEWER).user
    assert list(OutgoingAction.objects.for_user(viewer)) == [mine]
    assert list(OutgoingAction.objects.for_user(viewer, Role.OPERATOR)) == []
    assert list(Batch.objects.for_user(viewer)) == [batch]
    assert list(Batch.objects.for_user(UserFactory())) == []
    assert {foreign.account_id, others.account_id}.isdisjoint({mine.account_id})
