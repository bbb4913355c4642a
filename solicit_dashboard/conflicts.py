"""Transactions that gave way to another one: the database undid them, and they can be made again."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import InternalError, OperationalError, connection

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

MOST_REPEATS = 3
# PostgreSQL's codes for serialization_failure and deadlock_detected; SQLite has neither.
_GAVE_WAY = frozenset({"40001", "40P01"})
# idle_in_transaction_session_timeout: the server has ended the connection, and so the transaction.
_STOOD_STILL = "25P03"


def gave_way(error: OperationalError) -> bool:
    """Whether the transaction was undone for certain because another one was in its way."""
    return getattr(error.__cause__, "sqlstate", None) in _GAVE_WAY


def repeated_on_conflict(step: Callable[[], T]) -> T:
    """What the step, a whole transaction, returns; made again up to MOST_REPEATS times on a conflict.

    Raises what it raised otherwise, and the last conflict. Inside a caller's transaction, which is
    undone with it, the conflict is the caller's. A transaction that stood still for so long that
    the server ended it raises OperationalError, as whatever ends a connection does.
    """
    if connection.in_atomic_block:
        return step()
    try:
        return _repeated(step)
    except InternalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _STOOD_STILL:
            raise
        raise OperationalError(*error.args) from error.__cause__


def _repeated(step: Callable[[], T]) -> T:
    for _repeat in range(MOST_REPEATS):
        try:
            return step()
        except OperationalError as error:
            if not gave_way(error):
                raise
            logger.info("A transaction gave way to another one and is made again.")
    return step()


def repeats_on_conflict(function: Callable[P, T]) -> Callable[P, T]:
    """The function, a whole transaction, made again as by `repeated_on_conflict`."""

    @functools.wraps(function)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        return repeated_on_conflict(lambda: function(*args, **kwargs))

    return repeated
