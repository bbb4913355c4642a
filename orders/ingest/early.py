"""Facts that a report told of an order before the order itself came."""

from __future__ import annotations

from collections.abc import Collection

from orders.ingest.rows import SIDE_FIELDS, settle_window
from orders.models import EarlyFact, Order
from sellers.models import SellerAccount


def apply_early_facts(account: SellerAccount, numbers: Collection[str]) -> None:
    """These orders, which just came, know what was told of them before; it is kept here no longer.

    The caller holds `lock_orders_of`, in the transaction in which they came.
    """
    waiting = EarlyFact.objects.filter(account=account)
    if not waiting.exists():  # as good as always
        return
    early = {fact.amazon_order_id: fact for fact in waiting.filter(amazon_order_id__in=numbers)}
    for row in Order.objects.filter(account=account, amazon_order_id__in=list(early)):
        for name in SIDE_FIELDS:
            setattr(row, name, getattr(early[row.amazon_order_id], name))
        settle_window(row)
        row.save(
            update_fields=[
                *SIDE_FIELDS,
                "earliest_delivery_at",
                "latest_delivery_at",
                "window_source",
            ]
        )
    EarlyFact.objects.filter(pk__in=[fact.pk for fact in early.values()]).delete()
