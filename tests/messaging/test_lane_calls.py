"""The threads that call: whatever comes of a call is handed in once, and the last question is asked."""

import queue
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from pytest_django import Settings

import spapi
from messaging import lane_calls
from messaging.action_types import Api
from messaging.buckets import LaneLimiter
from messaging.clock import Clock
from messaging.delivery import Claimed
from messaging.lane_calls import LaneCalls, LeaseLostError, LookDone, LookTooOldError, SendDone
from messaging.lanes import Control, Lane
from messaging.leases import ShardLease
from tests.messaging.sending import ACCEPTED, NOW, OFFERED
from tests.messaging.test_lanes import ACCOUNT, job

Said = spapi.Accepted | spapi.OfferedActions | BaseException


class HeldLease:
    """A lease that is held until the test says otherwise."""

    held = True

    def is_held(self) -> bool:
        return self.held


class Desk:
    """Where the calls of one lane are handed in."""

    def __init__(self, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said = said
        self.asked: list[tuple[str, str]] = []
        self.threads: list[str] = []
        self.done: queue.SimpleQueue[LookDone | SendDone] = queue.SimpleQueue()
        self.clock = Clock()
        self.lease = HeldLease()
        self.lane = Lane(ACCOUNT, Api.SOLICITATIONS, cast(spapi.Client, None), now=0.0)
        limiter = LaneLimiter(self.clock)
        lease = cast(ShardLease, self.lease)
        self.calls = LaneCalls(self.clock, limiter, lease, self.done.put)
        monkeypatch.setattr(lane_calls, "ask_offers", self._answer)
        monkeypatch.setattr(lane_calls, "send_action", self._send)

    def _answer(self, *_details: Any, order: str, marketplace: str, **_more: Any) -> Any:
        self.asked.append((order, marketplace))
        self.threads.append(threading.current_thread().name)
        if isinstance(self.said, BaseException):
            raise self.said
        return self.said

    def _send(self, *details: Any, before_send: Callable[[], None], **about: Any) -> Any:
        before_send()
        return self._answer(*details, **about)

    def look(self, subject: Any, asked_at: datetime = NOW) -> LookDone:
        self.calls.look(self.lane, subject, asked_at)
        return cast(LookDone, self._handed_in())

    def send(self) -> SendDone:
        claimed = Claimed(job=job(1), attempt_id=7, had_unconfirmed=False)
        self.calls.send(self.lane, claimed, self.clock.boottime(), self.clock.now())
        return cast(SendDone, self._handed_in())

    def _handed_in(self) -> LookDone | SendDone:
        self.calls.wait()
        done = self.done.get_nowait()
        assert self.done.empty(), "handed in twice"
        return done


@pytest.fixture
def desk_that_hears(monkeypatch: pytest.MonkeyPatch) -> Callable[[Said], Desk]:
    return lambda said: Desk(said, monkeypatch)


FAILURES = [spapi.NoAnswer(reason="reset"), spapi.Throttled("429"), spapi.InvalidGrant("gone")]


def test_a_look_hands_in_what_amazon_offers(desk_that_hears: Callable[[Said], Desk]) -> None:
    desk = desk_that_hears(OFFERED)
    done = desk.look(job(3))
    assert (done.answer, done.asked_at, done.lane) == (OFFERED, NOW, desk.lane)
    assert desk.asked == [(job(3).amazon_order_id, job(3).marketplace_id)]


def test_a_look_at_a_control_is_one_at_its_order(desk_that_hears: Callable[[Said], Desk]) -> None:
    desk, control = desk_that_hears(OFFERED), Control("302-1", "A1PA6795UKMFR9", "kind")
    assert desk.look(control).subject == control
    assert desk.asked == [("302-1", "A1PA6795UKMFR9")]


def test_a_send_hands_in_what_amazon_said(desk_that_hears: Callable[[Said], Desk]) -> None:
    done = desk_that_hears(ACCEPTED).send()
    assert (done.result.answer, done.result.claimed.attempt_id) == (ACCEPTED, 7)
    assert done.result.duration_ms is not None


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_an_error_of_amazons_is_an_answer(
    desk_that_hears: Callable[[Said], Desk], error: spapi.SpApiError
) -> None:
    assert desk_that_hears(error).look(job(1)).answer is error
    assert desk_that_hears(error).send().result.answer is error


def test_an_error_that_nobody_foresaw_is_an_unknown_outcome(
    desk_that_hears: Callable[[Said], Desk],
) -> None:
    """It may have happened after the bytes had left: a bug of ours must not send twice."""
    answer = desk_that_hears(ZeroDivisionError("a secret")).send().result.answer
    assert isinstance(answer, spapi.NoAnswer)
    assert (answer.effect, answer.message) == ("unknown", "Internal error: ZeroDivisionError")
    assert isinstance(desk_that_hears(KeyError("x")).look(job(1)).answer, spapi.NoAnswer)


def test_calls_are_made_by_threads_that_the_tests_keep_from_the_database(
    desk_that_hears: Callable[[Said], Desk],
) -> None:
    desk = desk_that_hears(OFFERED)
    desk.look(job(1))
    assert [name.partition("_")[0] for name in desk.threads] == ["lane"]


def test_a_call_leaves_only_while_both_leases_and_the_look_are_good(
    desk_that_hears: Callable[[Said], Desk], settings: Settings
) -> None:
    """What is left of the action's 180 s has to cover the call's 45 s and the writing."""
    settings.LEASE_SECONDS, settings.CALL_DEADLINE_SECONDS = 180.0, 45.0
    desk = desk_that_hears(ACCEPTED)
    check, now, boot = desk.calls.check_once_more, desk.clock.now(), desk.clock.boottime()
    check(boot - 124, now - timedelta(seconds=58))
    with pytest.raises(LeaseLostError, match="action"):
        check(boot - 126, now)
    with pytest.raises(LookTooOldError):
        check(boot, now - timedelta(seconds=61))
    desk.lease.held = False
    with pytest.raises(LeaseLostError, match="shard"):
        check(boot, now)


def test_the_last_question_is_asked_in_the_thread_that_sends(
    desk_that_hears: Callable[[Said], Desk],
) -> None:
    desk = desk_that_hears(ACCEPTED)
    desk.lease.held = False
    answer = desk.send().result.answer
    assert isinstance(answer, spapi.NoAnswer)  # the client would make Aborted of it
    assert answer.message == "Internal error: LeaseLostError"
    assert desk.asked == []


def test_a_call_hangs_when_it_has_been_out_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(ACCEPTED, monkeypatch)
    go_on, now = threading.Event(), [100.0]
    monkeypatch.setattr(Clock, "monotonic", lambda _self: now[0])
    monkeypatch.setattr(lane_calls, "ask_offers", lambda *_a, **_o: go_on.wait(20) and OFFERED)
    assert (desk.calls.any_hangs(), desk.calls.only_hang()) == (False, False)
    desk.calls.look(desk.lane, job(1), NOW)
    assert (desk.calls.any_hangs(), desk.calls.only_hang()) == (False, False)
    now[0] += lane_calls.HANG_SECONDS + 0.1
    assert (desk.calls.any_hangs(), desk.calls.only_hang()) == (True, True)
    desk.calls.look(desk.lane, job(2), NOW)
    assert (desk.calls.any_hangs(), desk.calls.only_hang()) == (True, False)
    go_on.set()
    desk.calls.wait()
    assert (desk.calls.any_hangs(), desk.calls.only_hang()) == (False, False)
