"""Drives all lanes of a shard: takes up what is due, and keeps every bucket in use.

One thread decides and writes the database; a pool of threads makes the calls and touches nothing
else. It works in turns, a few each second: what came back meanwhile, and what may leave now, of all
lanes, shares a transaction. No speed is lost, since a bucket allows its burst besides its rate. The
order for each action is: look, token, claim committed, lease still ours, call, record.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import threading
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from redis.exceptions import RedisError

from messaging.buckets import LaneLimiter
from messaging.clock import Clock
from messaging.controls import judge, note_control
from messaging.delivery import Claimed, Job, claim
from messaging.doubts import Doubt, doubt_about, settle
from messaging.hints import HintListener
from messaging.lane_book import LaneBook
from messaging.lane_calls import Done, LaneCalls, LookDone, SendDone, UploadDone
from messaging.lanes import Control, Lane, Ready
from messaging.leases import RENEW_SECONDS, ShardLease
from messaging.looks import Look, record_looks
from messaging.results import record
from messaging.states import WATCHED
from sellers.services import connection_after
from solicit_dashboard.redis import get_redis
from spapi import SpApiError

logger = logging.getLogger(__name__)

FIND_DUE_SECONDS = 1.0
SYNCHRONISE_SECONDS = 10.0
LINGER_SECONDS = 5.0
# From turn to turn, at Amazon's usual rate; as much shorter as a lane is faster than that.
TURN_SECONDS = 0.25
LONGEST_WAIT = 0.5
DATABASE_PAUSE_SECONDS = 0.5
SHORTEST_WAIT = 0.05
# How long a driver whose loop broke tries to write what came back: then its leases are over.
LAST_WORDS_SECONDS = 120.0
# Rather than leave the other lanes idle beside a call that hangs, or throw away what was uploaded, a
# driver stays so many times longer than it was told to.
MOST_OVERTIME = 4
# So long at most it sends what it has looked at before it hands over: a bucket fills in that time.
WIND_UP_SECONDS = 5.0


class Driver:
    """Drives one shard until told to stop, its time is over, or nothing is due."""

    def __init__(self, shard: int, *, seconds: float, stop: Callable[[], bool]) -> None:
        self._seconds = seconds
        self._stop = stop
        self._clock = Clock()
        limiter = LaneLimiter(self._clock)
        self._lease = ShardLease(get_redis(), shard, self._clock)
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._lanes = LaneBook(shard, self._clock, limiter)
        self._done: queue.SimpleQueue[Done | int] = queue.SimpleQueue()
        self._looks: list[LookDone] = []
        self._sends: list[SendDone] = []
        self._doubts: list[Doubt] = []
        self._woken: set[int] = set()
        self._find_due_at = 0.0
        self._synchronise_at = 0.0
        self._renew_at = 0.0
        self._turn_at = 0.0
        self._database_pause_until = 0.0
        self._busy_at = 0.0
        self._nobody = threading.Event()
        self._calls = LaneCalls(self._clock, limiter, self._lease, self._done.put)
        self._listener = HintListener(shard, self._done.put)

    def run(self) -> bool:
        """The shard was driven; returns whether work is left. Nothing is done without its lease."""
        if not self._lease.acquire():
            return False
        self._listener.start()
        try:
            self._lanes.load_pace(self._lease.load_state(), self._lease.server_offset())
            work_left = self._drive()
        finally:
            self._end()
        # A click that came too late for us must not wait for the dispatcher.
        return work_left or bool(self._woken)

    def _end(self) -> None:
        """Every call has ended and is written, nobody listens any more, the shard is free."""
        self._calls.wait()
        self._listener.stop()
        # What came back after the loop has broken is not lost; nothing is left when it ended well.
        while not self._done.empty():
            self._sort(self._done.get_nowait())
        give_up_at = self._clock.monotonic() + LAST_WORDS_SECONDS
        while self._sends or self._doubts:
            self._with_database(self._record_sends)
            self._with_database(self._settle_doubts)
            if self._clock.monotonic() > give_up_at:
                logger.error("%s results could not be written.", len(self._sends))
                break
            self._nobody.wait(SHORTEST_WAIT)
        self._lanes.close()
        self._let_go()

    def _let_go(self) -> None:
        """Somebody else may take the shard. What hangs still is written, and nothing more leaves."""
        try:
            self._lease.release(self._lanes.pace(clean=True))
        except RedisError as error:
            logger.warning("The shard's lease will run out by itself: %s", error)

    def _drive(self) -> bool:
        started = self._busy_at = self._clock.monotonic()
        while True:
            now = self._clock.monotonic()
            self._note_work(now)
            self._keep_lease(now)
            self._with_database(self._record_sends)
            self._with_database(self._record_looks)
            self._with_database(self._settle_doubts)
            age = now - started
            overtime = self._overtime(age)
            leaving = self._is_leaving(overtime)
            if not leaving:
                if overtime <= 0:
                    self._with_database(self._find_due)
                    self._start_looks()
                # Those of later would be what it stays for: it would never end in good order.
                if age <= self._seconds or self._calls.any_hangs():
                    self._start_uploads()
                self._with_database(self._start_sends)
                if self._is_idle(now):
                    return False
            elif not self._in_flight():
                return not self._lanes.is_idle
            elif self._lease.is_held() and self._calls.only_hang():
                # Nobody has to wait for these but us.
                self._listener.stop()
                self._let_go()
            # After this turn, in which a lane may have been the first.
            self._turn_at = now + TURN_SECONDS * min(1.0, self._lanes.shortest_interval())
            self._wait(leaving)

    def _overtime(self, age: float) -> float:
        """Seconds since the time was over; negative before.

        An upload may take longer than the time itself. Should what it brought be left behind, each
        driver would upload it anew and none would send it.
        """
        stays = self._calls.any_hangs() or self._lanes.have_uploads
        return age - self._seconds * (MOST_OVERTIME if stays else 1)

    def _is_leaving(self, overtime: float) -> bool:
        """Whether nothing new leaves: told to stop, without the lease, or the time is over.

        What was looked at is sent before: the next driver would have to look at it again.
        """
        if self._stop() or not self._lease.is_held():
            return True
        if not 0 < overtime <= WIND_UP_SECONDS:
            return overtime > 0
        return not self._lanes.have_looked(self._clock.now())

    def _note_work(self, now: float) -> None:
        """A turn that begins with work is never the last: what it drops may be due again."""
        if self._in_flight() or not self._lanes.is_idle:
            self._busy_at = now

    def _is_idle(self, now: float) -> bool:
        self._note_work(now)
        return now - self._busy_at > LINGER_SECONDS

    def _in_flight(self) -> bool:
        return bool(self._looks or self._sends or self._doubts) or self._lanes.has_calls_out

    def _wait(self, leaving: bool) -> None:
        """Returns when somebody clicked, or at a turn in which there is something to do."""
        now = self._clock.monotonic()
        until = min(self._renew_at, now + LONGEST_WAIT)
        if not leaving:
            lanes_at = self._lanes.next_moment(now, self._clock.now())
            until = min(until, self._find_due_at, lanes_at)
        until = max(until, self._turn_at, self._database_pause_until)
        with contextlib.suppress(queue.Empty):
            while True:
                self._sort(self._done.get(timeout=max(0.0, until - self._clock.monotonic())))
                # What came back can wait for its turn, a person's click cannot.
                soon = 0.0 if self._woken else self._turn_at
                until = min(until, max(soon, self._database_pause_until))

    def _sort(self, item: Done | int) -> None:
        now = self._clock.monotonic()
        if isinstance(item, int):
            self._woken.add(item)
            self._find_due_at = 0.0
        elif isinstance(item, UploadDone):
            item.lane.upload_is_over(item.job)
            if item.error is not None:
                failed = LookDone(item.lane, item.job, item.asked_at, item.error, None, True)
                self._looks.append(failed)
        elif isinstance(item, LookDone):
            item.lane.look_is_over(item.pace, now)
            self._looks.append(item)
        else:
            item.lane.send_is_over(item.result.claimed.job, item.pace, now)
            self._sends.append(item)

    def _with_database(self, step: Callable[[], None]) -> None:
        """The step is done, or will be tried again: what it has in hand is kept until it is written."""
        if self._clock.monotonic() < self._database_pause_until:
            return
        try:
            step()
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database is away, tried again in a moment: %s", error)
            self._database_pause_until = self._clock.monotonic() + DATABASE_PAUSE_SECONDS
            with contextlib.suppress(DatabaseError):
                connection.close()

    def _keep_lease(self, now: float) -> None:
        if now < self._renew_at or not self._lease.is_held():
            return
        self._renew_at = now + RENEW_SECONDS
        try:
            self._lease.renew(self._lanes.pace(clean=False))
        except RedisError as error:
            self._renew_at = now + RENEW_SECONDS / 4
            logger.warning("The shard's lease could not be renewed: %s", error)

    def _find_due(self) -> None:
        now = self._clock.monotonic()
        if now < self._find_due_at:
            return
        self._find_due_at = now + FIND_DUE_SECONDS
        if now >= self._synchronise_at:
            self._clock.synchronise()
            self._synchronise_at = now + SYNCHRONISE_SECONDS
        if self._lanes.take_up(self._woken):
            self._busy_at = now
        self._woken.clear()

    def _start_looks(self) -> None:
        wall = self._clock.now()
        for lane in self._lanes:
            while (subject := lane.next_look(self._clock.monotonic(), wall)) is not None:
                self._calls.look(lane, subject, wall)

    def _start_uploads(self) -> None:
        wall = self._clock.now()
        for lane in self._lanes:
            while (job := lane.next_upload()) is not None:
                self._calls.upload(lane, job, wall)

    def _record_looks(self) -> None:
        """Every look in hand is written. Each step can be repeated when the database went away in it."""
        plain: list[tuple[Lane, Look]] = []
        others: list[LookDone] = []
        for done in self._looks:
            if isinstance(done.subject, Job) and done.subject.status not in WATCHED:
                look = Look(done.subject, done.answer, done.asked_at, done.at_upload)
                plain.append((done.lane, look))
            else:
                others.append(done)
        if plain:
            self._record_plain_looks(plain)
            self._looks = others
        while self._looks:
            done = self._looks[0]
            now = self._clock.now()
            if isinstance(done.subject, Control):
                note_control(done.lane, done.subject, done.answer, done.asked_at, now=now)
            else:
                judge(done.lane, Look(done.subject, done.answer, done.asked_at), now=now)
            self._looks = self._looks[1:]

    def _record_plain_looks(self, looks: list[tuple[Lane, Look]]) -> None:
        offered = record_looks([look for _, look in looks], now=self._clock.now())
        ready = {job.action_id for job in offered}
        for lane, look in looks:
            if look.job.action_id in ready:
                lane.is_ready(look.job, look.asked_at)
                lane.note_offer(look.job.marketplace_id, look.asked_at)
            else:
                lane.drop(look.job)
                self._heed(look.answer)

    def _heed(self, answer: object) -> None:
        """What waits for an account that Amazon has shut out is forgotten before it is tried, too."""
        if isinstance(answer, SpApiError) and connection_after(answer) is not None:
            self._find_due_at = 0.0

    def _start_sends(self) -> None:
        if not self._lease.is_held():
            return
        wall = self._clock.now()
        chosen: list[tuple[Lane, Ready]] = []
        for lane in self._lanes:
            while (entry := lane.next_send(self._clock.monotonic(), wall)) is not None:
                chosen.append((lane, entry))
        if not chosen:
            return
        jobs = [entry.job for _, entry in chosen]
        claimed_at = self._clock.boottime()
        claimed: dict[int, Claimed] = {}
        try:
            claims = claim(jobs, now=wall, worker=self._worker)
            claimed = {won.job.action_id: won for won in claims}
        except (OperationalError, InterfaceError):
            # Perhaps it was committed, and only the acknowledgement is lost.
            self._doubts.append(doubt_about(jobs, claimed_at=wall, worker=self._worker))
            raise
        finally:
            for lane, entry in chosen:
                won = claimed.get(entry.job.action_id)
                if won is None:
                    lane.not_claimed(entry.job)
                else:
                    self._calls.send(lane, won, claimed_at, entry.looked_at)

    def _settle_doubts(self) -> None:
        """Claims of which nobody had heard go back into the queue: what they are for has not left."""
        now = self._clock.now()
        self._doubts = [doubt for doubt in self._doubts if not settle(doubt, now=now)]

    def _record_sends(self) -> None:
        if not self._sends:
            return
        batch = self._sends[:]
        record([done.result for done in batch], now=self._clock.now())
        self._sends = self._sends[len(batch) :]
        for done in batch:
            done.lane.drop(done.result.claimed.job)
            self._heed(done.result.answer)
