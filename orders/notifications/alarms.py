"""What people have to be told of a queue: strangers write to it, or it holds what nobody can read."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Count, Q

from orders.models import NotificationQueue, ParkedNotification

# So long it is told that somebody else wrote to the queue.
STRANGERS_TOLD = timedelta(days=7)


def has_strangers(queue: NotificationQueue | None, now: datetime) -> bool:
    """Whether the queue lately (as of `now`, UTC) held messages of no subscription of ours."""
    return bool(queue and queue.stranger_at and now - queue.stranger_at < STRANGERS_TOLD)


def queue_alarms(queue_arn: str, account_ids: Collection[int], now: datetime) -> list[str]:
    """Sentences for whoever manages these accounts; two queries. `now` is in UTC."""
    found = []
    if has_strangers(NotificationQueue.objects.filter(arn=queue_arn).first(), now):
        found.append(
            "Somebody else can write to the queue of notifications: look at its access policy."
        )
    counted = (
        ParkedNotification.objects.waiting()
        .filter(account_id__in=account_ids)
        .aggregate(all=Count("pk"), new=Count("pk", filter=Q(is_new_version=True)))
    )
    if new := counted["new"]:
        found.append(
            f"{new:,} notification{'s are' if new > 1 else ' is'} of a type or version that this "
            "program does not know. Upgrade it, or ask Amazon for the orders on the account's page."
        )
    if other := counted["all"] - new:
        found.append(
            f"{other:,} notification{'s' if other > 1 else ''} could not be read: see the page of "
            "the account's notifications."
        )
    return found
