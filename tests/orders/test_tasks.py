"""Reading orders leaves a worker free for the clockwork of sending: one run at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orders import tasks
from orders.tasks import sync_due
from solicit_dashboard.redis import get_redis

pytestmark = pytest.mark.usefixtures("redis_empty")


class Runs:
    """Stands for the reading of all due accounts; `during` happens in the midst of the first run."""

    def __init__(self, during: Callable[[], object] = lambda: None) -> None:
        self.number = 0
        self.stopping: list[bool] = []
        self._during = during

    def __call__(self, clock: object, is_stopping: Callable[[], bool]) -> int:
        self.number += 1
        if self.number == 1:
            self._during()
        self.stopping.append(is_stopping())
        return 0


def test_a_tick_beside_a_run_under_way_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(during=sync_due)
    monkeypatch.setattr(tasks, "sync_due_accounts", runs)
    sync_due()
    assert (runs.number, runs.stopping) == (1, [False])


def test_the_next_tick_runs_when_the_last_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs()
    monkeypatch.setattr(tasks, "sync_due_accounts", runs)
    sync_due()
    sync_due()
    assert runs.number == 2


def test_a_run_that_failed_does_not_keep_the_next_one_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    runs = Runs(during=fail)
    monkeypatch.setattr(tasks, "sync_due_accounts", runs)
    with pytest.raises(RuntimeError, match="a bug"):
        sync_due()
    sync_due()
    assert runs.number == 2


def test_a_run_whose_turn_was_lost_stops_after_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(during=get_redis().flushall)
    monkeypatch.setattr(tasks, "sync_due_accounts", runs)
    sync_due()
    assert runs.stopping == [True]


def test_a_run_keeps_its_turn_while_it_goes_from_account_to_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[int] = []

    def run(clock: object, is_stopping: Callable[[], bool]) -> int:
        (key,) = get_redis().keys("*sync-due*")
        get_redis().pexpire(key, 5_000)
        assert not is_stopping()
        left.append(int(get_redis().pttl(key)))
        return 0

    monkeypatch.setattr(tasks, "sync_due_accounts", run)
    sync_due()
    assert left[0] > 60_000
