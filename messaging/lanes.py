"""One lane: what one account has due at one API, and when the next call of it may leave.

A lane only remembers and decides; `messaging.driver` makes the calls and writes the database.
The pace is kept in seconds of the driver's monotonic clock (`now`); how old a look is, is told by
the database's clock (`wall`, UTC), which runs on while the machine sleeps. Used by one thread.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from messaging.action_types import ACTION_TYPES, ActionType
from messaging.buckets import Answer, Bucket
from messaging.delivery import Job
from messaging.looks import Look
from messaging.models import Priority
from messaging.uploading import needs_uploads
from sellers.models import SellerAccount
from spapi import OPERATIONS, Client

# How many orders are looked at ahead of their sending, and how long a look is good for (Amazon's
# list is to be read at most 60 s before the call).
LOOK_AHEAD = 8
LOOK_GOOD_FOR = timedelta(seconds=50)
CONTROL_GOOD_FOR = timedelta(seconds=60)
REFILL_BELOW = 10
TAKE_AT_ONCE = 30
# Of one account, so many messages have their files uploaded at once (a person's click beside as many
# of a batch: where the storage is slow it would wait for minutes), and so many wait uploaded. When
# so many wait for their upload, only those without files are taken up beside them.
UPLOADS_AT_ONCE = 2
UPLOADED_AHEAD = 20
MOST_TO_UPLOAD = 100


@dataclass(order=True)
class Ready:
    """A job that Amazon offers, waiting for its slot."""

    turn: tuple[int, datetime, int]
    job: Job = field(compare=False)
    looked_at: datetime = field(compare=False)


@dataclass(frozen=True, slots=True)
class Control:
    """An order that Amazon should offer, looked at to learn whether its lists can be believed."""

    order: str
    marketplace: str
    kind: str


class Lane:
    """What one account has due at one API."""

    def __init__(self, account: SellerAccount, api: str, client: Client, *, now: float) -> None:
        self.account = account
        self.api = api
        self.client = client
        self._types: list[ActionType] = [t for t in ACTION_TYPES.values() if t.api == api]
        self.look_operation = self._types[0].look
        self.buckets = {
            name: _bucket(name, now)
            for name in {self.look_operation, *(t.send for t in self._types)}
        }
        self.pending: list[tuple[tuple[int, datetime, int], Job]] = []
        # Those whose files must go up before their look.
        self.to_upload: list[tuple[tuple[int, datetime, int], Job]] = []
        self.uploading = 0
        self.ready: list[Ready] = []
        self.in_hand: set[int] = set()
        self.looking = 0
        self.sending = 0
        self.controls: list[Control] = []
        # By marketplace: the controls that have not answered, and the looks that wait for them.
        self.controls_out: dict[str, set[str]] = defaultdict(set)
        self.awaiting_control: dict[str, dict[int, Look]] = defaultdict(dict)
        self._offered_at: dict[str, datetime] = {}

    # What is due

    def add(self, jobs: list[Job]) -> None:
        """These wait for their look, or first for their upload, each in its turn."""
        for job in jobs:
            if job.action_id not in self.in_hand:
                self.in_hand.add(job.action_id)
                waits_for_upload = job.payload.get("files") and job.uploads is None
                heapq.heappush(
                    self.to_upload if waits_for_upload else self.pending, (job.turn, job)
                )

    def drop(self, job: Job) -> None:
        """The row has been written; the lane has nothing more to do with it."""
        self.in_hand.discard(job.action_id)

    def waiting(self) -> list[int]:
        """The ids of the actions that wait for their upload or their look."""
        return [job.action_id for _, job in (*self.to_upload, *self.pending)]

    def keep_only(self, due: Collection[int]) -> None:
        """Of what waits, only these are due still: others were stopped or held."""
        for waiting in (self.to_upload, self.pending):
            for _, job in waiting:
                if job.action_id not in due:
                    self.drop(job)
            waiting[:] = [entry for entry in waiting if entry[1].action_id in due]
            heapq.heapify(waiting)

    @property
    def wants_more(self) -> bool:
        """Whether the database should be asked for more."""
        return len(self.pending) < REFILL_BELOW

    @property
    def wants_files(self) -> bool:
        """Whether messages with files should be among them: a storage that hangs stops no others."""
        return len(self.to_upload) < MOST_TO_UPLOAD

    @property
    def shortest_interval(self) -> float:
        """Seconds from call to call of the faster bucket."""
        return min(bucket.interval for bucket in self.buckets.values())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in hand or under way."""
        return not (self.in_hand or self.looking or self.sending or self.controls)

    # Uploads

    def next_upload(self) -> Job | None:
        """The next job whose files may go up now. They take no token of a bucket of the lane."""
        if not self.to_upload:
            return None
        is_click = self.to_upload[0][1].priority == Priority.CLICK
        if self.uploading >= UPLOADS_AT_ONCE + is_click:
            return None
        if self.uploading + self._uploaded() >= UPLOADED_AHEAD:
            return None
        self.uploading += 1
        return heapq.heappop(self.to_upload)[1]

    @property
    def has_uploads(self) -> bool:
        """Whether files go up, or have gone up for what waits to be looked at or sent."""
        return self.uploading > 0 or self._uploaded() > 0

    def upload_is_over(self, job: Job) -> None:
        """Its files are there, and it waits for its look; or they are not, and it is dropped later."""
        self.uploading -= 1
        if job.uploads is not None:
            heapq.heappush(self.pending, (job.turn, job))

    # Looks

    def next_look(self, now: float, wall: datetime) -> Job | Control | None:
        """The next order to look at, if a call may leave now; its token is taken."""
        self._upload_again(wall)
        if not self._wants_look(wall) or self.buckets[self.look_operation].next_at(now) > now:
            return None
        self.buckets[self.look_operation].take()
        self.looking += 1
        if self.controls:
            return self.controls.pop()
        return heapq.heappop(self.pending)[1]

    def look_is_over(self, answer: Answer | None, now: float) -> None:
        """The look's token is settled."""
        self.looking -= 1
        self._settle(self.look_operation, answer, now)

    def is_ready(self, job: Job, looked_at: datetime) -> None:
        """Amazon offers it, by a look that began at `looked_at` (UTC); it waits for its slot."""
        self.ready.append(Ready(job.turn, job, looked_at))

    def _uploaded(self) -> int:
        waiting = [job for _, job in self.pending] + [entry.job for entry in self.ready]
        return sum(job.uploads is not None for job in waiting)

    def _upload_again(self, wall: datetime) -> None:
        """What was uploaded too long ago, before it came to its look, is uploaded anew."""
        while self.pending and needs_uploads(self.pending[0][1], wall):
            turn, job = heapq.heappop(self.pending)
            job.uploads = None
            heapq.heappush(self.to_upload, (turn, job))

    def _wants_look(self, wall: datetime) -> bool:
        if self.controls:
            return True
        soon = sum(1 for entry in self.ready if entry.job.not_before <= wall)
        return (
            bool(self.pending)
            and soon + self.looking < LOOK_AHEAD
            and len(self.ready) + self.looking < 5 * LOOK_AHEAD
        )

    # Controls

    def note_offer(self, marketplace: str, at: datetime) -> None:
        """Amazon's list held the action for some order of this marketplace: it can be believed."""
        self._offered_at[marketplace] = at

    def control_is_fresh(self, marketplace: str, at: datetime) -> bool:
        """Whether a list that should hold the action did, within a minute of that moment (UTC)."""
        offered_at = self._offered_at.get(marketplace)
        return offered_at is not None and abs(at - offered_at) <= CONTROL_GOOD_FOR

    # Sends

    def next_send(self, now: float, wall: datetime) -> Ready | None:
        """The next job to claim and send, if a call may leave now; its token is taken."""
        self._forget_stale(wall)
        waiting = [entry for entry in self.ready if entry.job.not_before <= wall]
        if not waiting:
            return None
        entry = min(waiting)
        bucket = self.buckets[ACTION_TYPES[entry.job.kind].send]
        if bucket.next_at(now) > now:
            return None
        bucket.take()
        self.ready.remove(entry)
        self.sending += 1
        return entry

    def may_send(self, wall: datetime) -> bool:
        """Whether something that was looked at waits for nothing but its slot."""
        return any(entry.job.not_before <= wall for entry in self.ready)

    def not_claimed(self, job: Job) -> None:
        """Somebody else has it, or it may not leave any more: its token is free again."""
        self.sending -= 1
        self.buckets[ACTION_TYPES[job.kind].send].give_back()
        self.drop(job)

    def send_is_over(self, job: Job, answer: Answer | None, now: float) -> None:
        """The send's token is settled."""
        self.sending -= 1
        self._settle(ACTION_TYPES[job.kind].send, answer, now)

    def _forget_stale(self, wall: datetime) -> None:
        for entry in [one for one in self.ready if wall - one.looked_at > LOOK_GOOD_FOR]:
            self.ready.remove(entry)
            heapq.heappush(self.pending, (entry.turn, entry.job))

    # Pace

    def next_moment(self, now: float, wall: datetime) -> float:
        """When this lane next wants to be asked, if nothing happens before."""
        moments = []
        if self._wants_look(wall):
            moments.append(self.buckets[self.look_operation].next_at(now))
        for entry in self.ready:
            free_at = self.buckets[ACTION_TYPES[entry.job.kind].send].next_at(now)
            held_until = now + (entry.job.not_before - wall).total_seconds()
            moments.append(max(free_at, held_until))
        return min(moments, default=float("inf"))

    def dump(self, now: float, *, server_time: float, clean: bool) -> dict[str, Any]:
        """What another driver needs to keep this lane's pace."""
        return {
            "at": server_time,
            "clean": clean,
            "buckets": {name: bucket.dump(now) for name, bucket in self.buckets.items()},
        }

    def restore(self, saved: dict[str, Any], *, server_time: float, now: float) -> None:
        """Goes on at the pace that another driver left."""
        age = max(0.0, server_time - float(saved["at"]))
        for name, state in saved["buckets"].items():
            if name in self.buckets:
                self.buckets[name].restore(state, age=age, clean=saved["clean"], now=now)

    def _settle(self, operation: str, answer: Answer | None, now: float) -> None:
        bucket = self.buckets[operation]
        if answer is None:
            # It never left, for want of an access token. It costs its slot all the same, or else a
            # token service that is down would be asked without a pause.
            bucket.answered(now)
            return
        bucket.answered(answer.at)
        if answer.rate is not None and answer.rate > 0:
            bucket.set_rate(answer.rate, now)
        if answer.status == 429:
            bucket.empty(now)


def _bucket(operation: str, now: float) -> Bucket:
    published = OPERATIONS[operation]
    return Bucket(
        rate=published.rate * settings.SPAPI_RATE_FACTOR,
        burst=published.burst,
        margin=settings.LANE_MARGIN,
        now=now,
    )
