"""Celery's part in reading orders: a tick."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from orders.ingest.due import sync_due_accounts
from solicit_dashboard.celery import stop_requested


@shared_task(name="orders.tasks.sync_due", ignore_result=True)
def sync_due() -> None:
    """The orders of every account that is due have been read."""
    sync_due_accounts(timezone.now, stop_requested)
