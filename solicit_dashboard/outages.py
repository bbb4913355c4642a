"""Errors of the database that go by themselves: it is away, full of others, or took too long."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError

RETRY_AFTER_SECONDS = 10
UNREACHABLE = (
    "The database cannot be reached, or is busy with others. What was queued is safe, and nothing is "
    "sent twice. Try again in a minute; if you were changing something, look first whether it was done."
)
TOO_LONG = (
    "The database took too long for this and was stopped. Ask for less, such as "
    "fewer days or one account, or try again in a minute."
)
# PostgreSQL's query_canceled, by its statement_timeout.
_CANCELLED = "57014"
# SQLite says OperationalError of a missing table as well: only these go by themselves.
_SQLITE_OUTAGES = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_CANTOPEN")


def outage(error: BaseException | None) -> str:
    """The sentence for the reader when this error goes by itself; "" when it is a fault of ours."""
    if isinstance(error, InterfaceError):
        return UNREACHABLE
    if not isinstance(error, OperationalError):
        return ""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) == _CANCELLED:
        return TOO_LONG
    sqlite = getattr(cause, "sqlite_errorname", None)
    if sqlite is not None and not sqlite.startswith(_SQLITE_OUTAGES):
        return ""
    return UNREACHABLE
