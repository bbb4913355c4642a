"""A driver that is stopped, loses its lease, its Redis or its database: nothing twice, nothing lost."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from django.db import DataError, OperationalError, connections
from django.utils import timezone
from pytest_django import Settings
from redis import RedisError

from messaging import delivery, doubts, driver, lane_book, lane_calls, leases, looks
from messaging.clock import Clock
from messaging.delivery import Claimed, Job, sweep
from messaging.doubts import Doubt
from messaging.driver import Driver
from messaging.hints import wake_key, wake_lanes
from messaging.leases import ShardLease
from messaging.models import ActionAttempt, OutgoingAction
from messaging.results import SendResult
from messaging.results import record as record_results
from messaging.states import Status
from orders.models import Order
from solicit_dashboard.redis import get_redis, redis_key
from tests.messaging.sending import check_records
from tests.messaging.shard import LIST, POST, Shard, drive, driving, states, wait_until

MakeShard = Callable[..., Shard]


def after_claims(number: int) -> Callable[[], bool]:
    """A wish to stop that comes true when so many have been claimed."""
    return lambda: ActionAttempt.objects.count() >= number


def drive_to_the_end(shard: Shard, total: int) -> int:
    """Drivers follow one another until all were sent; returns how many it took.

    What was claimed and then kept from leaving waits for half a minute: here it does not.
    """
    for number in range(1, 20):
        if states()[Status.SENT] == total:
            return number - 1
        now = timezone.now()
        OutgoingAction.objects.filter(status=Status.QUEUED).update(look_at=now, not_before=now)
        drive()
    raise AssertionError(states())


# Stopping and handing over


@pytest.mark.any_database
def test_after_a_stop_nothing_more_is_claimed_and_what_is_under_way_is_finished(
    make_shard: MakeShard,
) -> None:
    shard = make_shard(latency_ms=20)
    asked = shard.ask()
    counts: list[int] = []

    def stop() -> bool:
        counts.append(ActionAttempt.objects.count())
        return counts[-1] >= 4

    assert drive(stop=stop) is True
    first_wish = next(count for count in counts if count >= 4)
    assert ActionAttempt.objects.count() == first_wish
    assert states() == {Status.SENT: first_wish, Status.QUEUED: len(asked) - first_wish}
    shard.check()


def test_a_driver_stopped_before_it_begins_claims_nothing(make_shard: MakeShard) -> None:
    shard = make_shard()
    shard.ask()
    drive(stop=lambda: True)
    assert shard.requests(LIST) == 0
    assert get_redis().get(redis_key("shard", 0, "lease")) is None


@pytest.mark.any_database
def test_a_driver_that_has_ended_takes_no_hint_that_is_meant_for_the_next(
    make_shard: MakeShard,
) -> None:
    shard = make_shard()
    shard.ask(limit=1)
    assert drive() is False
    assert [thread for thread in threading.enumerate() if thread.name == "wake"] == []
    assert get_redis().llen(wake_key(0)) == 0


@pytest.mark.any_database
def test_a_hint_that_comes_while_a_driver_ends_has_the_shard_offered_again(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard()
    end = Driver._end

    def hint_and_end(self: Driver) -> None:
        wake_lanes([shard.accounts[0].pk])
        end(self)

    monkeypatch.setattr(Driver, "_end", hint_and_end)
    assert drive() is True


@pytest.mark.any_database
def test_drivers_that_hand_over_keep_the_pace_between_them(make_shard: MakeShard) -> None:
    shard = make_shard(factor=20, orders=200)
    asked = shard.ask()
    turns = 0
    while drive(seconds=0.25):
        turns += 1
        saved = json.loads(get_redis().get(redis_key("shard", 0, "state")))
        assert all(lane["clean"] for lane in saved.values())
    assert turns >= 2  # on a busy machine one turn does the work of several
    assert states() == {Status.SENT: len(asked)}
    # what one had looked at it sent before it left: nothing was looked at twice
    assert shard.requests(LIST) == len(asked)
    shard.check()


@pytest.mark.any_database
def test_a_driver_that_was_killed_leaves_a_pace_that_nobody_trusts(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state was saved before its last calls; the next driver starts as if all had been used."""
    shard = make_shard(factor=20, orders=200)
    asked = shard.ask()
    with monkeypatch.context() as killed:
        killed.setattr(ShardLease, "release", lambda self, state: None)
        drive(stop=after_claims(8))
    saved = json.loads(get_redis().get(redis_key("shard", 0, "state")))
    assert not any(lane["clean"] for lane in saved.values())
    get_redis().delete(redis_key("shard", 0, "lease"))
    drive_to_the_end(shard, len(asked))
    shard.check()


