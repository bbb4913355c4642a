"""Each line about the installation is green, or says what is wrong and what to do."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.db import DatabaseError
from django.utils import timezone
from redis import RedisError

from messaging.models import LedgerCheck
from orders.states import Tone
from solicit_dashboard.doctor import installation_checks
from solicit_dashboard.doctor.checks import CHECKS, INSTALLATION_CHECKS, InstallationCheck, examine
from solicit_dashboard.doctor.findings import Finding
from solicit_dashboard.redis import get_redis, redis_key

pytestmark = pytest.mark.django_db


def look(key: str) -> Finding:
    check = CHECKS[key]
    assert isinstance(check, InstallationCheck)
    return check.run()


def seen(**ago: float) -> None:
    for part, seconds in ago.items():
        get_redis().set(redis_key("seen", part), int(time.time() - seconds))


def test_every_line_of_a_sound_installation_is_green(redis_empty: None) -> None:
    seen(worker=10, dispatcher=2)
    LedgerCheck.objects.create(at=timezone.now(), seconds=1, breaches=0)
    found = {line.check.key: line.finding for line in examine(INSTALLATION_CHECKS)}
    assert all(finding and finding.tone == Tone.GOOD for finding in found.values()), found
    assert set(found) == {"redis", "database", "workers", "beat", "records"}


def test_workers_that_were_not_seen_are_away(redis_empty: None) -> None:
    seen(worker=70, dispatcher=2)
    finding = look("workers")
    assert finding.tone == Tone.BAD
    assert finding.says.startswith("The workers that send have not been seen for 7")
    assert "“lanes”" in finding.remedy


def test_without_a_clockwork_the_workers_are_not_blamed(redis_empty: None) -> None:
    finding = look("workers")
    assert finding.tone == Tone.BAD
    assert "clockwork" in finding.remedy


def test_a_clockwork_that_stands_still_is_told_from_one_that_nobody_hears(
    redis_empty: None,
) -> None:
    seen(dispatcher=90)
    finding = look("beat")
    assert finding.tone == Tone.BAD
    assert "Start Celery beat" in finding.remedy
    for _tick in range(4):
        get_redis().lpush(installation_checks.DEFAULT_QUEUE, "{}")
    finding = look("beat")
    assert finding.tone == Tone.BAD
    assert "no worker takes the ticks" in finding.says


def test_a_redis_that_evicts_is_a_fault(redis_empty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation_checks, "redis_fault", lambda _redis: "It forgets.")
    finding = look("redis")
    assert (finding.tone, finding.says) == (Tone.BAD, "It forgets.")


def test_a_database_that_is_behind_its_version_asks_for_migrate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installation_checks, "waiting_migrations", lambda: 2)
    finding = look("database")
    assert finding.says == "The database lacks 2 migrations of this version."
    assert finding.remedy == "Type: manage.py migrate"


def _raise(error: Exception) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


@pytest.mark.parametrize(
    ("key", "name", "error"),
    [
        ("redis", "get_redis", RedisError("redis://:password@host")),
        ("workers", "get_redis", RedisError("redis://:password@host")),
        ("database", "database_fault", DatabaseError("postgres://u:password@host")),
    ],
)
def test_a_part_that_does_not_answer_is_a_line_without_its_address(
    monkeypatch: pytest.MonkeyPatch, key: str, name: str, error: Exception
) -> None:
    module = "solicit_dashboard.health" if key == "workers" else installation_checks.__name__
    monkeypatch.setattr(f"{module}.{name}", _raise(error))
    finding = look(key)
    assert finding.tone == Tone.BAD
    assert f"does not answer ({type(error).__name__})" in finding.says
    assert "password" not in finding.says + finding.remedy


def test_records_that_contradict_each_other_are_counted() -> None:
    assert look("records").tone == Tone.WARN
    LedgerCheck.objects.create(at=timezone.now(), seconds=1, breaches=3, counts={"lease": 3})
    finding = look("records")
    assert finding.tone == Tone.BAD
    assert "in 3 places" in finding.says
    assert "check_ledger" in finding.remedy
