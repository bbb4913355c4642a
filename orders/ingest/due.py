"""Which accounts' orders are due to be read, and reading them as this installation is set up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from django.db.models import Q

from orders.freshness import POLL_EVERY_BESIDE_NOTIFICATIONS, works
from orders.ingest.hints import fetch_hinted
from orders.ingest.poll import EVERY, SyncResult, sync_orders
from orders.models import Door, OrderHint, OrderSync
from orders.states import DoorName
from sellers.clients import client_for, limiter_for
from sellers.models import SellerAccount
from spapi import Limiter

logger = logging.getLogger(__name__)

# One account's first run must not keep the others waiting.
PAGES_PER_TURN = 25
HINTS_PER_TURN = 60
_COMPARED = (DoorName.POLLING, DoorName.NOTIFICATIONS)


def take_due(now: datetime) -> Iterator[SellerAccount]:
    """Each account whose time has come (UTC), once: whoever else looks finds it taken.

    It is due again in 20 minutes if nobody says otherwise, so that a worker's death costs no more.
    While notifications tell of its orders and no search is under way, it is passed over until the
    last search ended 6 hours ago; when they fall silent, its next turn comes as always.
    """
    reachable = SellerAccount.objects.reachable()
    OrderSync.objects.bulk_create(
        [OrderSync(account=account) for account in reachable.filter(order_sync=None)],
        ignore_conflicts=True,
    )
    due = (
        OrderSync.objects.filter(Q(due_at=None) | Q(due_at__lte=now), account__in=reachable)
        .select_related("account__application")
        .order_by("due_at", "pk")
    )
    resting = _resting(now)
    for sync in due:
        unmoved = Q(due_at=None) if sync.due_at is None else Q(due_at=sync.due_at)
        is_taken = OrderSync.objects.filter(unmoved, pk=sync.pk).update(due_at=now + EVERY)
        if is_taken and (sync.account_id not in resting or sync.search_after is not None):
            yield sync.account


def _resting(now: datetime) -> set[int]:
    """The accounts whose orders notifications tell, and which were searched lately enough."""
    rows = {(row.account_id, row.door): row for row in Door.objects.filter(door__in=_COMPARED)}
    told = {
        account_id
        for (account_id, door), row in rows.items()
        if door == DoorName.NOTIFICATIONS and works(row, now)
    }
    # a turn early rather than late: it is looked at every 20 minutes only
    since = now - POLL_EVERY_BESIDE_NOTIFICATIONS + EVERY
    return {
        account_id
        for account_id in told
        if (polling := rows.get((account_id, DoorName.POLLING))) is not None
        and not polling.error
        and polling.last_worked_at is not None
        and polling.last_worked_at > since
    }


def sync_due_accounts(clock: Callable[[], datetime], is_stopping: Callable[[], bool]) -> int:
    """The orders of every account that is due have been read; returns how many accounts.

    One account's failure does not stop the others; it is logged, and the account is due again.
    """
    done = 0
    for account in take_due(clock()):
        if is_stopping():
            # taken but not read: due again at once for whoever comes next
            OrderSync.objects.filter(account=account).update(due_at=clock())
            break
        try:
            result = sync_account(account, now=clock(), max_pages=PAGES_PER_TURN)
        except Exception:
            logger.exception("The orders of account %s could not be read.", account.pk)
            continue
        done += 1
        if result.error:
            logger.warning("Orders of account %s: %s", account.pk, result.error)
    return done


def fetch_hinted_due_accounts(
    clock: Callable[[], datetime], is_stopping: Callable[[], bool]
) -> int:
    """Amazon has been asked for the orders that were heard of, account by account.

    As many of each as its rate lets through, HINTS_PER_TURN at most; returns how many were asked
    for. One account's failure does not stop the others; it is logged and tried again later.
    """
    now = clock()
    waiting = OrderHint.objects.due(now).order_by().values("account_id").distinct()
    accounts = (
        SellerAccount.objects.reachable()
        .filter(pk__in=waiting)
        .exclude(order_sync__hints_due_at__gt=now)
        .select_related("application")
    )
    asked = 0
    for account in accounts:
        if is_stopping():
            break
        try:
            client = client_for(account, limiter=limiter_for(account))
            result = fetch_hinted(account, client=client, now=clock(), most=HINTS_PER_TURN)
        except Exception:
            logger.exception("The orders heard of for account %s could not be read.", account.pk)
            continue
        asked += result.asked
        if result.error:
            logger.warning("Orders heard of for account %s: %s", account.pk, result.error)
    return asked


def sync_account(
    account: SellerAccount,
    *,
    now: datetime,
    since: datetime | None = None,
    full: bool = False,
    max_pages: int | None = None,
    limiter: Limiter | None = None,
    on_page: Callable[[SyncResult], None] | None = None,
) -> SyncResult:
    """`sync_orders` with the account's own client, within Amazon's rates unless told otherwise."""
    if limiter is None:
        limiter = limiter_for(account)
    return sync_orders(
        account,
        client=client_for(account, limiter=limiter),
        now=now,
        since=since,
        full=full,
        max_pages=max_pages,
        on_page=on_page,
    )
