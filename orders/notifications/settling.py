"""A second look at what notifications told: was the answer to the hint as new as that?

A notification may be faster than Amazon's orders API, which then answers with the order as it was
before. The hint has ended with that answer, and while notifications work orders are searched every
6 hours only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from orders.ingest.hints import note_hints, unknown_versions
from orders.locking import lock_orders_of
from orders.models import HeardNotification, OrderHint
from orders.states import DoorName
from sellers.models import SellerAccount
from solicit_dashboard.conflicts import repeats_on_conflict

# How long after it was heard of an order is looked at again; by then it was asked for.
SETTLES_AFTER = timedelta(minutes=3)
AT_ONCE = 500


def ask_again(at: datetime) -> int:
    """Amazon will be asked once more for orders that are older here than was told; how many.

    Once for each notification, 3 minutes after it was heard; should Amazon's two clocks disagree
    for good, that is all it costs. An order that waits to be asked for is left to that. `at` is now
    (UTC).
    """
    asked = 0
    while True:
        rows = list(
            HeardNotification.objects.filter(is_settled=False, heard_at__lte=at - SETTLES_AFTER)
            .select_related("account")
            .order_by("heard_at")[:AT_ONCE]
        )
        by_account: dict[SellerAccount, list[HeardNotification]] = {}
        for row in rows:
            by_account.setdefault(row.account, []).append(row)
        for account, heard in by_account.items():
            asked += _settle(account, heard, at)
        if len(rows) < AT_ONCE:
            return asked


@repeats_on_conflict
def _settle(account: SellerAccount, rows: Sequence[HeardNotification], at: datetime) -> int:
    newest: dict[str, datetime] = {}
    for row in rows:
        # a moment that is still to come would never be reached
        if row.changed_at is not None and row.changed_at <= at:
            number = row.amazon_order_id
            newest[number] = max(row.changed_at, newest.get(number, row.changed_at))
    with transaction.atomic():
        lock_orders_of(account.pk)
        stale = unknown_versions(account, newest)
        waiting = OrderHint.objects.filter(account=account, amazon_order_id__in=stale)
        stale -= set(waiting.values_list("amazon_order_id", flat=True))
        note_hints(account, stale, DoorName.NOTIFICATIONS, heard_at=at)
        HeardNotification.objects.filter(pk__in=[row.pk for row in rows]).update(is_settled=True)
    return len(stale)
