"""One connection pool to Redis for each process, and the names of our keys in it."""

import os

from django.conf import settings
from redis import BlockingConnectionPool, Redis

KEY_PREFIX = "solicit"
_CONNECTIONS = 32

_clients: list[Redis] = []
# A forked child must not talk over its parent's sockets.
os.register_at_fork(after_in_child=_clients.clear)


def get_redis() -> Redis:
    """The process's client. Answers are bytes; a call fails after 5 s with redis.RedisError."""
    if not _clients:
        pool = BlockingConnectionPool.from_url(
            settings.REDIS_URL,
            max_connections=_CONNECTIONS,
            timeout=5,
            socket_timeout=5,
            socket_connect_timeout=5,
            health_check_interval=25,
        )
        _clients.append(Redis(connection_pool=pool))
    return _clients[0]


def redis_key(*parts: str | int) -> str:
    """The name of a key: `redis_key("bucket", 7)` is "solicit:bucket:7"."""
    return ":".join((KEY_PREFIX, *map(str, parts)))
