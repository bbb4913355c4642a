"""Which database is measured. Imported once Django is set up."""

from __future__ import annotations

from django.db import connection


def database_version() -> str:
    """Name and version of the database in use: "PostgreSQL 18.6"."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            return f"SQLite {cursor.fetchone()[0]}"
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"
