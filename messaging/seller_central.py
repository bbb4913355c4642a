"""Where people look at an order themselves."""

from __future__ import annotations

from spapi import MARKETPLACES


def seller_central_address(marketplace_id: str, order_number: str) -> str:
    """Where Seller Central shows this order; "" for a marketplace whose host no source names.

    The host is Amazon's documented one (https://developer-docs.amazon.com/sp-api/docs/seller-central-urls);
    the path is the one that Seller Central itself uses, and is documented nowhere.
    """
    known = MARKETPLACES.get(marketplace_id)
    if known is None or known.seller_central is None:
        return ""
    return f"https://{known.seller_central}/orders-v3/order/{order_number}"
