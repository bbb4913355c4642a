"""The calls of a shard's lanes, made by a pool of threads that touches neither database nor lanes.

Whatever comes of a call is handed to `hand_in`, exactly once; nothing is raised. The files of a
message go to Amazon's storage before its look, by a pool of their own whose threads read them from
the database (`messaging.uploading`): a storage that is slow keeps no call waiting.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from messaging.amazon_calls import ask_offers, send_action
from messaging.buckets import Answer, LaneLimiter
from messaging.clock import Clock
from messaging.delivery import Claimed, Job
from messaging.lanes import Control, Lane
from messaging.leases import ShardLease
from messaging.results import SendResult
from messaging.uploading import upload_files
from spapi import Accepted, NoAnswer, OfferedActions, SpApiError, UploadFailed

logger = logging.getLogger(__name__)

# A lane has two calls out each second, of two tenths of a second each: sixty threads are busy for
# 150 lanes, and as many again where Amazon is slow. They are started as they are needed.
LANE_THREADS = 128
# Two for each of eight accounts; each has a connection to the database while it works.
UPLOAD_THREADS = 16
# A call hangs when it has been out for so long: a healthy one takes a tenth of that.
HANG_SECONDS = 2.0
# Left between the end of a call and the end of its lease, so that the result can be written.
RECORD_SECONDS = 10.0
# Amazon's list was read at most so long before the call.
LOOK_LASTS = timedelta(seconds=60)


class LeaseLostError(Exception):
    """The call must not leave: the shard or the action may be somebody else's by now."""


class LookTooOldError(Exception):
    """The call must not leave: what Amazon offered may no longer be what it offers."""


@dataclass(slots=True)
class LookDone:
    lane: Lane
    subject: Job | Control
    asked_at: datetime
    answer: OfferedActions | SpApiError
    pace: Answer | None
    at_upload: bool = False


@dataclass(slots=True)
class UploadDone:
    """The job's `uploads` are there, or `error` says why not."""

    lane: Lane
    job: Job
    asked_at: datetime
    error: SpApiError | None


@dataclass(slots=True)
class SendDone:
    lane: Lane
    result: SendResult
    pace: Answer | None


Done = LookDone | UploadDone | SendDone


class LaneCalls:
    """Makes the calls of all lanes of one shard."""

    def __init__(
        self,
        clock: Clock,
        limiter: LaneLimiter,
        lease: ShardLease,
        hand_in: Callable[[Done], None],
    ) -> None:
        self._clock = clock
        self._limiter = limiter
        self._lease = lease
        self._hand_in = hand_in
        self._pool = ThreadPoolExecutor(LANE_THREADS, thread_name_prefix="lane")
        self._uploaders = ThreadPoolExecutor(UPLOAD_THREADS, thread_name_prefix="upload")
        self._is_over = threading.Event()
        # When the calls began that have not come back, by a number that each is given.
        self._out: dict[int, float] = {}
        self._numbers = itertools.count()

    def look(self, lane: Lane, subject: Job | Control, asked_at: datetime) -> None:
        """A thread asks what Amazon offers; the lane has taken the token for it."""
        self._pool.submit(self._look, self._begin(), lane, subject, asked_at)

    def upload(self, lane: Lane, job: Job, asked_at: datetime) -> None:
        """A thread puts the job's files into Amazon's storage."""
        self._uploaders.submit(self._upload, lane, job, asked_at)

    def send(self, lane: Lane, claimed: Claimed, claimed_at: float, looked_at: datetime) -> None:
        """A thread sends what was claimed at that boottime; the lane has taken the token for it."""
        self._pool.submit(self._send, self._begin(), lane, claimed, claimed_at, looked_at)

    def any_hangs(self) -> bool:
        """Whether some call has been out for longer than a healthy one takes."""
        return self._clock.monotonic() - min(self._began(), default=math.inf) > HANG_SECONDS

    def only_hang(self) -> bool:
        """Whether calls are out, and all of them for longer than a healthy one takes."""
        return self._clock.monotonic() - max(self._began(), default=math.inf) > HANG_SECONDS

    def wait(self) -> None:
        """Every call has ended and was handed in; no other can be made.

        Uploads are given up: nobody waits for what may be repeated.
        """
        self._is_over.set()
        self._uploaders.shutdown(wait=False, cancel_futures=True)
        self._pool.shutdown(wait=True)

    def _begin(self) -> int:
        number = next(self._numbers)
        self._out[number] = self._clock.monotonic()
        return number

    def _began(self) -> list[float]:
        return list(self._out.values())

    def _end(self, number: int, done: Done) -> None:
        del self._out[number]
        self._hand_in(done)

    def _look(self, number: int, lane: Lane, subject: Job | Control, asked_at: datetime) -> None:
        if isinstance(subject, Control):
            order, marketplace = subject.order, subject.marketplace
        else:
            order, marketplace = subject.amazon_order_id, subject.marketplace_id
        answer: OfferedActions | SpApiError
        self._limiter.begin()
        try:
            answer = ask_offers(lane.client, lane.api, order=order, marketplace=marketplace)
        except SpApiError as error:
            answer = error
        except Exception as error:
            logger.exception("A look failed in a way that nobody foresaw")
            answer = NoAnswer(f"Internal error: {type(error).__name__}")
        self._end(number, LookDone(lane, subject, asked_at, answer, self._limiter.end()))

    def _upload(self, lane: Lane, job: Job, asked_at: datetime) -> None:
        error: SpApiError | None = None
        try:
            job.uploads = upload_files(job, asked_at, self._is_over.is_set)
        except SpApiError as failure:
            error = failure
        except Exception as failure:
            logger.exception("An upload failed in a way that nobody foresaw")
            error = UploadFailed(f"Internal error: {type(failure).__name__}")
        self._hand_in(UploadDone(lane, job, asked_at, error))

    def _send(
        self,
        number: int,
        lane: Lane,
        claimed: Claimed,
        claimed_at: float,
        looked_at: datetime,
    ) -> None:
        started = self._clock.monotonic()
        answer: Accepted | SpApiError
        self._limiter.begin()
        try:
            answer = send_action(
                lane.client,
                claimed.job.kind,
                order=claimed.job.amazon_order_id,
                marketplace=claimed.job.marketplace_id,
                payload=claimed.job.payload,
                attachments=claimed.job.uploads.attachments if claimed.job.uploads else (),
                before_send=lambda: self.check_once_more(claimed_at, looked_at),
            )
        except SpApiError as error:
            answer = error
        except Exception as error:
            logger.exception("A send failed in a way that nobody foresaw")
            answer = NoAnswer(f"Internal error: {type(error).__name__}")
        pace = self._limiter.end()
        duration = round((self._clock.monotonic() - started) * 1000)
        self._end(number, SendDone(lane, SendResult(claimed, answer, duration), pace))

    def check_once_more(self, claimed_at: float, looked_at: datetime) -> None:
        """The last thing before the bytes leave, in the thread that sends them."""
        if self._clock.now() - looked_at > LOOK_LASTS:
            raise LookTooOldError("Amazon's list was read too long ago.")
        latest = settings.LEASE_SECONDS - settings.CALL_DEADLINE_SECONDS - RECORD_SECONDS
        if self._clock.boottime() - claimed_at > max(latest, 1.0):
            raise LeaseLostError("The action's lease is nearly over.")
        if not self._lease.is_held():
            raise LeaseLostError("The shard's lease was lost.")
