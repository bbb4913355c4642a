"""A driver that makes one step at a time, so that it can die, hang and be overtaken between any two.

It puts the product's own pieces together in the order of `messaging.driver`: take up, look, record
the look, claim, check the leases, call, record. Threads, Redis and the pace are left out. Everything
is called through its module, where `bugs` puts its mistakes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from messaging import controls, delivery, looks, results
from messaging.action_types import Api
from messaging.buckets import Answer
from messaging.delivery import Claimed, Job
from messaging.doubts import Doubt, doubt_about, standing_claims
from messaging.lane_calls import LaneCalls, LeaseLostError, LookTooOldError
from messaging.lanes import Control, Lane
from messaging.looks import Look
from messaging.models import OutgoingAction
from messaging.results import SendResult
from messaging.states import WATCHED
from sellers.models import SellerAccount
from spapi import Aborted, Accepted, OfferedActions, SpApiError
from tests.model.amazon import Amazon, List, Post
from tests.model.trouble import T, Trouble
from tests.model.world import ModelClock, ModelLease

STEP_SECONDS = 0.05


class Observer(Protocol):
    """Who looks over the driver's shoulder."""

    def open_lanes(self) -> set[tuple[int, str]]: ...
    def about_to_post(self, claimed: Claimed, lease: ModelLease) -> None: ...
    def answered(self, claimed: Claimed, answer: Accepted | SpApiError) -> None: ...
    def recorded(self, sends: list[SendResult]) -> None: ...


@dataclass
class LookCall:
    lane: Lane
    subject: Job | Control
    asked_at: Any = None
    answer: OfferedActions | SpApiError | None = None


@dataclass
class SendCall:
    lane: Lane
    claimed: Claimed
    claimed_at: float
    looked_at: Any


