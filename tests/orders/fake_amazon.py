"""Amazon's searchOrders in memory: pages, tokens, pinned parameters, and faults on demand."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import spapi
from tests.orders.amazon import NOON


class FakeAmazon:
    """Stands where a client stands. `calls` holds the parameters of every call."""

    def __init__(self, *orders: spapi.Order, page_size: int = 2) -> None:
        self.orders = list(orders)
        self.page_size = page_size
        self.now = NOON
        self.calls: list[dict[str, Any]] = []
        # called with the number of the call (from 0) before it is answered; may raise
        self.before: Callable[[int], None] = lambda number: None
        # may change the token that leads from one page to the next
        self.name_token: Callable[[str], str] = lambda token: token
        # whether lastUpdatedBefore is each page's own moment and not the first page's
        self.moves_on = False
        # as Amazon's endpoint in the Far East: 400 when FULFILLMENT is asked for
        self.without_fulfillment = False
        self._searches: dict[str, tuple[tuple[Any, ...], list[spapi.Order], datetime]] = {}

    @property
    def client(self) -> spapi.Client:
        return cast(spapi.Client, self)

    def forget_tokens(self) -> None:
        """As after 24 hours."""
        self._searches.clear()

    def search_orders(
        self,
        *,
        last_updated_after: datetime,
        included_data: Collection[str],
        last_updated_before: datetime | None = None,
        pagination_token: str | None = None,
    ) -> spapi.OrderPage:
        number = len(self.calls)
        call = {"after": last_updated_after, "data": tuple(included_data)}
        call |= {"token": pagination_token}
        if last_updated_before is not None:
            call["until"] = last_updated_before
        self.calls.append(call)
        self.before(number)
        if self.without_fulfillment and "FULFILLMENT" in included_data:
            raise spapi.BadRequest("InvalidInput", status=400)
        if last_updated_after > self.now - timedelta(minutes=2):
            raise spapi.BadRequest("lastUpdatedAfter is too late", status=400)
        parameters = (last_updated_after, last_updated_before)
        if pagination_token is None:
            until = min(self.now - timedelta(minutes=2), last_updated_before or self.now)
            left = sorted(
                (
                    order
                    for order in self.orders
                    if order.updated_at is not None
                    and last_updated_after <= order.updated_at < until
                ),
                key=lambda order: order.order_id,
            )
        else:
            try:
                pinned, left, until = self._searches[pagination_token]
            except KeyError:
                raise spapi.BadRequest("paginationToken Bad Request", status=400) from None
            if pinned != parameters:
                raise spapi.BadRequest("the parameters differ from the token's", status=400)
        if "FULFILLMENT" not in included_data:
            left = [without_fulfillment(order) for order in left]
        page, rest = left[: self.page_size], left[self.page_size :]
        token = None
        if rest:
            token = self.name_token(f"token-{number}")
            self._searches[token] = (parameters, rest, until)
        said = self.now - timedelta(minutes=2) if self.moves_on else until
        return spapi.OrderPage(tuple(page), token, said, None)

    def get_order(self, order_id: str, *, included_data: Collection[str]) -> spapi.Order:
        if self.without_fulfillment and "FULFILLMENT" in included_data:
            raise spapi.BadRequest("InvalidInput", status=400)
        order = self._find(order_id)
        return order if "FULFILLMENT" in included_data else without_fulfillment(order)

    def get_order_v0(self, order_id: str) -> spapi.Order:
        return replace(self._find(order_id), items=(), packages=())

    def get_order_items_v0(
        self, order_id: str, *, next_token: str | None = None
    ) -> spapi.OrderItemPage:
        return spapi.OrderItemPage(self._find(order_id).items, None)

    def get_orders_v0(
        self,
        marketplace_ids: Collection[str],
        *,
        last_updated_after: datetime,
        last_updated_before: datetime | None = None,
        next_token: str | None = None,
    ) -> spapi.OrderPage:
        self.calls.append({"v0": tuple(marketplace_ids)})
        found = [
            replace(order, items=())
            for order in self.orders
            if order.updated_at is not None and order.updated_at >= last_updated_after
        ]
        return spapi.OrderPage(tuple(found), None, self.now - timedelta(minutes=2), None)

    def _find(self, order_id: str) -> spapi.Order:
        return next(order for order in self.orders if order.order_id == order_id)


def without_fulfillment(order: spapi.Order) -> spapi.Order:
    """The order as Amazon tells it when FULFILLMENT is not asked for."""
    return replace(
        order,
        fulfillment_status=None,
        fulfilled_by=None,
        service_level=None,
        ship_by=None,
        deliver_by=None,
    )
