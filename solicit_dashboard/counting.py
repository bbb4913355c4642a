"""Several counts in one statement, each no further than it has to go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When


@dataclass(frozen=True)
class Part:
    """Rows to be counted, at most so many of them, and besides those of them that fit."""

    rows: QuerySet[Any]
    most: int | None
    fits: Q | None = None

    def as_sql(self, place: int) -> tuple[str, tuple[Any, ...]]:
        """The statement that counts it, its place before the two numbers, and its parameters."""
        rows, fitting = self.rows.order_by(), "*"
        if self.fits is None:
            rows = rows.values("pk")
        else:
            said = Case(When(self.fits, then=Value(1)), output_field=IntegerField())
            rows, fitting = rows.annotate(fits=said).values("fits"), '"fits"'
        inner, parameters = rows[: self.most].query.get_compiler(connection=connection).as_sql()
        # the text is Django's own, and every value a parameter
        counts = f"SELECT {place}, COUNT(*), COUNT({fitting})"
        return f"{counts} FROM ({inner}) AS part_{place}", parameters


def count_each(parts: Sequence[Part]) -> list[tuple[int, int]]:
    """How many rows each part has and how many of them fit (all, when nothing is asked), in one query."""
    statements: list[str] = []
    parameters: list[Any] = []
    for place, part in enumerate(parts):
        try:
            statement, values = part.as_sql(place)
        except EmptyResultSet:
            continue  # its conditions cannot hold together
        statements.append(statement)
        parameters += values
    counts = [(0, 0)] * len(parts)
    if statements:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(statements), parameters)
            for place, rows, fitting in cursor.fetchall():
                counts[place] = (rows, fitting)
    return counts
