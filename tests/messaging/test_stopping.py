"""The kill switch and the pause: they stop at once, hold what waits, and let it go again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from audit.models import AuditEvent, AuditKind
from messaging import stopping
from messaging.delivery import claim, sweep
from messaging.models import ActionAttempt, ActionEvent, KillSwitch, OutgoingAction
from messaging.states import Status
from messaging.stopping import (
    lift_switch,
    may_stop_everything,
    pause_sending,
    resume_sending,
    set_switch,
    try_sending_again,
)
from sellers.models import Connection, Role, SellerAccount
from tests.factories import (
    KillSwitchFactory,
    MembershipFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.messaging.sending import NOW, due_action, job_of, status_of
from tests.messaging.shard import Shard, driving, states, wait_until

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def ann() -> User:
    person: User = UserFactory(username="ann")
    return person


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The accounts whose lanes were woken."""
    ids: list[int] = []
    monkeypatch.setattr(stopping, "wake_lanes_on_commit", lambda accounts: ids.extend(accounts))
    return ids


@pytest.mark.parametrize("scope", ["everything", "account", "kind", "kind of account"])
def test_a_switch_holds_what_it_covers_and_nothing_else(scope: str, ann: User) -> None:
    inside, outside = due_action(), due_action()
    if scope == "kind":
        OutgoingAction.objects.filter(pk=outside.pk).update(kind="another")
    account = inside.account if scope in ("account", "kind of account") else None
    kind = inside.kind if scope.startswith("kind") else ""
    switch, is_new = set_switch(account=account, kind=kind, user=ann, at=NOW, reason="Wrong item")
    assert is_new
    assert (switch.set_by, switch.set_at, switch.reason) == (ann, NOW, "Wrong item")
    assert status_of(inside) == Status.HELD
    assert status_of(outside) == (Status.HELD if scope == "everything" else Status.QUEUED)
    event = AuditEvent.objects.get(kind=AuditKind.STOPPED)
    assert (event.user, event.account_id) == (ann, account.pk if account else None)
    assert event.detail == {"switch": switch.pk, "reason": "Wrong item"}


def test_lifting_lets_go_what_no_other_cause_holds(ann: User, woken: list[int]) -> None:
    free, paused, stopped = due_action(), due_action(), due_action()
    pause_sending(paused.account, user=ann, at=NOW)
    set_switch(account=stopped.account, kind="", user=ann, at=NOW, reason="Theirs")
    switch, _ = set_switch(account=None, kind="", user=ann, at=NOW, reason="All")
    assert lift_switch(switch, user=ann, at=LATER)
    assert [status_of(one) for one in (free, paused, stopped)] == ["queued", "held", "held"]
    assert (switch.lifted_at, switch.lifted_by) == (LATER, ann)
    event = AuditEvent.objects.get(kind=AuditKind.LIFTED)
    assert (event.user, event.subject, event.detail) == (ann, "everything", {"switch": switch.pk})
    # what may send is woken; the paused account is not
    assert set(woken) == {free.account_id, stopped.account_id}


def test_a_switch_is_lifted_once(ann: User) -> None:
    switch = KillSwitchFactory()
    assert lift_switch(switch, user=ann, at=NOW)
    bob = UserFactory(username="bob")
    assert not lift_switch(switch, user=bob, at=LATER)
    assert (switch.lifted_by, switch.lifted_at) == (ann, NOW)
    assert AuditEvent.objects.filter(kind=AuditKind.LIFTED).count() == 1


@pytest.mark.parametrize("of_account", [True, False])
@pytest.mark.parametrize("kind", ["", "productReviewAndSellerFeedback"])
def test_the_same_switch_stands_once(of_account: bool, kind: str, ann: User) -> None:
    account = SellerAccountFactory() if of_account else None
    first, _ = set_switch(account=account, kind=kind, user=ann, at=NOW, reason="First")
    bob = UserFactory(username="bob")
    again, is_new = set_switch(account=account, kind=kind, user=bob, at=LATER, reason="Second")
    assert (again.pk, is_new, again.reason) == (first.pk, False, "First")
    assert KillSwitch.objects.count() == AuditEvent.objects.filter(kind="stopped").count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        KillSwitchFactory(account=account, kind=kind)
    # once lifted, it may be set again
    lift_switch(first, user=ann, at=LATER)
    assert set_switch(account=account, kind=kind, user=bob, at=LATER, reason="Third")[1]


def test_what_it_stops_is_named() -> None:
    account = SellerAccountFactory(name="Nordwind")
    kind = "productReviewAndSellerFeedback"
    assert KillSwitch().scope == "everything"
    assert KillSwitch(account=account).scope == "Nordwind"
    assert KillSwitch(kind=kind).scope == "Review request of every account"
    assert KillSwitch(kind="gone", account=account).scope == "gone of Nordwind"


