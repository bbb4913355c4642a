"""Before anything is sent: Redis forgets nothing by itself, and what the database confirms stands."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from redis import Redis, RedisError

from solicit_dashboard import promises
from solicit_dashboard.env import EXIT_CONFIG
from solicit_dashboard.promises import database_fault, redis_fault, unkept_promises
from solicit_dashboard.redis import get_redis, redis_key

EVICTING = [
    *("allkeys-lru", "allkeys-lfu", "allkeys-random"),
    *("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"),
]
SENTENCE = (
    "Redis may forget what it was told: its maxmemory-policy is {}. "
    "Set it to noeviction, in its configuration too, and start again."
)


@pytest.fixture
def set_policy(redis_empty: None) -> Iterator[Callable[[str], object]]:
    """Sets how the tests' Redis evicts, and afterwards as it was."""
    before = get_redis().config_get("maxmemory-policy")["maxmemory-policy"]
    yield lambda policy: get_redis().config_set("maxmemory-policy", policy)
    get_redis().config_set("maxmemory-policy", before)


@pytest.mark.parametrize("policy", EVICTING)
def test_a_redis_that_evicts_is_a_fault(set_policy: Callable[[str], object], policy: str) -> None:
    set_policy(policy)
    assert redis_fault(get_redis()) == SENTENCE.format(policy)


def test_a_redis_that_evicts_nothing_is_fit(set_policy: Callable[[str], object]) -> None:
    set_policy("noeviction")
    assert redis_fault(get_redis()) == ""


@pytest.fixture
def restricted(redis_empty: None) -> Iterator[Callable[[str], Redis]]:
    """A client whose user may not use this command, as a managed Redis has it."""

    def client_without(*commands: str) -> Redis:
        get_redis().acl_setuser(
            "managed",
            enabled=True,
            passwords=["+managed"],
            keys=["*"],
            categories=["+@all"],
            commands=[f"-{command}" for command in commands],
        )
        address = get_redis().connection_pool.connection_kwargs
        return Redis(address["host"], address["port"], username="managed", password="managed")

    yield client_without  # type: ignore[misc]
    get_redis().acl_deluser("managed")


def test_a_managed_redis_that_forbids_config_is_judged_by_what_it_tells(
    restricted: Callable[..., Redis], set_policy: Callable[[str], object]
) -> None:
    with restricted("config") as client:
        assert redis_fault(client) == ""
        set_policy("volatile-lru")
        assert redis_fault(client) == SENTENCE.format("volatile-lru")


def test_a_managed_redis_that_tells_nothing_is_accepted_with_a_warning(
    restricted: Callable[..., Redis],
    set_policy: Callable[[str], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_policy("allkeys-lru")
    promises._warn_once.cache_clear()
    with restricted("config", "info") as client, caplog.at_level(logging.WARNING):
        assert redis_fault(client) == redis_fault(client) == ""
    said = "Redis does not tell its maxmemory-policy: see to it that it is noeviction."
    assert caplog.messages == [said]


def test_a_redis_that_is_away_keeps_nobody_from_starting(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It may come later; what it is like is then to be seen at /readyz."""

    def away(_redis: Redis) -> str:
        raise RedisError("redis://:password@host")

    monkeypatch.setattr(promises, "redis_fault", away)
    assert unkept_promises() == []
    assert "Redis could not be asked (RedisError)" in caplog.text
    assert "password" not in caplog.text


def test_every_connection_asks_that_a_commit_be_on_disk_before_it_is_confirmed(db: None) -> None:
    """Whatever the server's configuration says: that of the tests says off."""
    assert database_fault() == ""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)


def test_a_database_that_confirms_what_it_may_lose_is_a_fault(transactional_db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has the setting")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
        assert database_fault() == (
            "PostgreSQL may lose what it has confirmed: synchronous_commit is off. "
            "Set it to on, for the dashboard's user at least, and start again."
        )
    finally:
        connection.close()


@pytest.mark.processes
@pytest.mark.parametrize(
    "words",
    [
        ["worker", "--pool", "prefork", "--without-mingle", "-Q", "lanes", "-c", "1"],
        ["beat", "--pidfile="],
    ],
    ids=["worker", "beat"],
)
def test_workers_and_beat_refuse_to_start_and_say_why(
    process_environment: dict[str, str], set_policy: Callable[[str], object], words: list[str]
) -> None:
    set_policy("allkeys-lru")
    command = [sys.executable, "-m", "celery", "-A", "solicit_dashboard.celery:app", *words]
    done = subprocess.run(
        command, env=process_environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == EXIT_CONFIG == 78
    assert done.stderr.count(SENTENCE.format("allkeys-lru")) == 1
    assert "Traceback" not in done.stderr + done.stdout


def test_run_refuses_to_start_and_says_why(
    transactional_db: None, set_policy: Callable[[str], object]
) -> None:
    set_policy("allkeys-lru")
    with pytest.raises(CommandError) as refused:
        call_command("up", "--real", "--port", "1", "--no-browser")
    assert refused.value.returncode == EXIT_CONFIG
    assert str(refused.value) == SENTENCE.format("allkeys-lru")


def test_a_redis_that_evicts_is_not_ready(db: None, set_policy: Callable[[str], object]) -> None:
    get_redis().set(redis_key("seen", "worker"), 1)
    set_policy("volatile-ttl")
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"]["redis"] == SENTENCE.format("volatile-ttl")