class ModelDriver:
    """One process that drives all lanes, step by step."""

    def __init__(self, name: str, clock: ModelClock, amazon: Amazon, observer: Observer) -> None:
        self.name = name
        self._clock = clock
        self._amazon = amazon
        self._observer = observer
        self.lease = ModelLease(clock)
        self._leases = LaneCalls(clock, None, self.lease, lambda done: None)  # type: ignore[arg-type]
        self._lanes: dict[tuple[int, str], Lane] = {}
        self.look_calls: list[LookCall] = []
        self.send_calls: list[SendCall] = []
        self.looks: list[LookCall] = []
        self.sends: list[tuple[Lane, SendResult]] = []
        self._doubts: list[Doubt] = []
        self.trouble: Trouble | None = None

    # What can be done next

    def is_at(self, stage: str) -> bool:
        """Whether it has come so far that a crash now would leave something of that stage behind."""
        return {
            "looking": bool(self.look_calls),
            "looked": bool(self.looks),
            "ready": any(lane.ready for lane in self._lanes.values()),
            "claimed": bool(self.send_calls),
            "posted": bool(self.sends),
            "idle": False,
        }[stage]

    def next_steps(self) -> list[str]:
        """The steps that would do something now, beside taking up."""
        lanes = self._lanes.values()
        now, wall = self._clock.monotonic() + STEP_SECONDS, self._clock.now()
        possible = {
            "post": bool(self.send_calls),
            "ask": bool(self.look_calls),
            "record_looks": bool(self.looks),
            "record_sends": bool(self.sends),
            "settle_doubts": bool(self._doubts),
            "claim": any(e.job.not_before <= wall for lane in lanes for e in lane.ready),
            "look": any(
                (lane.pending or lane.controls) and lane.next_moment(now, wall) <= now
                for lane in lanes
            ),
        }
        return [name for name, is_possible in possible.items() if is_possible]

    def holds(self) -> bool:
        """Whether it waits for the end of a hold."""
        return any(lane.ready for lane in self._lanes.values())

    def step(self, name: str, list_fate: List, post_fate: Post) -> None:
        """One step is made; what the database would not take stays in hand."""
        self._clock.pass_(STEP_SECONDS)
        self._amazon.settle()
        if name == "ask":
            self._ask(list_fate)
        elif name == "post":
            self._post(post_fate)
        else:
            # the loop renews its lease; the threads that call only ask whether it is held
            self.lease.renew()
            getattr(self, f"_{name}")()

    # The steps

    def _take_up(self) -> None:
        wall = self._clock.now()
        waiting = [pk for lane in self._lanes.values() for pk in lane.waiting()]
        if waiting:
            actions = OutgoingAction.objects.filter(pk__in=waiting)
            due = set(actions.due(wall).values_list("pk", flat=True))
            for lane in self._lanes.values():
                lane.keep_only(due)
        open_lanes = self._observer.open_lanes()
        for account in SellerAccount.objects.reachable():
            for api in Api:
                if (account.pk, api.value) in open_lanes:
                    lane = self._lane(account, api)
                    self._try("take_up", lambda: self._fill(lane, wall))  # noqa: B023 - called at once

    def _fill(self, lane: Lane, wall: Any) -> None:
        lane.add(delivery.take_up(lane.account, lane.api, now=wall, limit=30, but_not=lane.in_hand))

    def _lane(self, account: SellerAccount, api: Api) -> Lane:
        lane = self._lanes.get((account.pk, api))
        if lane is None:
            client: Any = None  # the calls are made here
            lane = Lane(account, api, client, now=self._clock.monotonic() - 1)
            self._lanes[account.pk, api] = lane
        lane.account = account
        return lane

    def _look(self) -> None:
        wall = self._clock.now()
        for lane in self._lanes.values():
            while (subject := lane.next_look(self._clock.monotonic(), wall)) is not None:
                self.look_calls.append(LookCall(lane, subject, asked_at=wall))

    def _ask(self, fate: List) -> None:
        call = self.look_calls.pop(0)
        subject, lane = call.subject, call.lane
        order = subject.order if isinstance(subject, Control) else subject.amazon_order_id
        try:
            call.answer = self._amazon.look(lane.account.pk, lane.api, order, fate)
        except SpApiError as error:
            call.answer = error
        lane.look_is_over(self._pace(), self._clock.monotonic())
        self.looks.append(call)

    def _record_looks(self) -> None:
        """As `Driver._record_looks`: the plain ones together, the watched ones one by one."""
        plain = [done for done in self.looks if _is_plain(done.subject)]
        if plain:
            found = [_look_of(done) for done in plain]
            offered = self._try(
                "record_looks", lambda: looks.record_looks(found, now=self._clock.now())
            )
            if offered is None:
                return
            self.looks = [done for done in self.looks if not _is_plain(done.subject)]
            ready = {job.action_id for job in offered}
            for done, look in zip(plain, found, strict=True):
                if look.job.action_id in ready:
                    done.lane.is_ready(look.job, look.asked_at)
                    done.lane.note_offer(look.job.marketplace_id, look.asked_at)
                else:
                    done.lane.drop(look.job)
        while self.looks:
            done = self.looks[0]
            if self._try("record_looks", lambda: self._judge(done) or True) is None:  # noqa: B023 - called at once
                return
            self.looks = self.looks[1:]

    def _judge(self, done: LookCall) -> None:
        now = self._clock.now()
        if isinstance(done.subject, Control):
            assert done.answer is not None
            controls.note_control(done.lane, done.subject, done.answer, done.asked_at, now=now)
        else:
            controls.judge(done.lane, _look_of(done), now=now)

    def _claim(self) -> None:
        wall = self._clock.now()
        chosen = []
        for lane in self._lanes.values():
            while (entry := lane.next_send(self._clock.monotonic(), wall)) is not None:
                chosen.append((lane, entry))
        if not chosen:
            return
        jobs = [entry.job for _, entry in chosen]
        claims = self._try("claim", lambda: delivery.claim(jobs, now=wall, worker=self.name))
        if claims is None:
            # perhaps it was committed, and only the acknowledgement is lost
            self._doubts.append(doubt_about(jobs, claimed_at=wall, worker=self.name))
            claims = []
        won = {claim.job.action_id: claim for claim in claims}
        for lane, entry in chosen:
            claim = won.get(entry.job.action_id)
            if claim is None:
                lane.not_claimed(entry.job)
            else:
                at = self._clock.boottime()
                self.send_calls.append(SendCall(lane, claim, at, entry.looked_at))

    def _post(self, fate: Post) -> None:
        call = self.send_calls.pop(0)
        claimed = call.claimed
        answer: Accepted | SpApiError
        job = claimed.job
        try:
            self._check_once_more(call)
            self._observer.about_to_post(claimed, self.lease)
            answer = self._amazon.post(job.amazon_order_id, job.kind, claimed.attempt_id, fate)
        except SpApiError as error:
            answer = error
        self._observer.answered(claimed, answer)
        call.lane.send_is_over(job, self._pace(), self._clock.monotonic())
        self.sends.append((call.lane, SendResult(claimed, answer, duration_ms=12)))

    def _check_once_more(self, call: SendCall) -> None:
        try:
            self._leases.check_once_more(call.claimed_at, call.looked_at)
        except (LeaseLostError, LookTooOldError) as error:
            raise Aborted(str(error)) from error

    def _settle_doubts(self) -> None:
        doubt, now = self._doubts[0], self._clock.now()
        answer = Aborted("The commit of its claim was not acknowledged.")

        def settle() -> bool:
            if not doubt.is_over(now):
                stand = [SendResult(one, answer, None) for one in standing_claims(doubt)]
                for one in stand:
                    self._observer.answered(one.claimed, answer)
                results.record(stand, now=now)
            return True

        if self._try("settle_doubts", settle):
            self._doubts.pop(0)

    def _record_sends(self) -> None:
        batch = [result for _, result in self.sends]
        if (
            self._try("record_sends", lambda: results.record(batch, now=self._clock.now()) or True)
            is None
        ):
            return
        for lane, result in self.sends:
            lane.drop(result.claimed.job)
        self.sends = []
        self._observer.recorded(batch)

    def _pace(self) -> Answer:
        return Answer(at=self._clock.monotonic(), status=None, rate=None)

    def _try(self, name: str, work: Callable[[], T]) -> T | None:
        """What the work returns; None when the database went away."""
        trouble = self.trouble
        if trouble is None or trouble.work != name:
            return work()
        self.trouble = None
        return trouble.befall(work)


def _is_plain(subject: Job | Control) -> bool:
    return isinstance(subject, Job) and subject.status not in WATCHED


def _look_of(done: LookCall) -> Look:
    assert isinstance(done.subject, Job)
    assert done.answer is not None
    return Look(done.subject, done.answer, done.asked_at)
