"""The audit trail as a file: CSV for spreadsheets, JSON for machines, written while it is read.

An export is an event of the trail itself, and stands in none of its own rows.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Max, QuerySet

from audit.models import AuditEvent, AuditKind
from audit.services import record_event
from solicit_dashboard.csv_cells import safe_cell

HEADER = ("id", "at (UTC)", "kind", "what", "person", "account", "subject", "detail")
_CHUNK = 2_000


class BadPeriodError(ValueError):
    """The days asked for are none; the message is a sentence for a person."""


@dataclass(frozen=True)
class Export:
    """The events of these days, both included (UTC; None for no end), as they stood when asked for."""

    first: date | None
    last: date | None
    events: QuerySet[AuditEvent]
    rows: int

    @property
    def days(self) -> str:
        """The period in words."""
        return f"{self.first or 'the beginning'} to {self.last or 'today'}"

    def _read(self) -> Iterator[AuditEvent]:
        # One short statement after the other: a cursor that outlives its transaction has PostgreSQL
        # gather all rows first, which the web's limit of a statement's time may end in the middle.
        last = 0
        while chunk := list(self.events.filter(pk__gt=last)[:_CHUNK]):
            yield from chunk
            last = chunk[-1].pk

    def csv_lines(self) -> Iterator[str]:
        """The file line by line; no cell is a formula to a spreadsheet."""
        writer = csv.writer(_Echo())
        yield "\ufeff" + writer.writerow(HEADER)  # the mark makes spreadsheets read it as UTF-8
        for event in self._read():
            cells = (str(value) for value in _as_dict(event).values())
            yield writer.writerow([safe_cell(cell) for cell in cells])

    def json_lines(self) -> Iterator[str]:
        """One document, an event a line."""
        days = {"from": _text(self.first), "to": _text(self.last), "rows": self.rows}
        yield json.dumps(days)[:-1] + ', "events": ['
        separator = "\n"
        for event in self._read():
            row = _as_dict(event) | {"account": event.account_id, "detail": event.detail}
            yield separator + json.dumps(row, ensure_ascii=False)
            separator = ",\n"
        yield "\n]}\n"


def begin_export(
    first: date | None,
    last: date | None,
    *,
    user: AbstractBaseUser | AnonymousUser | None,
    form: str,
) -> Export:
    """The export of these days (UTC, both included), which stands in the audit trail from now on.

    `form` is "csv" or "json". Raises BadPeriodError when the first day is after the last.
    """
    if first and last and first > last:
        raise BadPeriodError(f"The first day, {first}, is after the last, {last}.")
    newest = AuditEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
    events = AuditEvent.objects.filter(pk__lte=newest).select_related("user").order_by("pk")
    if first:
        events = events.filter(at__gte=_midnight(first))
    if last:
        events = events.filter(at__lt=_midnight(last) + timedelta(days=1))
    export = Export(first, last, events, events.count())
    record_event(
        AuditKind.EXPORTED,
        user=user,
        subject=f"Audit trail, {export.days}",
        rows=export.rows,
        form=form,
    )
    return export


def parse_day(text: str) -> date | None:
    """The day, None for no text; raises BadPeriodError for what is no day."""
    text = text.strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadPeriodError(f"“{text[:40]}” is no day. Write it as 2026-03-14.") from None
    if not 2000 <= day.year <= 9000:
        raise BadPeriodError(f"{day} is no day of this audit trail.")
    return day


def _as_dict(event: AuditEvent) -> dict[str, object]:
    return {
        "id": event.pk,
        "at": event.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "kind": event.kind,
        "what": event.get_kind_display(),
        "person": event.user.get_username() if event.user else "",
        "account": "" if event.account_id is None else event.account_id,
        "subject": event.subject,
        "detail": json.dumps(event.detail, ensure_ascii=False),
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


class _Echo:
    """A file that gives each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line
