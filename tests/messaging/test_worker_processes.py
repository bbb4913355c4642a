"""A real worker is killed in the middle of sending: nothing goes out twice, nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pytest_django import Settings

from messaging import tasks
from messaging.models import ActionAttempt, OutgoingAction
from messaging.states import Status
from sandbox.testing import running
from tests.messaging.shard import Shard, states, wait_until

FACTOR = 10
SHORT_LEASE = {"LEASE_SECONDS": "5", "CALL_DEADLINE_SECONDS": "2.5"}


@contextmanager
def a_worker(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker for the lanes, as the supervisor starts it; it has ended after the block."""
    command = [sys.executable, "-m", "celery", "-A", "solicit_dashboard.celery:app", "worker"]
    command += ["--pool", "prefork", "--without-mingle", "-Q", "lanes", "-c", "1"]
    with log.open("wb") as output:
        worker = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(20)
        finally:
            # whatever is left of its session, children included
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(20)


def open_attempts() -> int:
    """How many calls are under way, or were when their worker died."""
    return ActionAttempt.objects.filter(finished_at=None, abandoned_at=None).count()


def workers() -> list[int]:
    """The processes that have claimed something, in the order of their first claims."""
    claims = ActionAttempt.objects.order_by("pk").values_list("worker", flat=True)
    return [int(worker.rpartition(":")[2]) for worker in dict.fromkeys(claims)]


def have_settled(number: int) -> bool:
    """The dispatcher and the sweeper have run once; whether so many actions have come to rest."""
    tasks.dispatch()
    tasks.sweep()
    return states()[Status.SENT] + states()[Status.UNCONFIRMED] == number


@pytest.mark.processes
def test_a_worker_killed_in_mid_send_doubles_nothing_and_loses_nothing(
    process_environment: dict[str, str], redis_empty: None, settings: Settings, tmp_path: Path
) -> None:
    with running(process=True, orders=200, sellers=2, rate_factor=FACTOR, latency_ms=100) as amazon:
        settings.SPAPI_RATE_FACTOR = FACTOR
        settings.SPAPI_ENDPOINT = settings.LWA_ENDPOINT = amazon.url
        shard = Shard(amazon)
        shard.connect()
        asked = shard.ask()
        environment = process_environment | SHORT_LEASE
        environment |= {"SPAPI_ENDPOINT": amazon.url, "LWA_ENDPOINT": amazon.url}
        environment |= {"SPAPI_RATE_FACTOR": str(FACTOR)}
        with a_worker(environment, tmp_path / "worker.log") as worker:
            tasks.dispatch()
            wait_until(lambda: states()[Status.SENT] >= 5, "five were sent", seconds=40)
            wait_until(lambda: open_attempts() >= 1, "something is under way")
            (child,) = workers()
            assert child != worker.pid
            os.kill(child, signal.SIGKILL)
            assert states()[Status.SENT] < len(asked) - 10
            wait_until(
                lambda: have_settled(len(asked)), "all has come to rest", seconds=40, every=0.5
            )
        assert worker.returncode == 0
        assert len(workers()) == 2
        # what was under way is not known, and is not guessed; everything else was sent
        lost = ActionAttempt.objects.filter(abandoned_at__isnull=False)
        assert {attempt.worker.rpartition(":")[2] for attempt in lost} == {str(child)}
        assert {(attempt.outcome, attempt.finished_at) for attempt in lost} == {("", None)}
        unconfirmed = OutgoingAction.objects.filter(status=Status.UNCONFIRMED)
        assert {action.pk for action in unconfirmed} == {attempt.action_id for attempt in lost}
        assert states() == {Status.SENT: len(asked) - len(lost), Status.UNCONFIRMED: len(lost)}
        posted = [post["order_id"] for post in shard.posts()]
        assert len(posted) == len(set(posted))
        shard.check()
