"""What sending rests on: Redis forgets nothing by itself, and what the database confirms stands.

A Redis that evicts forgets the leases and the spent tokens of the lanes first, without a word; a
database that confirms before it has written forgets claims when its machine dies.
"""

from __future__ import annotations

import functools
import logging
import sys

from django.db import DatabaseError, InterfaceError, connection
from redis import Redis, RedisError, ResponseError

from solicit_dashboard.env import EXIT_CONFIG
from solicit_dashboard.redis import get_redis

logger = logging.getLogger(__name__)


@functools.cache
def _warn_once(text: str) -> None:
    # load balancers ask every few seconds
    logger.warning(text)


def redis_fault(redis: Redis) -> str:
    """Why this Redis may forget what it was told, as a sentence; "" when it may not.

    One that does not tell, as some managed ones, is believed, with a warning. Raises RedisError.
    """
    try:
        # INFO tells what CONFIG GET does, which managed ones forbid
        policy = redis.info("memory").get("maxmemory_policy", "")
    except ResponseError:
        policy = ""
    if not policy:
        _warn_once("Redis does not tell its maxmemory-policy: see to it that it is noeviction.")
        return ""
    if policy == "noeviction":
        return ""
    return (
        f"Redis may forget what it was told: its maxmemory-policy is {policy}. "
        "Set it to noeviction, in its configuration too, and start again."
    )


def database_fault() -> str:
    """Why the database may lose what it has confirmed, as a sentence; "" when it may not.

    Every connection asks for synchronous_commit, but a pooler or DATABASE_URL may drop that.
    Raises DatabaseError or InterfaceError while it is away.
    """
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('synchronous_commit'), current_setting('fsync')")
        confirms_when_written, writes = cursor.fetchone()
    if writes == "off":
        _warn_once("PostgreSQL runs with fsync off: a power cut may destroy all of its data.")
    if confirms_when_written != "off":
        return ""
    return (
        "PostgreSQL may lose what it has confirmed: synchronous_commit is off. "
        "Set it to on, for the dashboard's user at least, and start again."
    )


def unkept_promises(*, of_redis: bool = True) -> list[str]:
    """The sentences of all that is unfit. What is away is not waited for: it may come later."""
    faults = []
    try:
        faults.append(database_fault())
    except (DatabaseError, InterfaceError) as error:
        # The class alone: a driver's message may quote an address with its password.
        logger.warning("The database could not be asked (%s).", type(error).__name__)
    try:
        faults.append(redis_fault(get_redis()) if of_redis else "")
    except RedisError as error:
        logger.warning("Redis could not be asked (%s).", type(error).__name__)
    return [fault for fault in faults if fault]


def start_only_if_kept() -> None:
    """Returns when all is fit, with no connection left open; else this process ends with 78."""
    try:
        faults = unkept_promises()
    finally:
        # children are forked from here, and must not share it
        connection.close()
    if faults:
        sys.stderr.writelines(f"{fault}\n" for fault in faults)
        raise SystemExit(EXIT_CONFIG)
