"""Stopping a batch of any size: nothing of it leaves from the click on, whatever happens next."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from audit.models import AuditEvent
from messaging.delivery import claim, sweep
from messaging.models import Batch, OutgoingAction, OutgoingActionQuerySet
from messaging.services import apply_holds, cancel_stopped, cancelling, stop_batch
from messaging.states import Status
from sellers.models import SellerAccount
from tests.factories import BatchFactory, SellerAccountFactory, UserFactory
from tests.messaging.sending import NOW, due_action, due_order, job_of, status_of, steps_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    user: User = UserFactory(username="ann")
    return user


@pytest.fixture
def account() -> SellerAccount:
    account: SellerAccount = SellerAccountFactory()
    return account


@pytest.fixture
def actions(account: SellerAccount) -> list[OutgoingAction]:
    batch = BatchFactory()
    statuses = [Status.QUEUED, Status.HELD, Status.QUEUED, Status.HELD, Status.QUEUED]
    return [
        due_action(order=due_order(account=account), batch=batch, status=status)
        for status in statuses
    ]


@pytest.fixture
def chunks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many actions each transaction has cancelled; two at most are allowed."""
    sizes: list[int] = []
    cancel: Callable[..., int] = cancelling._cancel

    def noted(actions: OutgoingActionQuerySet, **how: object) -> int:
        sizes.append(cancel(actions, **how))
        return sizes[-1]

    monkeypatch.setattr(cancelling, "_cancel", noted)
    monkeypatch.setattr(cancelling, "CANCEL_CHUNK", 2)
    return sizes


def stop(actions: list[OutgoingAction], user: User) -> int:
    batch = actions[0].batch
    assert batch is not None
    return stop_batch(batch, user=user, at=NOW, account_ids=[actions[0].account_id])


def test_a_stop_cancels_few_at_a_time_in_the_order_of_their_ids(
    actions: list[OutgoingAction], ann: User, chunks: list[int]
) -> None:
    assert stop(actions, ann) == 5
    assert chunks == [2, 2, 1]
    assert {status_of(one) for one in actions} == {Status.CANCELLED}
    assert AuditEvent.objects.get().detail == {"stopped": 5}
    ordered = OutgoingAction.objects.order_by("events__pk").filter(events__after=Status.CANCELLED)
    sizes = [sorted(one.pk for one in actions)[start : start + 2] for start in (0, 2, 4)]
    cancelled = list(ordered.values_list("pk", flat=True))
    assert [sorted(cancelled[start : start + 2]) for start in (0, 2, 4)] == sizes


def test_the_sweeper_too_cancels_few_at_a_time(
    actions: list[OutgoingAction], ann: User, chunks: list[int]
) -> None:
    OutgoingAction.objects.update(stop_asked_by=ann)
    cancel_stopped(at=NOW)
    assert chunks == [2, 2, 1]
    assert {status_of(one) for one in actions} == {Status.CANCELLED}


@pytest.mark.parametrize("error", [OperationalError("the database is away"), SystemExit()])
@pytest.mark.django_db(transaction=True)
def test_what_a_stop_did_not_come_to_is_not_claimed_and_the_sweeper_cancels_it(
    actions: list[OutgoingAction],
    ann: User,
    chunks: list[int],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    cancel = cancelling._cancel

    def once_and_then_not(some: OutgoingActionQuerySet, **how: object) -> int:
        if chunks:
            raise error
        return cancel(some, **how)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(cancelling, "_cancel", once_and_then_not)
        if isinstance(error, OperationalError):
            assert stop(actions, ann) == 5
        else:
            with pytest.raises(SystemExit):
                stop(actions, ann)
    apply_holds(at=NOW)
    assert sorted(status_of(one) for one in actions) == ["cancelled"] * 2 + ["queued"] * 3
    assert claim([job_of(one) for one in actions], now=NOW, worker="test") == []
    batch = Batch.objects.get()
    assert (batch.stopped_by, batch.stopped_at) == (ann, NOW)
    assert AuditEvent.objects.get().detail == {"stopped": 5}
    sweep(NOW)
    for action in actions:
        action.refresh_from_db()
        assert (action.status, action.reason) == (Status.CANCELLED, "Cancelled by ann")
        assert action.events.get(after=Status.CANCELLED).user == ann


def test_nothing_is_cancelled_in_the_transaction_that_stops(
    actions: list[OutgoingAction], ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: whoever waits for the mark waits for one statement, and not for more."""
    seen: list[tuple[int, int]] = []

    def look(some: OutgoingActionQuerySet, **how: object) -> int:
        marked = OutgoingAction.objects.filter(stop_asked_by=ann)
        seen.append((marked.count(), len(connection.savepoint_ids)))
        return 0

    depth = len(connection.savepoint_ids)
    monkeypatch.setattr(cancelling, "_cancel", look)
    assert stop(actions, ann) == 5
    assert seen == [(5, depth)]


def test_the_count_is_right_though_the_sweeper_is_sooner(
    actions: list[OutgoingAction], ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = cancelling._cancel_marked

    def late(some: OutgoingActionQuerySet, **how: object) -> None:
        sweep(NOW)
        finish(some, at=NOW)

    monkeypatch.setattr(cancelling, "_cancel_marked", late)
    with monkeypatch.context() as patched:
        patched.setattr(
            "messaging.delivery.cancel_stopped",
            lambda at: finish(OutgoingAction.objects.all(), at=at),
        )
        assert stop(actions, ann) == 5
    assert AuditEvent.objects.get().detail == {"stopped": 5}
    assert all(steps_of(one).count("cancelled") == 1 for one in actions)


def test_two_who_stop_the_same_are_told_of_each_action_once(
    actions: list[OutgoingAction], ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(cancelling, "_cancel_marked", lambda some, at: None)
        assert stop(actions, ann) == 5
    bob = UserFactory(username="bob")
    assert stop(actions, bob) == 0
    for action in actions:
        action.refresh_from_db()
        assert (action.status, action.reason) == (Status.CANCELLED, "Cancelled by ann")


def test_what_is_cancelled_is_no_more_among_what_the_sweeper_looks_for(
    actions: list[OutgoingAction], ann: User
) -> None:
    stop(actions, ann)
    assert not OutgoingAction.objects.filter(stop_asked_by__isnull=False).exists()
