"""The clockwork: offers for shards with something due, sweeps, and a driver that hands itself on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from messaging import tasks
from messaging.clock import Clock
from messaging.leases import ShardLease
from messaging.models import LedgerCheck, OutgoingAction
from messaging.states import WATCHED, Status
from orders.models import Order
from sellers.models import Connection, SellerAccount
from solicit_dashboard.celery import app
from solicit_dashboard.redis import get_redis, redis_key
from tests.factories import OrderFactory, OutgoingActionFactory, SellerAccountFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_empty")]
HOUR = timedelta(hours=1)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, redis_empty: None) -> list[int]:
    """The shards that were offered; a worker has just shown that it is there."""
    shards: list[int] = []
    monkeypatch.setattr(tasks, "offer_shard", shards.append)
    get_redis().set(redis_key("seen", "worker"), int(timezone.now().timestamp()))
    return shards


def an_account(settings: Settings, shard: int) -> SellerAccount:
    """An account of that shard."""
    while True:
        account: SellerAccount = SellerAccountFactory()
        if account.pk % settings.LANE_SHARDS == shard:
            return account


def due(account: SellerAccount, **fields: Any) -> OutgoingAction:
    action: OutgoingAction = OutgoingActionFactory(order=OrderFactory(account=account), **fields)
    return action


def test_every_shard_with_something_due_is_offered_once(
    settings: Settings, offered: list[int]
) -> None:
    settings.LANE_SHARDS = 4
    for shard in (1, 1, 3):
        due(an_account(settings, shard))
    due(an_account(settings, 2), look_at=timezone.now() + HOUR)
    tasks.dispatch()
    assert sorted(offered) == [1, 3]


def test_a_shard_that_is_driven_is_not_offered(settings: Settings, offered: list[int]) -> None:
    settings.LANE_SHARDS = 2
    for shard in (0, 1):
        due(an_account(settings, shard))
    assert ShardLease(get_redis(), 1, Clock()).acquire()
    tasks.dispatch()
    assert offered == [0]


def test_a_driven_shard_is_a_sign_of_life(offered: list[int]) -> None:
    get_redis().delete(redis_key("seen", "worker"))
    assert ShardLease(get_redis(), 0, Clock()).acquire()
    tasks.dispatch()
    assert offered == []
    assert get_redis().exists(redis_key("seen", "worker"))


def test_workers_without_a_sign_of_life_are_asked_for_one(
    settings: Settings, offered: list[int]
) -> None:
    settings.LANE_SHARDS = 3
    silent_since = int(timezone.now().timestamp()) - tasks.LIFE_SIGN_SECONDS
    get_redis().set(redis_key("seen", "worker"), silent_since)
    tasks.dispatch()
    assert offered == [0, 1, 2]


@pytest.mark.parametrize("status", list(Status))
def test_a_shard_is_offered_for_what_waits_or_is_watched(
    settings: Settings, offered: list[int], status: Status
) -> None:
    due(SellerAccountFactory(), status=status)
    tasks.dispatch()
    assert bool(offered) == (status in {Status.QUEUED, *WATCHED})


@pytest.mark.parametrize("connection", [Connection.DISCONNECTED, Connection.RECONNECT])
def test_no_driver_is_sent_round_for_an_account_that_cannot_be_reached(
    offered: list[int], connection: Connection
) -> None:
    """What is watched there stays due for weeks; nobody could look."""
    due(SellerAccountFactory(connection=connection), status=Status.UNCONFIRMED)
    tasks.dispatch()
    assert offered == []


def test_the_dispatcher_and_the_worker_leave_a_sign_of_life(
    monkeypatch: pytest.MonkeyPatch, offered: list[int]
) -> None:
    tasks.dispatch()
    monkeypatch.setattr(tasks.Driver, "run", lambda self: False)
    tasks.drive_lanes(0)
    now = timezone.now().timestamp()
    for name in ("dispatcher", "worker"):
        assert abs(int(get_redis().get(redis_key("seen", name))) - now) < 60


def test_a_sweep_finds_what_was_lost() -> None:
    lost = OutgoingActionFactory(status=Status.SENDING)
    OutgoingAction.objects.filter(pk=lost.pk).update(lease_until=timezone.now() - HOUR)
    closed = OutgoingActionFactory(not_after=timezone.now() - HOUR)
    tasks.sweep()
    assert [OutgoingAction.objects.get(pk=one.pk).status for one in (lost, closed)] == [
        "unconfirmed",
        "expired",
    ]


@pytest.mark.parametrize(
    ("work_left", "stopping", "offers"),
    [(True, False, [5]), (False, False, []), (True, True, [])],
    ids=["work is left", "all is done", "told to stop"],
)
def test_a_driver_hands_itself_on_when_work_is_left(
    monkeypatch: pytest.MonkeyPatch,
    offered: list[int],
    work_left: bool,
    stopping: bool,
    offers: list[int],
) -> None:
    driven: list[int] = []

    class Driver:
        def __init__(self, shard: int, *, seconds: float, stop: Callable[[], bool]) -> None:
            driven.append(shard)
            assert 30 <= seconds <= 60
            assert stop() is stopping

        def run(self) -> bool:
            return work_left

    monkeypatch.setattr(tasks, "Driver", Driver)
    monkeypatch.setattr(tasks, "stop_requested", lambda: stopping)
    tasks.drive_lanes(5)
    assert (driven, offered) == ([5], offers)


def test_the_clockwork_runs_the_tasks_that_there_are() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] <= 120


def test_tasks_carry_ids_and_take_no_time_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Due times live in the rows: nothing here is retried, counted down or kept as a result."""
    for name in ("drive_lanes", "dispatch", "sweep", "check_ledger"):
        task = app.tasks[f"messaging.tasks.{name}"]
        assert task.max_retries in (0, 3)
        assert not task.acks_late
        assert task.ignore_result


def test_a_paused_account_is_looked_after_but_not_sent_for(offered: list[int]) -> None:
    """Looks at what is unconfirmed go on; what waits is on hold."""
    account = SellerAccountFactory(paused=True)
    due(account, status=Status.HELD)
    tasks.dispatch()
    assert offered == []
    due(account, status=Status.UNCONFIRMED)
    tasks.dispatch()
    assert offered == [0]
    assert Order.objects.count() == 2


def test_the_records_are_checked_once_for_each_tick() -> None:
    lost = OutgoingActionFactory(status=Status.SENDING)
    OutgoingAction.objects.filter(pk=lost.pk).update(lease_until=timezone.now() - HOUR)
    tasks.check_ledger()
    kept = LedgerCheck.objects.get()
    assert kept.counts == {"lease": 1}
    tasks.sweep()
    tasks.check_ledger()
    assert LedgerCheck.objects.get().at == kept.at
