"""What the database itself refuses: triggers that keep records from being changed or deleted.

They are made by migrations (`install`). SQLite drops a table's triggers when a later migration
rebuilds the table, so such a migration has to install them again; a test compares the database with
`GUARDS` after all migrations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class Guard:
    """One thing that is refused: `event` (DELETE or UPDATE) on `table`, always or `when` it holds.

    `when` is SQL over OLD and NEW that SQLite and PostgreSQL both read.
    """

    name: str
    table: str
    event: str
    message: str
    when: str = ""


def _kept(table: str) -> Guard:
    return Guard(f"{table}_is_kept", table, "DELETE", "Records are never deleted.")


def _final(table: str) -> Guard:
    return Guard(f"{table}_is_final", table, "UPDATE", "Records are never changed.")


AUDIT_GUARDS = (_kept("audit_auditevent"), _final("audit_auditevent"))
SELLERS_GUARDS = (_kept("sellers_selleraccount"),)
MESSAGING_GUARDS = (
    _kept("messaging_outgoingaction"),
    _kept("messaging_actionattempt"),
    _kept("messaging_actionevent"),
    _final("messaging_actionevent"),
    Guard(
        "finished_attempt_is_final",
        "messaging_actionattempt",
        "UPDATE",
        "A finished attempt is never changed.",
        when="OLD.finished_at IS NOT NULL",
    ),
    Guard(
        "sent_action_stays_sent",
        "messaging_outgoingaction",
        "UPDATE",
        "What was sent stays sent.",
        when="OLD.status = 'sent' AND NEW.status <> 'sent'",
    ),
)
GUARDS = AUDIT_GUARDS + SELLERS_GUARDS + MESSAGING_GUARDS

_REFUSE_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation';
END $$
"""


def install(connection: BaseDatabaseWrapper, guards: Iterable[Guard]) -> None:
    """The guards stand in the database; what stood there under their names is replaced.

    Whoever breaks one gets django.db.IntegrityError.
    """
    remove(connection, guards)
    postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if postgresql:
            cursor.execute(_REFUSE_FUNCTION)
        for guard in guards:
            when = f"WHEN ({guard.when})" if guard.when else ""
            start = f"CREATE TRIGGER {guard.name} BEFORE {guard.event} ON {guard.table}"
            if not postgresql:
                cursor.execute(f"{start} {when} BEGIN SELECT RAISE(ABORT, '{guard.message}'); END")
                continue
            refuse = f"EXECUTE FUNCTION refuse_change('{guard.message}')"
            cursor.execute(f"{start} FOR EACH ROW {when} {refuse}")
            if guard.event == "DELETE":
                cursor.execute(
                    f"CREATE TRIGGER {guard.name}_whole BEFORE TRUNCATE ON {guard.table} "
                    f"FOR EACH STATEMENT {refuse}"
                )


def remove(connection: BaseDatabaseWrapper, guards: Iterable[Guard]) -> None:
    """The guards no longer stand in the database (for a migration back, and between tests)."""
    with connection.cursor() as cursor:
        for guard in guards:
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP TRIGGER IF EXISTS {guard.name} ON {guard.table}")
                cursor.execute(f"DROP TRIGGER IF EXISTS {guard.name}_whole ON {guard.table}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {guard.name}")


def standing(connection: BaseDatabaseWrapper) -> set[str]:
    """The names of the guards that stand in the database."""
    if connection.vendor == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        names = {row[0] for row in cursor.fetchall()}
    return {guard.name for guard in GUARDS if guard.name in names}
