"""The records of sending as the oracle reads them: by SQL of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection


@dataclass(slots=True)
class Row:
    pk: int
    account_id: int
    order_id: int
    order: str
    kind: str
    status: str
    sent_attempt: int | None
    seen_by: int | None
    batch_id: int | None


@dataclass(slots=True)
class Try:
    pk: int
    action_id: int
    is_open: bool
    is_abandoned: bool
    claimed_at: datetime
    finished_at: datetime | None
    status_code: int | None
    outcome: str


class Records:
    """The actions by id, and the attempts of each in their order, as they stood at the last `read`."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.tries: dict[int, list[Try]] = {}
        self._last_event = 0

    def read(self) -> None:
        """The rows as they stand now."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT a.id, a.account_id, a.order_id, o.amazon_order_id, a.kind, a.status,"
                " a.sent_attempt_id, a.seen_by_id, a.batch_id FROM messaging_outgoingaction a"
                " JOIN orders_order o ON o.id = a.order_id ORDER BY a.id"
            )
            self.rows = {values[0]: Row(*values) for values in cursor.fetchall()}
            cursor.execute(
                "SELECT id, action_id, finished_at IS NULL AND abandoned_at IS NULL,"
                " abandoned_at IS NOT NULL, claimed_at, finished_at, status_code, outcome"
                " FROM messaging_actionattempt ORDER BY action_id, number"
            )
            self.tries = {}
            for pk, action_id, is_open, is_given_up, claimed_at, ended, *rest in cursor.fetchall():
                moments = _utc(claimed_at), None if ended is None else _utc(ended)
                one = Try(pk, action_id, bool(is_open), bool(is_given_up), *moments, *rest)
                self.tries.setdefault(action_id, []).append(one)

    def new_events(self) -> list[tuple[int, str, str]]:
        """What was added to the events since the last call: action, from where, to where."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, action_id, before, after FROM messaging_actionevent"
                " WHERE id > %s ORDER BY id",
                [self._last_event],
            )
            events = cursor.fetchall()
        if events:
            self._last_event = events[-1][0]
        return [(action_id, before, after) for _, action_id, before, after in events]


def _utc(moment: datetime | str) -> datetime:
    """SQLite gives text without a zone."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
