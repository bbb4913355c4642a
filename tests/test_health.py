"""What load balancers ask: is the process there, and does all that it needs answer."""

from __future__ import annotations

import time

import pytest
from django.db import DatabaseError
from django.test import Client
from redis import RedisError

from solicit_dashboard import health
from solicit_dashboard.redis import get_redis, redis_key

pytestmark = pytest.mark.django_db


def _seen(**ago: float) -> None:
    for part, seconds in ago.items():
        get_redis().set(redis_key("seen", part), int(time.time() - seconds))


def test_the_process_answers_without_anything_else(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_ready_when_all_parts_answer(redis_empty: None) -> None:
    _seen(dispatcher=1, worker=50)
    response = Client().get("/readyz")
    assert response.status_code == 200
    parts = dict.fromkeys(("database", "migrations", "redis", "dispatcher", "worker"), "ok")
    assert response.json() == {"ready": True, "parts": parts}


def test_a_part_that_was_not_seen_lately_is_named(redis_empty: None) -> None:
    _seen(worker=70)
    response = Client().get("/readyz")
    assert response.status_code == 503
    parts = response.json()["parts"]
    assert parts["dispatcher"] == "not seen yet"
    assert parts["worker"] in ("last seen 70 s ago", "last seen 71 s ago")
    assert parts["database"] == parts["redis"] == "ok"


@pytest.mark.parametrize(
    ("check", "error", "part"),
    [("_database", DatabaseError, "database"), ("_redis", RedisError, "redis")],
)
def test_a_part_that_does_not_answer_is_named_without_its_address(
    monkeypatch: pytest.MonkeyPatch, check: str, error: type[Exception], part: str
) -> None:
    def fail() -> str:
        raise error("redis://:password@host:6379")

    monkeypatch.setattr(health, check, fail)
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"][part] == f"does not answer ({error.__name__})"
    assert "password" not in response.content.decode()


def test_migrations_that_wait_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "django.db.migrations.executor.MigrationExecutor.migration_plan",
        lambda _self, _targets: [("one", False), ("two", False)],
    )
    assert Client().get("/readyz").json()["parts"]["migrations"] == "2 not applied"
