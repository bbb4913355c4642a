"""Facts that a report told of an order before the order itself came."""

from __future__ import annotations

from collections.abc import Sequence

from orders.ingest.rows import SIDE_FIELDS, settle_window
from orders.models import EarlyFact, Order
from sellers.models import SellerAccount


def take_early_facts(account: SellerAccount, rows: Sequence[Order]) -> None:
    """These new rows, not saved yet, know what was told of them before; it is kept here no longer.

    The caller holds `lock_orders_of` and saves the rows in the same transaction.
    """
    if not rows:
        return
    by_number = {row.amazon_order_id: row for row in rows}
    early = list(EarlyFact.objects.filter(account=account, amazon_order_id__in=list(by_number)))
    for fact in early:
        row = by_number[fact.amazon_order_id]
        for name in SIDE_FIELDS:
            setattr(row, name, getattr(fact, name))
        settle_window(row)
    if early:
        EarlyFact.objects.filter(pk__in=[fact.pk for fact in early]).delete()