def test_it_stands_before_anything_is_put_on_hold(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bookkeeping may fail or last: claims are refused all the same, and the sweeper does it."""

    def fail(**_options: object) -> None:
        raise DatabaseError("the database went away")

    monkeypatch.setattr(stopping, "apply_holds", fail)
    action = due_action()
    with pytest.raises(DatabaseError):
        set_switch(account=None, kind="", user=ann, at=NOW, reason="Stop")
    assert status_of(action) == Status.QUEUED
    assert not OutgoingAction.objects.claimable(NOW).filter(pk=job_of(action).action_id).exists()


def test_a_pause_holds_and_a_resume_lets_go(ann: User, woken: list[int]) -> None:
    action, other = due_action(), due_action()
    account = action.account
    assert pause_sending(account, user=ann, at=NOW, reason="Stock is counted")
    assert (account.paused_by, account.pause_reason) == (ann, "Stock is counted")
    assert [status_of(action), status_of(other)] == ["held", "queued"]
    assert AuditEvent.objects.get(kind="paused").detail == {"reason": "Stock is counted"}
    assert not pause_sending(account, user=UserFactory(), at=LATER, reason="Again")
    assert account.pause_reason == "Stock is counted"
    assert resume_sending(account, user=ann, at=LATER)
    assert (account.paused_at, account.pause_reason) == (None, "")
    assert status_of(action) == Status.QUEUED
    assert woken == [account.pk]
    assert not resume_sending(account, user=ann, at=LATER)
    assert AuditEvent.objects.filter(kind="resumed").count() == 1
    steps = ActionEvent.objects.filter(action=action).values_list("after", flat=True)
    assert list(steps) == ["held", "queued"]


@pytest.mark.parametrize("trouble", [Connection.RECONNECT, Connection.ROLE_MISSING])
def test_after_amazons_refusal_it_is_tried_again(
    trouble: Connection, ann: User, woken: list[int]
) -> None:
    action = due_action()
    account = action.account
    SellerAccount.objects.update(connection=trouble, trouble="invalid_client")
    account.refresh_from_db()
    stopping.apply_holds(at=NOW, account_ids=[account.pk])
    assert status_of(action) == Status.HELD
    assert try_sending_again(account, user=ann, at=LATER)
    assert (account.connection, account.trouble) == (Connection.CONNECTED, "")
    assert status_of(action) == Status.QUEUED
    assert woken == [account.pk]
    assert AuditEvent.objects.get(kind="resumed").detail == {"after": trouble}
    assert not try_sending_again(account, user=ann, at=LATER)


def test_a_disconnected_account_is_not_tried_again(ann: User) -> None:
    account = SellerAccountFactory(disconnected=True)
    assert not try_sending_again(account, user=ann, at=NOW)
    assert account.connection == Connection.DISCONNECTED
    assert not AuditEvent.objects.exists()


def test_who_may_stop_everything() -> None:
    first, second = SellerAccountFactory(), SellerAccountFactory()
    person = UserFactory()
    MembershipFactory(user=person, account=first, role=Role.MANAGER)
    assert not may_stop_everything(person)
    other = MembershipFactory(user=person, account=second, role=Role.OPERATOR)
    assert not may_stop_everything(person)
    other.role = Role.MANAGER
    other.save()
    assert may_stop_everything(person)
    assert may_stop_everything(UserFactory(is_superuser=True))
    assert not may_stop_everything(UserFactory(is_staff=True))


def test_where_there_is_no_account_a_superuser_alone_may_stop_everything() -> None:
    assert may_stop_everything(UserFactory(is_superuser=True))
    assert not may_stop_everything(UserFactory())


def test_lanes_are_woken_after_the_commit(
    ann: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    account = SellerAccountFactory(paused=True)
    ids: list[int] = []
    monkeypatch.setattr("messaging.hints.wake_lanes", ids.extend)
    with django_capture_on_commit_callbacks() as callbacks:
        resume_sending(account, user=ann, at=timezone.now())
    assert ids == []
    for callback in callbacks:
        callback()
    assert ids == [account.pk]


def test_nothing_is_claimed_a_second_after_the_click(
    make_shard: Callable[..., Shard],
) -> None:
    """While two sellers' queues are being sent, everything is stopped, and later let go again."""
    shard = make_shard(sellers=2, orders=240, factor=10)
    asked = shard.ask()
    ann = UserFactory()
    with driving():
        wait_until(lambda: states()[Status.SENT] >= 5, "five are sent")
        at = timezone.now()
        switch, _ = set_switch(account=None, kind="", user=ann, at=at, reason="Stop")
        wait_until(lambda: not states()[Status.SENDING], "what was under way has ended")
        assert states()[Status.HELD] > 20
        assert states()[Status.QUEUED] == 0
    late = ActionAttempt.objects.filter(claimed_at__gt=at + timedelta(seconds=1))
    assert late.count() == 0
    sent = states()[Status.SENT]
    assert sent + states()[Status.HELD] == len(asked)
    lift_switch(switch, user=ann, at=timezone.now())
    with driving():
        wait_until(lambda: states()[Status.SENT] > sent, "sending goes on")
    shard.check()


@pytest.mark.parametrize("stop", ["switch", "pause"])
def test_a_stop_stands_although_its_holds_could_not_be_written(
    stop: str, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = due_action()

    def away(**_options: object) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(stopping, "apply_holds", away)
    if stop == "switch":
        _switch, done = set_switch(
            account=action.account, kind="", user=ann, at=NOW, reason="a test"
        )
    else:
        done = pause_sending(action.account, user=ann, at=NOW)
    assert done
    assert claim([job_of(action)], now=NOW, worker="test:1") == []
    sweep(NOW)
    assert status_of(action) == "held"


def test_a_lifted_stop_is_lifted_although_nothing_could_be_let_go_yet(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = due_action()
    switch, _ = set_switch(account=action.account, kind="", user=ann, at=NOW, reason="a test")

    def away(**_options: object) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(stopping, "apply_holds", away)
    assert lift_switch(switch, user=ann, at=LATER)
    sweep(LATER)
    assert status_of(action) == "queued"
