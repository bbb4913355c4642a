"""Claims whose commit was not acknowledged: those that stand are found, by worker and moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone
from pytest_django import Settings

from messaging import driver
from messaging.delivery import claim, sweep
from messaging.doubts import Doubt, doubt_about, settle, standing_claims
from messaging.models import ActionAttempt, OutgoingAction
from messaging.states import Status
from tests.messaging.sending import (
    ACCEPTED,
    NOW,
    answer,
    check_records,
    due_action,
    job_of,
    status_of,
)
from tests.messaging.shard import Shard, drive, states

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = timedelta(seconds=1)
WORKER = "host:7"


def doubt(actions: list[OutgoingAction]) -> Doubt:
    return doubt_about([job_of(one) for one in actions], claimed_at=NOW, worker=WORKER)


def test_a_claim_that_stands_is_found_and_one_that_does_not_is_not() -> None:
    stands, undone = due_action(), due_action()
    about = doubt([stands, undone])
    (claimed,) = claim([job_of(stands)], now=NOW, worker=WORKER)
    (found,) = standing_claims(about)
    assert (found.attempt_id, found.job.action_id) == (claimed.attempt_id, stands.pk)


@pytest.mark.parametrize(
    ("worker", "moment"), [("other:7", NOW), (WORKER, NOW + SECOND)], ids=["worker", "moment"]
)
def test_a_claim_of_another_worker_or_moment_is_none_of_ours(worker: str, moment: Any) -> None:
    action = due_action()
    about = doubt([action])
    claim([job_of(action)], now=moment, worker=worker)
    assert standing_claims(about) == []


def test_a_claim_that_was_settled_or_swept_meanwhile_is_left_as_it_is() -> None:
    settled, swept = due_action(), due_action()
    about = doubt([settled, swept])
    first, _ = claim([job_of(settled), job_of(swept)], now=NOW, worker=WORKER)
    answer(first, ACCEPTED, NOW)
    sweep(NOW + timedelta(hours=1))
    assert standing_claims(about) == []
    assert [status_of(settled), status_of(swept)] == ["sent", "unconfirmed"]


def test_a_claim_that_stands_goes_back_as_not_sent() -> None:
    action = due_action()
    about = doubt([action])
    claim([job_of(action)], now=NOW, worker=WORKER)
    assert settle(about, now=NOW + SECOND) is True
    check_records([action])
    assert action.status == Status.QUEUED
    assert ActionAttempt.objects.get().outcome == "not_sent"
    assert standing_claims(about) == []


def test_a_doubt_is_over_when_the_sweeper_has_taken_over(settings: Settings) -> None:
    settings.LEASE_SECONDS = 30
    about = doubt([])
    assert not about.is_over(NOW + 30 * SECOND)
    assert about.is_over(NOW + 31 * SECOND)


def test_a_commit_that_is_still_under_way_is_waited_for_elsewhere() -> None:
    """Nothing can be said yet, and the driver has other things to do than to wait for it."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer: a commit that is under way is waited for")
    action = due_action()
    about = doubt([action])
    locked, go_on = threading.Event(), threading.Event()

    def commit_late() -> None:
        with transaction.atomic():
            OutgoingAction.objects.select_for_update().get(pk=action.pk)
            locked.set()
            go_on.wait(20)
        connections.close_all()

    thread = threading.Thread(target=commit_late)
    thread.start()
    try:
        assert locked.wait(20)
        with pytest.raises(OperationalError):
            standing_claims(about)
        assert settle(about, now=NOW) is False
    finally:
        go_on.set()
        thread.join(20)
    assert settle(about, now=NOW) is True


def test_a_connection_that_breaks_after_the_commit_of_a_claim_doubles_nothing(
    make_shard: Callable[..., Shard], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes of the COMMIT have arrived, its acknowledgement has not."""
    monkeypatch.setattr(driver, "DATABASE_PAUSE_SECONDS", 0.05)
    shard = make_shard()
    asked = shard.ask(limit=8)
    commit, claim_really = BaseDatabaseWrapper.commit, driver.claim
    broken: list[int] = []

    def commit_and_break(self: BaseDatabaseWrapper) -> None:
        commit(self)
        broken.append(ActionAttempt.objects.using(self.alias).count())
        self.connection.close()
        raise OperationalError("the server closed the connection unexpectedly")

    def claim_and_break(*arguments: Any, **options: Any) -> Any:
        if broken:
            return claim_really(*arguments, **options)
        with monkeypatch.context() as breaking:
            breaking.setattr(BaseDatabaseWrapper, "commit", commit_and_break)
            return claim_really(*arguments, **options)

    monkeypatch.setattr(driver, "claim", claim_and_break)
    assert drive() is False
    (lost,) = broken
    assert lost >= 1
    assert states() == {Status.SENT: len(asked) - lost, Status.QUEUED: lost}
    OutgoingAction.objects.update(look_at=timezone.now(), not_before=timezone.now())
    assert drive() is False
    assert states() == {Status.SENT: len(asked)}
    assert len(shard.posts()) == len(asked)
    shard.check()