@pytest.mark.any_database
def test_a_pace_that_cannot_be_read_is_an_empty_bucket(make_shard: MakeShard) -> None:
    shard = make_shard()
    asked = shard.ask(limit=4)
    state = {f"{shard.accounts[0].pk}:solicitations": {"from": "another version"}}
    get_redis().set(redis_key("shard", 0, "state"), json.dumps(state))
    assert drive() is False
    assert states() == {Status.SENT: len(asked)}
    shard.check()


def a_hanging_post(order: Order, seconds: float) -> dict[str, Any]:
    """A fault: the POST for this order is answered by silence for so long."""
    do = {"kind": "hang", "seconds": seconds}
    return {"operation": POST, "order": order.amazon_order_id, "do": do}


def hangs(shard: Shard) -> bool:
    """Whether the POST that is to hang has arrived."""
    return bool(shard.amazon.faults()["rules"][0]["fired"])


@pytest.mark.any_database
def test_a_call_that_hangs_when_the_time_is_over_leaves_no_lane_idle(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver stays, and drives the others, until it can leave without waiting."""
    monkeypatch.setattr(lane_calls, "HANG_SECONDS", 0.2)
    monkeypatch.setattr(driver, "MOST_OVERTIME", 1_000)
    shard = make_shard(factor=20, sellers=2, orders=200)
    asked = shard.ask()
    shard.amazon.set_faults([a_hanging_post(asked[0], 5.0)])
    drive(seconds=0.6)
    assert states() == {Status.UNCONFIRMED: 1, Status.SENT: len(asked) - 1}
    shard.check()


@pytest.mark.any_database
def test_a_call_that_hangs_keeps_a_driver_only_so_long(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_calls, "HANG_SECONDS", 0.1)
    monkeypatch.setattr(driver, "MOST_OVERTIME", 2)
    shard = make_shard(factor=10, orders=400)
    asked = shard.ask()
    shard.amazon.set_faults([a_hanging_post(asked[0], 3.0)])
    assert drive(seconds=0.5) is True
    left = states()
    assert left[Status.UNCONFIRMED] == 1
    assert left[Status.QUEUED] > 10
    shard.check()


@pytest.mark.any_database
def test_a_driver_that_is_stopped_beside_a_call_that_hangs_lets_the_shard_go_and_writes_it_later(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_calls, "HANG_SECONDS", 0.2)
    shard = make_shard(factor=20, orders=200)
    asked = shard.ask()
    shard.amazon.set_faults([a_hanging_post(asked[0], 4.0)])
    stopped = threading.Event()
    with also_driving(stopped.is_set) as leaving:
        wait_until(lambda: hangs(shard), "a POST hangs")
        stopped.set()
        key = redis_key("shard", 0, "lease")
        wait_until(lambda: get_redis().get(key) is None, "the shard is free")
        assert leaving.is_alive()
        assert [thread for thread in threading.enumerate() if thread.name == "wake"] == []
        (lane,) = json.loads(get_redis().get(redis_key("shard", 0, "state"))).values()
        assert lane["clean"] is False  # one call of it is under way
        drive()
        assert states()[Status.SENT] == len(asked) - 1
    assert states() == {Status.UNCONFIRMED: 1, Status.SENT: len(asked) - 1}
    attempt = ActionAttempt.objects.get(action__status=Status.UNCONFIRMED)
    assert (attempt.outcome, attempt.abandoned_at) == ("unknown", None)
    shard.check()


@contextmanager
def also_driving(stop: Callable[[], bool]) -> Iterator[threading.Thread]:
    """Another driver runs in a thread of its own until it is told to stop; has ended after the block."""

    def run() -> None:
        try:
            drive(stop=stop)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name="leaving driver")
    thread.start()
    try:
        yield thread
    finally:
        thread.join(30)
    assert not thread.is_alive()


# Leases


@pytest.mark.any_database
def test_without_its_shards_lease_a_claimed_action_does_not_leave(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard()
    asked = shard.ask(limit=6)
    leases: list[ShardLease] = []
    acquire = ShardLease.acquire

    def remember(lease: ShardLease) -> bool:
        leases.append(lease)
        return acquire(lease)

    def claim_and_lose(jobs: Sequence[Job], **options: Any) -> list[Claimed]:
        claimed = delivery.claim(jobs, **options)
        leases[-1].good_until = 0.0
        return claimed

    monkeypatch.setattr(ShardLease, "acquire", remember)
    with monkeypatch.context() as losing:
        losing.setattr(driver, "claim", claim_and_lose)
        assert drive() is True
    assert shard.posts() == []
    attempts = ActionAttempt.objects.all()
    assert attempts
    assert {(one.outcome, one.code) for one in attempts} == {("not_sent", "Aborted")}
    assert states() == {Status.QUEUED: len(asked)}
    OutgoingAction.objects.update(look_at=timezone.now(), not_before=timezone.now())
    assert drive() is False
    assert states() == {Status.SENT: len(asked)}
    shard.check()


@pytest.mark.any_database
@pytest.mark.parametrize("clock", ["boottime", "now"])
def test_a_machine_that_slept_between_the_claim_and_the_call_sends_nothing(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """The clock that runs on while the machine sleeps shows an hour more: no lease, no look is good."""
    shard = make_shard()
    asked = shard.ask(limit=3)
    slept = [0.0]
    boottime, now = Clock.boottime, Clock.now
    if clock == "boottime":
        monkeypatch.setattr(Clock, "boottime", lambda self: boottime(self) + slept[0])
    else:
        # only the look has grown old: the leases would still do
        monkeypatch.setattr(Clock, "now", lambda self: now(self) + timedelta(seconds=slept[0]))

    def claim_and_sleep(jobs: Sequence[Job], **options: Any) -> list[Claimed]:
        claimed = delivery.claim(jobs, **options)
        slept[0] = 3600.0
        return claimed

    monkeypatch.setattr(driver, "claim", claim_and_sleep)
    drive(stop=lambda: bool(slept[0]))
    assert shard.posts() == []
    attempts = ActionAttempt.objects.all()
    assert {(one.outcome, one.code) for one in attempts} == {("not_sent", "Aborted")}
    assert states() == {Status.QUEUED: len(asked)}


@pytest.mark.any_database
def test_a_redis_that_forgets_everything_costs_a_driver_and_no_action(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "RENEW_SECONDS", 0.5)
    shard = make_shard(factor=20, orders=200)
    asked = shard.ask()
    forgot: list[int] = []

    def forget() -> bool:
        if len(shard.posts()) >= 5 and not forgot:
            get_redis().flushall()
            forgot.append(1)
        return False

    assert drive(stop=forget) is True
    assert forgot
    assert states()[Status.SENT] < len(asked)
    drive_to_the_end(shard, len(asked))
    shard.check()


@pytest.mark.any_database
def test_a_redis_that_is_away_stops_the_driver_when_its_lease_has_run_out(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", 500)
    monkeypatch.setattr(driver, "RENEW_SECONDS", 0.1)
    shard = make_shard(factor=20, orders=200)
    asked = shard.ask()

    def away(self: ShardLease, state: Any) -> bool:
        raise RedisError("away")

    with monkeypatch.context() as cut_off:
        cut_off.setattr(ShardLease, "renew", away)
        assert drive() is True
    left = states()
    assert set(left) <= {Status.SENT, Status.QUEUED}
    assert left.get(Status.SENT, 0) <= 15  # half a second's worth
    assert left[Status.QUEUED] == len(asked) - left.get(Status.SENT, 0)
    drive_to_the_end(shard, len(asked))
    shard.check()


@pytest.mark.any_database
def test_a_shard_that_somebody_else_took_is_left_to_them(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "RENEW_SECONDS", 0.5)
    shard = make_shard(factor=20, orders=200)
    asked = shard.ask()
    key = redis_key("shard", 0, "lease")

    def lose() -> bool:
        if len(shard.posts()) >= 3:
            get_redis().set(key, "somebody else", px=60_000)
        return False

    assert drive(stop=lose) is True
    assert get_redis().get(key) == b"somebody else"
    left = states()
    assert set(left) == {Status.SENT, Status.QUEUED}
    assert drive() is False
    assert states() == left
    get_redis().delete(key)
    drive_to_the_end(shard, len(asked))
    shard.check()


# The database


def failing(function: Callable[..., Any], times: int, *, after: bool = False) -> Callable[..., Any]:
    """The function, whose first calls find the database away (`after`: their commit is lost)."""
    left = [times]

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if left[0]:
            left[0] -= 1
            if after:
                function(*arguments, **options)
            raise OperationalError("the server closed the connection unexpectedly")
        return function(*arguments, **options)

    return wrapped


@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize(
    ("module", "step"),
    [(driver, "record"), (driver, "record_looks"), (lane_book, "take_up")],
    ids=["record", "record_looks", "take_up"],
)
def test_a_database_that_is_away_for_a_moment_costs_nothing(
    make_shard: MakeShard,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    step: str,
    after: bool,
) -> None:
    """What came back meanwhile is kept until it is written."""
    monkeypatch.setattr(driver, "DATABASE_PAUSE_SECONDS", 0.1)
    shard = make_shard()
    asked = shard.ask()
    monkeypatch.setattr(driver, "LINGER_SECONDS", 4.0)
    monkeypatch.setattr(module, step, failing(getattr(module, step), 2, after=after))
    drive(stop=lambda: states()[Status.SENT] == len(asked))
    assert states() == {Status.SENT: len(asked)}
    assert len(shard.posts()) == len(asked)
    assert set(ActionAttempt.objects.values_list("outcome", flat=True)) == {"accepted"}
    shard.check()


def test_a_claim_whose_commit_was_lost_on_the_way_is_read_again_and_goes_back_into_the_queue(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands, and nothing was sent for it: its attempt says so, and it is sent a little later."""
    monkeypatch.setattr(driver, "DATABASE_PAUSE_SECONDS", 0.1)
    shard = make_shard()
    asked = shard.ask()
    monkeypatch.setattr(driver, "claim", failing(driver.claim, 1, after=True))
    assert drive() is False
    lost = states()[Status.QUEUED]
    assert lost >= 1
    assert states() == {Status.SENT: len(asked) - lost, Status.QUEUED: lost}
    attempts = ActionAttempt.objects.filter(action__status=Status.QUEUED)
    assert {(one.number, one.outcome, one.code) for one in attempts} == {(1, "not_sent", "Aborted")}
    OutgoingAction.objects.update(look_at=timezone.now(), not_before=timezone.now())
    assert drive() is False
    assert states() == {Status.SENT: len(asked)}
    assert len(shard.posts()) == len(asked)
    shard.check()


def test_a_claim_that_may_stand_is_left_to_the_sweeper_when_its_lease_is_over(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Nobody could say in time whether it stands: it is looked after like any worker's that died."""
    monkeypatch.setattr(driver, "DATABASE_PAUSE_SECONDS", 0.05)
    settings.LEASE_SECONDS, settings.CALL_DEADLINE_SECONDS = 3, 2.5
    shard = make_shard()
    asked = shard.ask(limit=4)

    def never_known(_doubt: Doubt) -> list[Claimed]:
        raise OperationalError("still away")

    monkeypatch.setattr(doubts, "standing_claims", never_known)
    monkeypatch.setattr(driver, "claim", failing(driver.claim, 1, after=True))
    assert drive() is False
    lost = states()[Status.SENDING]
    assert lost >= 1
    sweep(timezone.now() + timedelta(seconds=4))
    assert states()[Status.UNCONFIRMED] == lost
    assert states()[Status.SENT] == len(shard.posts())
    # on a busy machine a call may have waited too long for its turn
    assert states()[Status.SENT] + states()[Status.QUEUED] == len(asked) - lost
    check_records(OutgoingAction.objects.all())


def test_a_claim_that_failed_is_made_again(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "DATABASE_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(driver, "LINGER_SECONDS", 1.5)
    shard = make_shard()
    asked = shard.ask(limit=8)
    monkeypatch.setattr(driver, "claim", failing(driver.claim, 2))
    drive(stop=lambda: states()[Status.SENT] == len(asked))
    assert states() == {Status.SENT: len(asked)}
    shard.check()


def test_what_is_under_way_when_the_driver_breaks_is_written_all_the_same(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard(latency_ms=100)
    shard.ask()
    start_sends = Driver._start_sends

    def start_and_break(self: Driver) -> None:
        start_sends(self)
        if ActionAttempt.objects.count() >= 3:
            raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Driver, "_start_sends", start_and_break)
    with pytest.raises(ZeroDivisionError):
        drive()
    assert not states()[Status.SENDING]
    assert states()[Status.SENT] == len(shard.posts()) >= 3
    assert get_redis().get(redis_key("shard", 0, "lease")) is None
    shard.check()


def test_what_comes_back_to_a_broken_driver_is_written_when_the_database_is_back(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "DATABASE_PAUSE_SECONDS", 0.1)
    shard = make_shard(latency_ms=100)
    shard.ask(limit=5)

    def start_and_break(self: Driver) -> None:
        start_sends(self)
        if ActionAttempt.objects.exists():
            monkeypatch.setattr(driver, "record", failing(driver.record, 3))
            raise ZeroDivisionError("a bug")

    start_sends = Driver._start_sends
    monkeypatch.setattr(Driver, "_start_sends", start_and_break)
    with pytest.raises(ZeroDivisionError):
        drive()
    assert not states()[Status.SENDING]
    assert states()[Status.SENT] == len(shard.posts()) >= 1
    shard.check()


@pytest.mark.parametrize(
    ("module", "step"), [(delivery, "_claim"), (looks, "_record_looks")], ids=["claim", "look"]
)
def test_a_row_that_the_database_will_not_have_costs_no_other_one(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch, module: ModuleType, step: str
) -> None:
    shard = make_shard()
    asked = shard.ask(limit=5)
    poison = OutgoingAction.objects.order_by("not_after", "pk").first()
    assert poison is not None
    real = getattr(module, step)

    def choke(items: Sequence[Any], *arguments: Any) -> Any:
        jobs = [getattr(item, "job", item) for item in items]
        if poison.pk in {job.action_id for job in jobs}:
            raise DataError("value out of range")
        return real(items, *arguments)

    monkeypatch.setattr(module, step, choke)
    assert drive() is False
    assert states() == {Status.SENT: len(asked) - 1, Status.QUEUED: 1}
    poison.refresh_from_db()
    assert poison.look_at > timezone.now() + timedelta(minutes=9)
    assert "fault of ours" in poison.reason
    shard.check()


def test_results_that_come_while_the_database_is_away_for_long_are_written_when_it_is_back(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Away for as long as the test likes: the driver keeps its shard and tries again."""
    monkeypatch.setattr(driver, "DATABASE_PAUSE_SECONDS", 0.05)
    shard = make_shard()
    asked = shard.ask(limit=5)
    away, tries = [True], [0]

    def record(results: Sequence[SendResult], *, now: datetime) -> Any:
        if away[0]:
            tries[0] += 1
            raise OperationalError("away")
        return record_results(results, now=now)

    monkeypatch.setattr(driver, "record", record)
    with driving():
        wait_until(lambda: tries[0] >= 5, "the driver has tried five times")
        assert states()[Status.SENT] == 0
        away[0] = False
        wait_until(lambda: states() == {Status.SENT: len(asked)}, "all was written")
    check_records(OutgoingAction.objects.all())
    shard.check()
