"""Two clocks: the database's for what is due, the machine's own for the pace."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from messaging import clock as clock_module
from messaging.clock import Clock, read_database_clock


class GivenClock(Clock):
    at = 50.0

    def boottime(self) -> float:
        return self.at


def test_between_two_readings_the_machine_carries_the_databases_time_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    monkeypatch.setattr(clock_module, "read_database_clock", lambda: base)
    clock = GivenClock()
    clock.synchronise()
    assert clock.now() == base
    clock.at += 90.5
    assert clock.now() == base + timedelta(seconds=90.5)
    clock.synchronise()
    assert clock.now() == base


@pytest.mark.django_db
def test_the_databases_time_is_aware_and_close_to_ours() -> None:
    now = read_database_clock()
    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.django_db(transaction=True)
def test_the_databases_time_runs_on_within_a_transaction() -> None:
    with transaction.atomic():
        first = read_database_clock()
        assert any(read_database_clock() > first for _ in range(1000))


def test_the_machines_clocks_only_run_forward() -> None:
    clock = Clock()
    assert clock.monotonic() <= clock.monotonic()
    assert clock.boottime() <= clock.boottime()
