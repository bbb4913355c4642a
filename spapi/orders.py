"""Orders 2026-01-01: search by time of creation or change, and one order."""

from collections.abc import Collection, Mapping
from datetime import datetime

from spapi.api import Api
from spapi.operations import GET_ORDER, SEARCH_ORDERS
from spapi.reading import read_order, read_page
from spapi.types import Order, OrderPage
from spapi.writing import moments, query_text


class OrdersApi(Api):
    """https://developer-docs.amazon.com/sp-api/docs/orders-api-v2026-01-01-reference"""

    def search_orders(
        self,
        *,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
        last_updated_after: datetime | str | None = None,
        last_updated_before: datetime | str | None = None,
        marketplace_ids: Collection[str] = (),
        fulfillment_statuses: Collection[str] = (),
        fulfilled_by: Collection[str] = (),
        included_data: Collection[str] = (),
        max_results_per_page: int = 100,
        pagination_token: str | None = None,
    ) -> OrderPage:
        """One page of the orders created, or updated, after the moment given.

        Exactly one of `created_after` and `last_updated_after`, and no `…_before` of the other
        kind; moments are aware datetimes, or texts that go to Amazon as they are. All arguments
        must be the same for every page (Amazon allows only `included_data` and
        `max_results_per_page` to change), and a page's token is given back as it came.
        """
        if (created_after is None) == (last_updated_after is None):
            raise ValueError("give exactly one of created_after and last_updated_after")
        if (created_before if created_after is None else last_updated_before) is not None:
            raise ValueError("created_… and last_updated_… cannot be mixed")
        query = query_text(
            createdAfter=moments(created_after),
            createdBefore=moments(created_before),
            lastUpdatedAfter=moments(last_updated_after),
            lastUpdatedBefore=moments(last_updated_before),
            fulfillmentStatuses=fulfillment_statuses,
            marketplaceIds=marketplace_ids,
            fulfilledBy=fulfilled_by,
            maxResultsPerPage=[str(max_results_per_page)],
            paginationToken=[pagination_token] if pagination_token is not None else [],
            includedData=included_data,
        )
        return self._ask(SEARCH_ORDERS, read_page, query=query)

    def get_order(self, order_id: str, *, included_data: Collection[str] = ()) -> Order:
        """The order with the data sets asked for."""
        path = GET_ORDER.url_path(order_id=order_id)
        return self._ask(GET_ORDER, _read_single, path, query_text(includedData=included_data))


def _read_single(document: object) -> Order | None:
    return read_order(document.get("order")) if isinstance(document, Mapping) else None
