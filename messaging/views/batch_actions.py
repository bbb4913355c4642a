"""The actions of a batch, as an address asks for them, and as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from audit.models import AuditKind
from audit.services import record_event
from messaging.models import Batch, OutgoingAction, OutgoingActionQuerySet
from messaging.outbox import OutboxFilter, read_filter
from messaging.states import Status
from solicit_dashboard.access import get_batch, get_reach, single_value
from solicit_dashboard.csv_cells import safe_cell

CSV_HEADER = (
    "order",
    "account",
    "marketplace",
    "what",
    "state",
    "reason",
    "state since (UTC)",
    "asked by",
    "asked at (UTC)",
    "next look (UTC)",
    "Amazon request id",
)


def read_state(request: HttpRequest, account_ids: Collection[int]) -> OutboxFilter:
    """The state that the address asks for; 400 for one that is not known."""
    return read_filter(
        state=single_value(request.GET, "state"),
        account="",
        first="",
        last="",
        number="",
        account_ids=account_ids,
    )


def actions_of(
    found: Batch, chosen: OutboxFilter, account_ids: Collection[int]
) -> OutgoingActionQuerySet:
    """The batch's actions in these accounts and of the state that was asked for."""
    actions = OutgoingAction.objects.filter(batch=found, account_id__in=list(account_ids))
    statuses = chosen.pill.statuses
    return actions.filter(status__in=statuses) if statuses else actions


@require_safe
def export(request: HttpRequest, batch_id: int) -> StreamingHttpResponse:
    """The batch's actions as CSV, as many as this person may see; cells are no formulas."""
    found = get_batch(request, batch_id)
    account_ids = get_reach(request).ids()
    chosen = read_state(request, account_ids)
    actions = actions_of(found, chosen, account_ids)
    record_event(
        AuditKind.EXPORTED,
        user=request.user,
        subject=f"Batch {found.pk}",
        rows=actions.count(),
        state=chosen.pill.key,
    )
    return StreamingHttpResponse(
        _csv_lines(actions),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="batch-{found.pk}.csv"'},
    )


def _csv_lines(actions: OutgoingActionQuerySet) -> Iterator[str]:
    """The lines of the file, read from the database a few thousand at a time."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(CSV_HEADER)  # the mark makes spreadsheets read it as UTF-8
    rows = actions.select_related("order", "account", "requested_by", "sent_attempt")
    for action in rows.order_by("pk").iterator(chunk_size=2_000):
        is_waiting = action.status in {Status.QUEUED, Status.UNCONFIRMED, Status.PROBABLY_SENT}
        cells = (
            action.order.amazon_order_id,
            action.account.name,
            action.order.marketplace_id,
            action.type.label,
            action.get_status_display(),
            action.reason,
            _utc(action.status_at),
            action.requested_by.get_username() if action.requested_by else "",
            _utc(action.created_at),
            _utc(action.look_at) if is_waiting else "",
            action.sent_attempt.request_id if action.sent_attempt else "",
        )
        yield writer.writerow([safe_cell(cell) for cell in cells])


class _Echo:
    """A file that gives each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
