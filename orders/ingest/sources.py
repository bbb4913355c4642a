"""How Amazon is asked for orders, where it does not answer as its documentation says.

Orders API 2026-01-01 with the data sets that we need is the first way. Its endpoint in the Far East
is known to answer 400 when FULFILLMENT is among them
(https://github.com/amzn/selling-partner-api-models/issues/5365): then it is asked for fewer, and
version 0 for what is missing; where that does not help, version 0 alone. The second and third way
tell less on the pages of a search, so that each order of them is asked for on its own. Amazon
switches version 0 off on 2027-03-27; without it only the first way is left.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from enum import IntEnum

import spapi
from orders.models import OrderSync
from spapi import Client

# Never BUYER, RECIPIENT, TAX or PAYMENT: what is not asked for cannot be lost.
INCLUDED_DATA = ("FULFILLMENT", "CANCELLATION", "PACKAGES", "PROCEEDS")
WITHOUT_FULFILLMENT = ("CANCELLATION", "PACKAGES", "PROCEEDS")
# So long after the first way failed it is tried again.
FIRST_WAY_AGAIN = timedelta(hours=24)
MOST_ITEM_PAGES = 20


class Way(IntEnum):
    """Ways of asking, the best first."""

    WHOLE = 0
    FEWER_DATA_SETS = 1
    VERSION_0 = 2


def ask_page(client: Client, sync: OrderSync, marketplaces: list[str]) -> spapi.OrderPage:
    """The next page of the search that `sync` describes, in the way that it names.

    Raises what the client raises.
    """
    token = sync.next_token or None
    if sync.way == Way.VERSION_0:
        return client.get_orders_v0(
            marketplaces,
            last_updated_after=sync.search_after,
            last_updated_before=sync.search_until,
            next_token=token,
        )
    return client.search_orders(
        last_updated_after=sync.search_after,
        last_updated_before=sync.search_until,
        included_data=INCLUDED_DATA if sync.way == Way.WHOLE else WITHOUT_FULFILLMENT,
        pagination_token=token,
    )


def ask_order(client: Client, number: str, way: int) -> spapi.Order:
    """The order with all that we need, put together from two answers or more if need be.

    Raises what the client raises. Touches no database: threads call it.
    """
    if way == Way.WHOLE:
        return client.get_order(number, included_data=INCLUDED_DATA)
    told = client.get_order_v0(number)
    if way == Way.VERSION_0:
        pages = [client.get_order_items_v0(number)]
        while (token := pages[-1].next_token) and len(pages) < MOST_ITEM_PAGES:
            pages.append(client.get_order_items_v0(number, next_token=token))
        return spapi.with_items(told, pages)
    order = client.get_order(number, included_data=WITHOUT_FULFILLMENT)
    return replace(
        order,
        fulfillment_status=told.fulfillment_status,
        fulfilled_by=told.fulfilled_by,
        service_level=told.service_level,
        ship_by=told.ship_by,
        deliver_by=told.deliver_by,
        unknown_words=tuple(dict.fromkeys((*order.unknown_words, *told.unknown_words))),
    )
