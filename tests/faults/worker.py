"""The rig's worker: the product's Celery application in a hurry, with fault points around it.

    FAULT=after_claim:kill celery -A tests.faults.worker:app worker …

The product has no fault points. They are wrapped around its functions here, from outside, and only
this module reads FAULT: `point:deed`, several divided by commas, each with `@shard` when it is for
one shard alone. Each action meets one fault at most (a file in RIG_DIR/hits says which has), and the
history says where, before the deed is done.

The points are those of `tests.faults.procedure`. Deeds: `kill` (SIGKILL), `stop` (SIGSTOP, until
somebody sends SIGCONT), `suspend` (the machine slept for an hour: CLOCK_BOOTTIME has gone on,
CLOCK_MONOTONIC has not).
"""
# Django has to be set up before the product's modules can be imported.
# ruff: noqa: E402

from __future__ import annotations

import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import django

django.setup()

from celery.signals import task_prerun
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from urllib3.connection import HTTPConnection

from messaging import driver, lane_calls
from messaging.clock import Clock
from solicit_dashboard.celery import app
from spapi import Accepted
from tests.faults.haste import make_haste, replace
from tests.faults.history import History
from tests.faults.procedure import POINTS, UPLOAD_POINTS

SLEEP_SECONDS = 3600.0
RIG_DIR = Path(os.environ["RIG_DIR"])

history = History(RIG_DIR / "history.jsonl")
_Subject = tuple[int, int]  # the shard and the action


class _Thread(threading.local):
    """What this thread has under way."""

    sending: _Subject | None = None
    committing: tuple[str, list[_Subject]] | None = None


_thread = _Thread()
# By kind and order: several messages may be under way to one buyer.
_claimed: dict[tuple[str, str], list[_Subject]] = defaultdict(list)
_slept = [0.0]


def _read_plan(text: str) -> list[tuple[str, str, int | None]]:
    plan = []
    for part in filter(None, text.split(",")):
        what, _, shard = part.partition("@")
        point, _, deed = what.partition(":")
        if point not in (*UPLOAD_POINTS, *POINTS) or deed not in _DEEDS:
            raise SystemExit(f"FAULT: {part!r} is no fault")
        plan.append((point, deed, int(shard) if shard else None))
    return plan


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    while True:  # another thread may be the one that takes the signal
        time.sleep(1)


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(0.05)  # as above


def _suspend() -> None:
    _slept[0] += SLEEP_SECONDS


_DEEDS: dict[str, Callable[[], None]] = {"kill": _kill, "stop": _stop, "suspend": _suspend}
_PLAN = _read_plan(os.environ.get("FAULT", ""))


def fire(point: str, subjects: Sequence[_Subject]) -> None:
    """The fault that was planned for this point has happened to these actions, if there is one."""
    for planned, deed, shard in _PLAN:
        if planned != point:
            continue
        hit = [action for of, action in subjects if shard in (None, of) and _is_first(action)]
        if hit:
            history.add("fault", point=point, deed=deed, actions=hit)
            _DEEDS[deed]()


def _is_first(action: int) -> bool:
    try:
        (RIG_DIR / "hits" / str(action)).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _subjects(jobs: Iterable[Any]) -> list[_Subject]:
    return [(job.account.pk % settings.LANE_SHARDS, job.action_id) for job in jobs]


def _install() -> None:
    """The points stand around the product's functions, each where the docstring above says."""
    claim, record, record_looks = driver.claim, driver.record, driver.record_looks
    upload = lane_calls.upload_files
    send, commit = lane_calls.send_action, BaseDatabaseWrapper.commit
    getresponse, boottime = HTTPConnection.getresponse, Clock.boottime

    def claim_with_points(jobs: Sequence[Any], **options: Any) -> Any:
        _thread.committing = ("in_claim", _subjects(jobs))
        try:
            won = claim(jobs, **options)
        finally:
            _thread.committing = None
        subjects = _subjects(one.job for one in won)
        for one, subject in zip(won, subjects, strict=True):
            _claimed[one.job.kind, one.job.amazon_order_id].append(subject)
        if won:
            attempts = [one.attempt_id for one in won]
            shard = subjects[0][0]
            actions = [action for _, action in subjects]
            history.add("claim", shard=shard, actions=actions, attempts=attempts)
            fire("after_claim", subjects)
        return won

    def record_with_points(results: Iterable[Any], **options: Any) -> Any:
        results = list(results)
        # what stayed at home is recorded, too, and goes the whole way in its next attempt
        accepted = [result for result in results if isinstance(result.answer, Accepted)]
        subjects = _subjects(result.claimed.job for result in accepted)
        _thread.committing = ("in_record", subjects)
        try:
            record(results, **options)
        finally:
            _thread.committing = None
        answers = [type(result.answer).__name__ for result in results]
        actions = [result.claimed.job.action_id for result in results]
        history.add("result", actions=actions, answers=answers)
        fire("after_record", subjects)

    def upload_with_points(job: Any, *options: Any) -> Any:
        fire("before_upload", _subjects([job]))
        uploads = upload(job, *options)
        fire("after_upload", _subjects([job]))
        return uploads

    def record_looks_with_points(looks: Sequence[Any], **options: Any) -> Any:
        ready = record_looks(looks, **options)
        fire("after_look", _subjects(ready))
        return ready

    def send_with_points(client: Any, kind: str, *, order: str, **options: Any) -> Any:
        subject = _claimed[kind, order].pop(0)
        check = options.pop("before_send")

        def before_send() -> None:
            check()
            fire("before_post", [subject])
            _thread.sending = subject

        try:
            accepted = send(client, kind, order=order, before_send=before_send, **options)
        finally:
            _thread.sending = None
        fire("after_answer", [subject])
        return accepted

    def getresponse_with_points(self: HTTPConnection) -> Any:
        if _thread.sending is not None:
            fire("in_post", [_thread.sending])
        return getresponse(self)

    def commit_with_points(self: BaseDatabaseWrapper) -> None:
        if _thread.committing is not None:
            fire(*_thread.committing)
        commit(self)

    replace(driver, "claim", claim_with_points)
    replace(driver, "record", record_with_points)
    replace(driver, "record_looks", record_looks_with_points)
    replace(lane_calls, "upload_files", upload_with_points)
    replace(lane_calls, "send_action", send_with_points)
    replace(HTTPConnection, "getresponse", getresponse_with_points)
    replace(BaseDatabaseWrapper, "commit", commit_with_points)
    replace(Clock, "boottime", lambda self: boottime(self) + _slept[0])


def _note_redelivery(task: Any = None, **_: Any) -> None:
    if task.request.delivery_info.get("redelivered"):
        history.add("redelivered", task=task.name)


make_haste()
_install()
task_prerun.connect(_note_redelivery)
# Ticks that nobody took are worthless here, too.
app.conf.beat_schedule = {
    "dispatch": {
        "task": "messaging.tasks.dispatch",
        "schedule": settings.DISPATCH_SECONDS,
        "options": {"expires": 5},
    },
    "sweep": {"task": "messaging.tasks.sweep", "schedule": 0.5, "options": {"expires": 5}},
}
if seconds := os.environ.get("RIG_VISIBILITY_SECONDS"):
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "visibility_timeout": float(seconds),
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 0,
    }
app.conf.beat_schedule_filename = str(RIG_DIR / "beat")
