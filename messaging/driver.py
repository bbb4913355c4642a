"""Drives all lanes of a shard: takes up what is due, and keeps every bucket in use.

One thread decides and writes the database; a pool of threads makes the calls and touches nothing
else. Results and claims of many lanes share a transaction. The order for each action is: look,
token, claim committed, lease still ours, call, record.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Mod
from redis.exceptions import RedisError

from messaging.action_types import Api
from messaging.buckets import LaneLimiter
from messaging.clock import Clock
from messaging.controls import judge, note_control
from messaging.delivery import Claimed, Job, claim, take_up
from messaging.hints import NOBODY, stop_listening, wake_key
from messaging.lane_calls import LaneCalls, LookDone, SendDone
from messaging.lanes import TAKE_AT_ONCE, Control, Lane, Ready
from messaging.leases import RENEW_SECONDS, ShardLease
from messaging.looks import Look, record_looks
from messaging.models import OutgoingAction
from messaging.results import record
from messaging.states import WATCHED
from sellers.clients import client_for
from sellers.encryption import SecretUnreadableError
from sellers.models import SellerAccount
from sellers.services import connection_after
from solicit_dashboard.redis import get_redis
from spapi import SpApiError

logger = logging.getLogger(__name__)

FIND_DUE_SECONDS = 1.0
LINGER_SECONDS = 5.0
SHORTEST_WAIT = 0.003
LONGEST_WAIT = 0.5
DATABASE_PAUSE_SECONDS = 0.5


class Driver:
    """Drives one shard until told to stop, its time is over, or nothing is due."""

    def __init__(self, shard: int, *, seconds: float, stop: Callable[[], bool]) -> None:
        self._shard = shard
        self._seconds = seconds
        self._stop = stop
        self._clock = Clock()
        self._limiter = LaneLimiter(self._clock)
        self._lease = ShardLease(get_redis(), shard, self._clock)
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._lanes: dict[tuple[int, str], Lane] = {}
        self._saved: dict[str, Any] = {}
        self._server_offset = 0.0
        self._done: queue.SimpleQueue[LookDone | SendDone | int] = queue.SimpleQueue()
        self._looks: list[LookDone] = []
        self._sends: list[SendDone] = []
        self._woken: set[int] = set()
        self._find_due_at = 0.0
        self._renew_at = 0.0
        self._database_pause_until = 0.0
        self._busy_at = 0.0
        self._ended = threading.Event()
        self._calls = LaneCalls(self._clock, self._limiter, self._lease, self._done.put)

    def run(self) -> bool:
        """The shard was driven; returns whether work is left. Nothing is done without its lease."""
        if not self._lease.acquire():
            return False
        waker = threading.Thread(target=self._listen, name="wake", daemon=True)
        waker.start()
        try:
            self._server_offset = self._lease.server_offset()
            self._saved = self._lease.load_state()
            work_left = self._drive()
        finally:
            self._end(waker)
        # A click that came too late for us must not wait for the dispatcher.
        return work_left or bool(self._woken)

    def _end(self, waker: threading.Thread) -> None:
        """Every call has ended and is written, nobody listens any more, the shard is free."""
        self._calls.wait()
        self._ended.set()
        stop_listening(self._shard)
        waker.join(2.0)
        self._write_what_is_left()
        for lane in self._lanes.values():
            lane.client.close()
        try:
            self._lease.release(self._state(clean=True))
        except RedisError as error:
            logger.warning("The shard's lease will run out by itself: %s", error)

    # The loop

    def _drive(self) -> bool:
        started = self._busy_at = self._clock.monotonic()
        while True:
            now = self._clock.monotonic()
            self._keep_lease(now)
            self._with_database(self._record_looks)
            self._with_database(self._record_sends)
            leaving = self._stop() or now - started > self._seconds or not self._lease.is_held()
            if leaving:
                if not self._in_flight():
                    return any(not lane.is_idle for lane in self._lanes.values())
            else:
                self._with_database(self._find_due)
                self._start_looks()
                self._with_database(self._start_sends)
                if self._is_idle(now):
                    return False
            self._wait(leaving)

    def _write_what_is_left(self) -> None:
        """What came back after the loop has broken is not lost; nothing is left when it ended well."""
        while not self._done.empty():
            self._sort(self._done.get_nowait())
        self._with_database(self._record_sends)

    def _is_idle(self, now: float) -> bool:
        if self._in_flight() or any(not lane.is_idle for lane in self._lanes.values()):
            self._busy_at = now
        return now - self._busy_at > LINGER_SECONDS

    def _in_flight(self) -> bool:
        return bool(self._looks or self._sends) or any(
            lane.looking or lane.sending for lane in self._lanes.values()
        )

    def _wait(self, leaving: bool) -> None:
        """Returns when something came back, somebody clicked, or a lane's next moment has come."""
        now = self._clock.monotonic()
        until = min(self._renew_at, now + LONGEST_WAIT)
        if not leaving:
            wall = self._clock.now()
            until = min(
                [
                    until,
                    self._find_due_at,
                    *(lane.next_moment(now, wall) for lane in self._lanes.values()),
                ]
            )
        until = max(until, self._database_pause_until, now + SHORTEST_WAIT)
        try:
            self._sort(self._done.get(timeout=until - now))
            while True:
                self._sort(self._done.get_nowait())
        except queue.Empty:
            return

    def _sort(self, item: LookDone | SendDone | int) -> None:
        now = self._clock.monotonic()
        if isinstance(item, int):
            self._woken.add(item)
            self._find_due_at = 0.0
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

    # Lease and pace

    def _keep_lease(self, now: float) -> None:
        if now < self._renew_at:
            return
        self._renew_at = now + RENEW_SECONDS / 2
        try:
            self._lease.renew(self._state(clean=False))
        except RedisError as error:
            logger.warning("The shard's lease could not be renewed: %s", error)

    def _state(self, *, clean: bool) -> dict[str, Any]:
        now = self._clock.monotonic()
        server_time = now + self._server_offset
        for (account_id, api), lane in self._lanes.items():
            self._saved[f"{account_id}:{api}"] = lane.dump(
                now, server_time=server_time, clean=clean
            )
        return self._saved

    def _listen(self) -> None:
        """Clicks wake the driver: account ids from Redis, as they come."""
        key = wake_key(self._shard)
        while not self._ended.is_set():
            try:
                woken = get_redis().blpop([key], timeout=1)
                if woken and int(woken[1]) != NOBODY:
                    self._done.put(int(woken[1]))
            except RedisError:
                self._ended.wait(1.0)

    # Taking up

    def _find_due(self) -> None:
        now = self._clock.monotonic()
        if now < self._find_due_at:
            return
        self._find_due_at = now + FIND_DUE_SECONDS
        self._clock.synchronise()
        wall = self._clock.now()
        self._forget_overtaken(wall)
        for api in Api:
            for account in self._accounts_with_due(api):
                lane = self._lane(account, api, now)
                if lane is not None and (lane.wants_more or account.pk in self._woken):
                    lane.add(
                        take_up(account, api, now=wall, limit=TAKE_AT_ONCE, but_not=lane.in_hand)
                    )
        self._woken.clear()

    def _forget_overtaken(self, wall: datetime) -> None:
        """What was stopped or put on hold since it was taken up is not looked at in vain."""
        waiting = [pk for lane in self._lanes.values() for pk in lane.waiting()]
        if waiting:
            actions = OutgoingAction.objects.filter(pk__in=waiting)
            due = set(actions.due(wall).values_list("pk", flat=True))
            for lane in self._lanes.values():
                lane.keep_only(due)

    def _accounts_with_due(self, api: Api) -> list[SellerAccount]:
        due = OutgoingAction.objects.filter(account=OuterRef("pk"), api=api).due(self._clock.now())
        return list(
            SellerAccount.objects.reachable()
            .annotate(shard=Mod(F("pk"), settings.LANE_SHARDS))
            .filter(Exists(due), shard=self._shard)
            .select_related("application")
        )

    def _lane(self, account: SellerAccount, api: Api, now: float) -> Lane | None:
        lane = self._lanes.get((account.pk, api))
        token = bytes(account.refresh_token_encrypted)
        if lane is not None and bytes(lane.account.refresh_token_encrypted) == token:
            return lane
        try:
            client = client_for(account, limiter=self._limiter)
        except (ValueError, SecretUnreadableError) as error:
            logger.error("Account %s cannot be reached: %s", account.pk, error)
            return None
        if lane is not None:
            lane.account, lane.client = account, client
            return lane
        lane = self._lanes[account.pk, api] = Lane(account, api, client, now=now)
        saved = self._saved.get(f"{account.pk}:{api}")
        if saved is not None:
            try:
                lane.restore(saved, server_time=now + self._server_offset, now=now)
            except (KeyError, TypeError, ValueError):
                logger.warning("A saved pace could not be read; the lane starts as if emptied.")
        return lane

    # Looks

    def _start_looks(self) -> None:
        wall = self._clock.now()
        for lane in self._lanes.values():
            while (subject := lane.next_look(self._clock.monotonic(), wall)) is not None:
                self._calls.look(lane, subject, wall)

    def _record_looks(self) -> None:
        """Every look in hand is written. Each step can be repeated when the database went away in it."""
        plain: list[tuple[Lane, Look]] = []
        others: list[LookDone] = []
        for done in self._looks:
            if isinstance(done.subject, Job) and done.subject.status not in WATCHED:
                plain.append((done.lane, Look(done.subject, done.answer, done.asked_at)))
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

    # Sends

    def _start_sends(self) -> None:
        if not self._lease.is_held():
            return
        wall = self._clock.now()
        chosen: list[tuple[Lane, Ready]] = []
        for lane in self._lanes.values():
            while (entry := lane.next_send(self._clock.monotonic(), wall)) is not None:
                chosen.append((lane, entry))
        if not chosen:
            return
        claimed_at = self._clock.boottime()
        claimed: dict[int, Claimed] = {}
        try:
            claims = claim([entry.job for _, entry in chosen], now=wall, worker=self._worker)
            claimed = {won.job.action_id: won for won in claims}
        finally:
            for lane, entry in chosen:
                won = claimed.get(entry.job.action_id)
                if won is None:
                    lane.not_claimed(entry.job)
                else:
                    self._calls.send(lane, won, claimed_at, entry.looked_at)

    def _record_sends(self) -> None:
        if not self._sends:
            return
        batch = self._sends[:]
        record([done.result for done in batch], now=self._clock.now())
        self._sends = self._sends[len(batch) :]
        for done in batch:
            done.lane.drop(done.result.claimed.job)
            self._heed(done.result.answer)
