"""Amazon's searchOrders in memory: pages, tokens, pinned parameters, and faults on demand."""

from __future__ import annotations

from collections.abc import Callable, Collection
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
        pagination_token: str | None = None,
    ) -> spapi.OrderPage:
        number = len(self.calls)
        self.calls.append(
            {"after": last_updated_after, "data": tuple(included_data), "token": pagination_token}
        )
        self.before(number)
        if last_updated_after > self.now - timedelta(minutes=2):
            raise spapi.BadRequest("lastUpdatedAfter is too late", status=400)
        parameters = (last_updated_after,)
        if pagination_token is None:
            until = self.now - timedelta(minutes=2)
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
        page, rest = left[: self.page_size], left[self.page_size :]
        token = None
        if rest:
            token = self.name_token(f"token-{number}")
            self._searches[token] = (parameters, rest, until)
        said = self.now - timedelta(minutes=2) if self.moves_on else until
        return spapi.OrderPage(tuple(page), token, said, None)
