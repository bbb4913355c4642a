"""Records that contradict themselves: what the database refuses is taken out of it for one test.

Triggers and constraints are dropped inside the test's own transaction, on both databases, so that
they stand again when it is rolled back. SQLite cannot drop a CHECK; it is told not to look at them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models

from audit.guards import GUARDS, remove
from messaging.models import ActionAttempt, ActionEvent, OutgoingAction


@contextmanager
def lawless() -> Iterator[None]:
    """The database takes what is written, whatever it says."""
    connection.check_constraints()  # PostgreSQL alters no table whose foreign keys wait to be checked
    remove(connection, GUARDS)
    for model in (OutgoingAction, ActionAttempt, ActionEvent):
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint) and constraint.condition is not None:
                _execute(f"DROP INDEX {constraint.name}")
            elif isinstance(constraint, models.CheckConstraint) and _is_postgresql():
                _execute(f"ALTER TABLE {model._meta.db_table} DROP CONSTRAINT {constraint.name}")
    if _is_postgresql():
        yield
        return
    _execute("PRAGMA ignore_check_constraints = ON")
    try:
        yield
    finally:
        _execute("PRAGMA ignore_check_constraints = OFF")


def overwrite(row: models.Model, **values: Any) -> None:
    """The row has these values, behind the back of everything that would have refused them."""
    columns = {type(row)._meta.get_field(name).column: value for name, value in values.items()}
    names = ", ".join(f"{column} = %s" for column in columns)
    _execute(f"UPDATE {row._meta.db_table} SET {names} WHERE id = %s", [*columns.values(), row.pk])


def erase(row: models.Model) -> None:
    """The row is gone."""
    _execute(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk])


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _execute(sql: str, values: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
