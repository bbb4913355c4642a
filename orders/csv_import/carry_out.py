"""Doing what a plan says. Done twice, or begun again after a kill, it ends the same."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from audit.models import AuditKind
from audit.services import record_event
from orders.csv_import.plans import CHUNK, Plan
from orders.doors import door_worked
from orders.ingest.hints import note_hints
from orders.ingest.partial import upsert_facts
from orders.models import OrderImport
from orders.services import exclude
from orders.states import DoorName, FulfillmentStatus
from sellers.models import SellerAccount

_KNOWN_STATUSES = frozenset(FulfillmentStatus.values)


def carry_out(
    account: SellerAccount, plan: Plan, *, user: User | None, at: datetime, client_key: UUID
) -> OrderImport:
    """The plan's orders or exclusions stand, and the import is on record and in the audit trail.

    Orders in transactions of 1,000 each, exclusions of 500; a kill between them leaves an import
    that is not finished, and what it took in, so that the same plan, or file, can be imported
    again. With a `client_key` that was finished before, nothing is done. Exclusions need a `user`.
    `at` is now (UTC).
    """
    source = plan.source
    made, is_new = OrderImport.objects.get_or_create(
        client_key=client_key,
        defaults={
            "account": account,
            "kind": source.kind,
            "file_name": source.file_name[:100],
            "digest": source.digest,
            "made_by": user,
            "made_at": at,
            "rows": source.rows,
            "bad_rows": source.bad_rows,
            "repeats": source.repeats,
            "elsewhere": plan.elsewhere,
        },
    )
    if not is_new and made.finished_at is not None:
        return made
    if plan.exclusion is None:
        new = _take_in_orders(account, plan, at)
    else:
        if user is None:
            raise ValueError("exclusions are somebody's")
        new = 0
        # not all in one transaction, for which sending on SQLite would have to wait
        for start in range(0, len(plan.values), CHUNK):
            chunk = plan.values[start : start + CHUNK]
            new += exclude(account, plan.exclusion, chunk, user=user, reason=plan.reason)
    _finish(made, plan, new)
    made.refresh_from_db()
    return made


def _take_in_orders(account: SellerAccount, plan: Plan, at: datetime) -> int:
    """Returns how many orders were not here. Amazon is asked for every one that may be news."""
    upsert_facts(account, plan.facts, door=DoorName.CSV, seen_at=at)
    # without a time of change it cannot be told whether the order is news: Amazon is asked
    undated = [facts.order_id for facts in plan.facts if facts.updated_at is None]
    note_hints(account, undated, DoorName.CSV, heard_at=at)
    return plan.new


@transaction.atomic
def _finish(made: OrderImport, plan: Plan, new: int) -> None:
    """Of several who did the same one finishes it."""
    finished = OrderImport.objects.filter(pk=made.pk, finished_at=None).update(
        finished_at=timezone.now(), new=new, known=plan.size - new
    )
    if not finished:
        return
    if plan.exclusion is None:
        moments = [facts.updated_at for facts in plan.facts if facts.updated_at is not None]
        words = (facts.fulfillment_status for facts in plan.facts)
        door_worked(
            made.account,
            DoorName.CSV,
            at=timezone.now(),
            newest_heard_at=max(moments, default=None),
            counts={"unreadable": plan.source.bad_rows},
            unknown_words=[
                f"order-status={word}" for word in words if word and word not in _KNOWN_STATUSES
            ],
        )
    record_event(
        AuditKind.IMPORTED,
        user=made.made_by,
        account_id=made.account_id,
        subject=f"{made.get_kind_display()}: {made.file_name}",
        sha256=made.digest,
        rows=made.rows,
        bad_rows=made.bad_rows,
        new=new,
        reason=plan.reason,
    )
