"""The client: one method for each operation of Amazon's that is called."""

import time
from collections.abc import Callable, Collection
from datetime import datetime

from spapi.auth import AccessToken, Credentials, TokenStore
from spapi.limits import Limiter, RateLimiting
from spapi.logs import Logging
from spapi.transport import Transport
from spapi.types import Accepted, MarketplaceParticipation, OfferedActions, Order, OrderPage


class Client:
    """Calls Amazon for one seller in one region; safe for several threads at once."""

    def __init__(
        self,
        region: str,
        credentials: Credentials,
        *,
        limiter: Limiter,
        token_store: TokenStore | None = None,
        endpoint: str | None = None,
        lwa_endpoint: str = "https://api.amazon.com",
        application: str = "SolicitDashboard",
        version: str = "0.1.0",
        rate_limiting: RateLimiting | None = None,
        logging: Logging | None = None,
        connect_timeout: float = 5.0,
        deadline: float = 45.0,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        raise NotImplementedError

    def access_token(self, force_refresh: bool = False) -> AccessToken:
        raise NotImplementedError

    def get_solicitation_actions_for_order(
        self, order_id: str, marketplace_id: str
    ) -> OfferedActions:
        raise NotImplementedError

    def create_product_review_and_seller_feedback_solicitation(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        before_send: Callable[[], None] | None = None,
    ) -> Accepted:
        raise NotImplementedError

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
        raise NotImplementedError

    def get_order(self, order_id: str, *, included_data: Collection[str] = ()) -> Order:
        raise NotImplementedError

    def get_marketplace_participations(self) -> tuple[MarketplaceParticipation, ...]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
