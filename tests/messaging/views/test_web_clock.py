"""What a click starts counts by the database's clock, as the lanes do, whatever the web server's says."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from messaging.clock import read_database_clock
from messaging.decisions import last_step
from messaging.models import Batch, KillSwitch, OutgoingAction
from messaging.states import Status
from sellers.models import Role, SellerAccount
from tests.factories import (
    ActionAttemptFactory,
    MembershipFactory,
    OrderFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.people.confirming import confirm

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def account() -> SellerAccount:
    account: SellerAccount = SellerAccountFactory()
    return account


@pytest.fixture
def client(account: SellerAccount) -> Client:
    user: User = UserFactory()
    MembershipFactory(user=user, account=account, role=Role.MANAGER)
    client = Client()
    client.force_login(user)
    confirm(client, user)
    return client


@pytest.fixture(params=[-60, 60], ids=["the web server is late", "the web server is early"])
def true_time(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Iterator[datetime]:
    """The database's time, while the clock of the web server is an hour off."""
    settings.SEND_HOLD_SECONDS = 10
    off = request.param * MINUTE
    now = timezone.now
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", lambda: now() + off)
        yield read_database_clock()


def is_near(moment: datetime | None, expected: datetime) -> bool:
    return moment is not None and abs(moment - expected) < MINUTE


def test_a_request_is_held_by_the_databases_clock(
    client: Client, account: SellerAccount, true_time: datetime
) -> None:
    order = OrderFactory(account=account)
    client.post(f"/orders/{account.pk}/{order.amazon_order_id}/request-review/")
    action = OutgoingAction.objects.get()
    assert is_near(action.not_before, true_time)
    assert is_near(action.created_at, true_time)


def test_a_batch_is_held_and_stopped_by_the_databases_clock(
    client: Client, account: SellerAccount, true_time: datetime
) -> None:
    order = OrderFactory(account=account)
    fields = {"order": [order.pk], "confirmed": "1", "client_key": str(uuid.uuid4())}
    client.post("/orders/request-reviews/", fields)
    batch = Batch.objects.get()
    assert is_near(batch.release_at, true_time)
    assert is_near(OutgoingAction.objects.get().not_before, true_time)
    client.post(f"/batches/{batch.pk}/stop/")
    batch.refresh_from_db()
    assert is_near(batch.stopped_at, true_time)


def test_what_is_tried_again_or_cancelled_is_so_by_the_databases_clock(
    client: Client, account: SellerAccount, true_time: datetime
) -> None:
    action = OutgoingActionFactory(order__account=account, status=Status.REFUSED)
    client.post(f"/outbox/{action.pk}/retry/")
    action.refresh_from_db()
    assert is_near(action.not_before, true_time)
    client.post(f"/outbox/{action.pk}/cancel/")
    action.refresh_from_db()
    assert (action.status, is_near(action.status_at, true_time)) == (Status.CANCELLED, True)


@pytest.mark.parametrize(("age", "may"), [(14, False), (16, True)])
def test_the_minutes_before_a_message_is_sent_again_are_the_databases(
    client: Client, account: SellerAccount, true_time: datetime, age: int, may: bool
) -> None:
    action = OutgoingActionFactory(
        order__account=account,
        status=Status.UNCONFIRMED,
        kind="confirmOrderDetails",
        api="messaging",
        created_at=true_time - 60 * MINUTE,
    )
    ended = true_time - age * MINUTE
    ActionAttemptFactory(action=action, unknown=True, claimed_at=ended, finished_at=ended)
    step = last_step(action)
    fields = {
        "choice": "again",
        "reason": "Looked",
        "order_number": action.order.amazon_order_id,
        "seen_step": step.pk if step else 0,
    }
    answer = client.post(f"/outbox/{action.pk}/decide/", fields)
    action.refresh_from_db()
    assert (answer.status_code, action.status) == (
        (302, Status.QUEUED) if may else (422, Status.UNCONFIRMED)
    )


def test_a_pause_of_the_databases_clock_can_be_ended(
    client: Client, account: SellerAccount, true_time: datetime
) -> None:
    client.post(f"/accounts/{account.pk}/pause/")
    account.refresh_from_db()
    assert is_near(account.paused_at, true_time)
    SellerAccount.objects.update(paused_at=read_database_clock())
    client.post(f"/accounts/{account.pk}/resume/")
    account.refresh_from_db()
    assert account.paused_at is None


def test_a_switch_is_set_and_lifted_by_the_databases_clock(
    client: Client, account: SellerAccount, true_time: datetime
) -> None:
    client.post("/stop/", {"account": account.pk, "kind": "", "reason": "a test"})
    switch = KillSwitch.objects.get()
    assert is_near(switch.set_at, true_time)
    client.post(f"/stop/{switch.pk}/lift/")
    switch.refresh_from_db()
    assert is_near(switch.lifted_at, true_time)
