"""Many review requests by one click or command."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from audit.models import AuditKind
from audit.services import record_event
from messaging.hints import wake_lanes_on_commit
from messaging.models import Batch, Origin
from messaging.queueing import queue_reviews
from messaging.services.holding import apply_holds, hold
from messaging.services.repeating import batch_of_form
from orders.models import OrderQuerySet
from solicit_dashboard.conflicts import repeats_on_conflict


def request_reviews(
    orders: OrderQuerySet,
    *,
    user: User | None,
    at: datetime,
    client_key: UUID,
    origin: Origin = Origin.PAGE,
    description: str = "",
    limit: int | None = None,
) -> Batch:
    """A batch holds a queued review request for each of these orders that may be asked.

    The others are left out and counted by account and reason in `Batch.skipped`. `orders` must already be cut to
    what the person may touch. With `limit`, those whose windows close first are taken. The same
    `client_key` returns the batch that it made before, so that a double click makes one batch;
    somebody else's key raises NotAllowedError.
    """
    return batch_of_form(
        client_key,
        user,
        lambda: _make_batch(
            orders,
            user=user,
            at=at,
            client_key=client_key,
            origin=origin,
            description=description,
            limit=limit,
        ),
    )


@repeats_on_conflict
def _make_batch(
    orders: OrderQuerySet,
    *,
    user: User | None,
    at: datetime,
    client_key: UUID,
    origin: Origin,
    description: str,
    limit: int | None,
) -> Batch:
    with transaction.atomic():
        batch = Batch.objects.create(
            client_key=client_key,
            origin=origin,
            created_at=at,
            created_by=user,
            description=description[:300],
            release_at=at + hold(),
        )
        account_ids = queue_reviews(batch, orders, at=at, limit=limit)
        for account_id in account_ids:
            record_event(
                AuditKind.REQUESTED,
                user=user,
                account_id=account_id,
                subject=f"Batch {batch.pk}",
                queued=batch.queued,
                selected=batch.selected,
                description=batch.description,
            )
        apply_holds(at=at, account_ids=account_ids)
        wake_lanes_on_commit(account_ids)
    return batch
