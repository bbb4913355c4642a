"""Whether the process answers, and whether all that it needs does."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    connection,
    connections,
)
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from redis import RedisError

from solicit_dashboard.promises import database_fault, redis_fault
from solicit_dashboard.redis import get_redis, redis_key

SEEN_WITHIN_SECONDS = 60


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every part answers, else 503: {"ready": bool, "parts": {part: "ok" or what is wrong}}."""
    checks: dict[str, Callable[[], str]] = {
        "database": _database,
        "migrations": _migrations,
        "redis": _redis,
        "dispatcher": lambda: _seen("dispatcher"),
        "worker": lambda: _seen("worker"),
    }
    parts = {}
    for name, check in checks.items():
        try:
            parts[name] = check()
        except (DatabaseError, InterfaceError, RedisError) as error:
            # The class alone: a driver's message may quote an address with its password.
            parts[name] = f"does not answer ({type(error).__name__})"
    ready = all(state == "ok" for state in parts.values())
    return JsonResponse({"ready": ready, "parts": parts}, status=200 if ready else 503)


def waiting_migrations() -> int:
    """How many migrations of this version the database has not had yet."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return database_fault() or "ok"


def _migrations() -> str:
    waiting = waiting_migrations()
    return f"{waiting} not applied" if waiting else "ok"


def _redis() -> str:
    get_redis().ping()
    return redis_fault(get_redis()) or "ok"


def _seen(part: str) -> str:
    ago = seen_ago(part)
    if ago is None:
        return "not seen yet"
    return "ok" if ago <= SEEN_WITHIN_SECONDS else f"last seen {int(ago)} s ago"


def seen_ago(part: str) -> float | None:
    """How many seconds ago the part ("worker" or "dispatcher") worked, None when it never did.

    It writes the time (Unix seconds) under this key whenever it works. Raises RedisError.
    """
    value = get_redis().get(redis_key("seen", part))
    return timezone.now().timestamp() - float(value) if isinstance(value, bytes) else None
