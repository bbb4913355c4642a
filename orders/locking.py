"""One writer of an account's orders at a time."""

from __future__ import annotations

from orders.models import OrderSync


def lock_orders_of(account_id: int) -> OrderSync:
    """Until the end of this transaction nobody else takes in orders or exclusions of the account.

    Must be called inside a transaction. It keeps an older version of an order from overwriting a
    newer one that another door brings at the same moment, and an order that comes in while it is
    being excluded from being missed. Sending never waits for it.
    """
    OrderSync.objects.get_or_create(account_id=account_id)
    return OrderSync.objects.select_for_update().get(account_id=account_id)
