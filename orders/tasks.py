"""Celery's part in reading orders: a tick."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime

from celery import shared_task
from django.utils import timezone
from redis import RedisError
from redis.exceptions import LockError

from orders.ingest.due import fetch_hinted_due_accounts, sync_due_accounts
from orders.reports.due import read_due_reports
from solicit_dashboard.celery import stop_requested
from solicit_dashboard.redis import get_redis, redis_key

# Longer than one account takes; so long reading rests when the process that reads is killed.
TURN_SECONDS = 300.0

Run = Callable[[Callable[[], datetime], Callable[[], bool]], object]


@shared_task(name="orders.tasks.sync_due", ignore_result=True)
def sync_due() -> None:
    """The orders of every account that is due have been read, unless a run is under way.

    One at a time: where Amazon is slow a run takes many minutes, and the ticks that come meanwhile
    would take every process from the dispatcher and the sweeper.
    """
    _in_turn("sync-due", sync_due_accounts)


@shared_task(name="orders.tasks.fetch_hinted_due", ignore_result=True)
def fetch_hinted_due() -> None:
    """The orders that were heard of have been asked for, unless a run is under way."""
    _in_turn("fetch-hinted-due", fetch_hinted_due_accounts)


@shared_task(name="orders.tasks.read_reports_due", ignore_result=True)
def read_reports_due() -> None:
    """The steps of reports that are due have been done for a while, unless a run is under way."""
    _in_turn("read-reports-due", read_due_reports)


def _in_turn(name: str, run: Run) -> None:
    """The run has been made, unless another of this name is under way."""
    turn = get_redis().lock(redis_key(name), timeout=TURN_SECONDS, thread_local=False)
    if not turn.acquire(blocking=False):
        return

    def is_stopping() -> bool:
        if stop_requested():
            return True
        try:
            turn.reacquire()
        except (LockError, RedisError):
            return True  # somebody else may be reading by now; the next tick goes on
        return False

    try:
        run(timezone.now, is_stopping)
    finally:
        with contextlib.suppress(LockError, RedisError):
            turn.release()
