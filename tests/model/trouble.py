"""A database that goes away while a driver works, or just after it has committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import OperationalError, connection

T = TypeVar("T")


@dataclass
class Trouble:
    """The database fails when the driver next does `work`: after so many statements of it, or, with
    `after_commit`, when all of them have been committed."""

    work: str
    statements: int
    after_commit: bool = False

    def befall(self, work: Callable[[], T]) -> T | None:
        """What the work returns; None when the database went away in it or just after it."""
        try:
            if self.after_commit:
                work()
                return None
            with connection.execute_wrapper(_Failing(self.statements)):
                return work()
        except OperationalError:
            return None


class _Failing:
    """Lets so many statements through, and then none: the server is gone."""

    def __init__(self, statements: int) -> None:
        self._left = statements

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            return execute(sql, params, many, context)
        self._left -= 1
        if self._left < 0:
            raise OperationalError("the database is away")
        return execute(sql, params, many, context)
