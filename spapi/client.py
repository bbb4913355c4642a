"""The client: one method for each operation of Amazon's that is called."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial

from spapi.answers import request_id
from spapi.auth import Credentials, Tokens
from spapi.calls import Caller
from spapi.hal import parse_action_links
from spapi.limits import Limiter, RateLimiting
from spapi.logs import CallLog, Logging
from spapi.marketplaces import REGIONS
from spapi.operations import (
    CREATE_CONFIRM_ORDER_DETAILS,
    CREATE_RESTRICTED_DATA_TOKEN,
    CREATE_SOLICITATION,
    GET_MARKETPLACE_PARTICIPATIONS,
    GET_MESSAGING_ACTIONS,
    GET_ORDER,
    GET_REPORTS,
    GET_SOLICITATION_ACTIONS,
    SEARCH_ORDERS,
    Operation,
)
from spapi.reading import (
    read_order,
    read_page,
    read_participations,
    read_reports,
    read_restricted_token,
)
from spapi.texts import parse_json
from spapi.tokens import AccessToken, MemoryTokenStore, TokenKeeper, TokenStore, key_of
from spapi.transport import HttpTransport, Transport
from spapi.types import (
    Accepted,
    MarketplaceParticipation,
    OfferedActions,
    Order,
    OrderPage,
    Report,
    RestrictedResource,
)
from spapi.user_agent import user_agent
from spapi.writing import base_address, json_body, moments, query_text

LWA_ENDPOINT = "https://api.amazon.com"
MOST_RESTRICTED_RESOURCES = 50


class Client:
    """Calls Amazon for one seller in one region; safe for several threads at once.

    `region` is `na`, `eu` or `fe`. `limiter` says when a call may be made; there is no default,
    so that no call can be made past the rate limits by oversight. `endpoint` replaces the region's
    host (Amazon's sandbox, a test server). `deadline` is the most that one request may take from
    its first to its last byte, in seconds, waiting for the limiter not included; `connect_timeout`
    is the part of it that a connection may take. `transport` may be shared by many clients; one
    that is given is not closed by `close`.

    Every method raises SpApiError (see `spapi.errors`), ValueError for arguments that no call can
    be made of, and whatever the limiter or the token store raise; nothing has been sent then.
    """

    def __init__(
        self,
        region: str,
        credentials: Credentials,
        *,
        limiter: Limiter,
        token_store: TokenStore | None = None,
        endpoint: str | None = None,
        lwa_endpoint: str = LWA_ENDPOINT,
        application: str = "SolicitDashboard",
        version: str = "0.1.0",
        rate_limiting: RateLimiting | None = None,
        logging: Logging | None = None,
        connect_timeout: float = 5.0,
        deadline: float = 45.0,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if region not in REGIONS:
            known = ", ".join(REGIONS)
            raise ValueError(f"unknown region {region!r}; the known ones are {known}")
        header = user_agent(application, version)
        self.region = region
        self._transport = transport or HttpTransport()
        self._owns_transport = transport is None
        self._token_store = token_store if token_store is not None else MemoryTokenStore()
        log = CallLog(logging or Logging(), lambda: tokens.secrets())
        self._tokens_for = partial(
            Tokens,
            credentials,
            self._token_store,
            self._transport,
            log,
            endpoint=base_address(lwa_endpoint),
            user_agent=header,
            connect_timeout=connect_timeout,
            deadline=deadline,
        )
        tokens = self._tokens_for()
        self._seller = tokens.key
        self._grantless: dict[str, Tokens] = {}
        self._address = base_address(endpoint or REGIONS[region].endpoint)
        self._caller = Caller(
            self._address,
            header,
            tokens=tokens,
            transport=self._transport,
            limiter=limiter,
            rate_limiting=rate_limiting or RateLimiting(),
            log=log,
            connect_timeout=connect_timeout,
            deadline=deadline,
            sleep=sleep,
        )

    def access_token(self, force_refresh: bool = False) -> AccessToken:
        """An access token that lasts another minute at least; no token of the limiter is used.

        `force_refresh` has Amazon issue a new one: the way to see whether an authorization works.
        """
        return self._caller.access_token(force_refresh)

    def grantless_token(self, scope: str) -> AccessToken:
        """A token of the application itself for operations that need no seller's authorization.

        `scope` is one of Amazon's, such as `sellingpartnerapi::notifications`. Kept for this
        application and scope alone; the seller's refresh token takes no part. Of its errors only
        `invalid_client` has `needs_reconnect`; none is tried again.
        """
        if not scope:
            raise ValueError("a grantless token is for one scope")
        # one for each scope, so that threads which wait together share a failure
        tokens = self._grantless.setdefault(scope, self._tokens_for(scope=scope))
        return tokens.current()

    def create_restricted_data_token(
        self, resources: Sequence[RestrictedResource], *, target_application: str | None = None
    ) -> AccessToken:
        """A token with which these operations, and no others, answer with personal data.

        Kept for this seller, these resources in any order, and this application: Amazon is asked
        only when none is left that lasts another minute. 1 to 50 resources (model
        tokens_2021-03-01.json); a path may be generic, as in `/orders/v0/orders/{orderId}/address`.
        """
        if not 1 <= len(resources) <= MOST_RESTRICTED_RESOURCES:
            raise ValueError(f"give 1 to {MOST_RESTRICTED_RESOURCES} restricted resources")
        document: dict[str, object] = {
            "restrictedResources": [
                one.as_json() for one in sorted(set(resources), key=RestrictedResource.sort_key)
            ]
        }
        if target_application is not None:
            document["targetApplication"] = target_application
        body = json_body(document)
        key = key_of("restricted data token", self._address, self._seller, body.decode())
        fetch = partial(self._fetch_restricted_token, body)
        return TokenKeeper(self._token_store, key, fetch).current()

    def get_solicitation_actions_for_order(
        self, order_id: str, marketplace_id: str
    ) -> OfferedActions:
        """What Amazon offers for the order at this moment; an empty list is never final."""
        return self._offers(GET_SOLICITATION_ACTIONS, order_id, marketplace_id)

    def create_product_review_and_seller_feedback_solicitation(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        before_send: Callable[[], None] | None = None,
    ) -> Accepted:
        """Amazon has taken the request to ask the buyer for a review; it writes the text itself.

        There is no key that would make a second call harmless before it is read, and no way to ask
        afterwards: of an error, `effect` says whether the buyer may have been asked. `before_send`
        is called when all else is ready, directly before the first byte leaves; if it raises,
        nothing is sent and Aborted is raised.
        """
        return self._accepted(CREATE_SOLICITATION, order_id, marketplace_id, before_send)

    def get_messaging_actions_for_order(self, order_id: str, marketplace_id: str) -> OfferedActions:
        """The messages that Amazon offers for the order at this moment.

        The names in the list are not always those of the operations, and the schema of an action
        describes Seller Central's form, not the body that the operation takes.
        """
        return self._offers(GET_MESSAGING_ACTIONS, order_id, marketplace_id)

    def create_confirm_order_details(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        text: str,
        before_send: Callable[[], None] | None = None,
    ) -> Accepted:
        """Amazon has taken the message, a question to the buyer before the order is shipped.

        Every accepted call is one more message to the buyer, none has an id, and there is no way to
        ask afterwards: of an error, `effect` says whether the buyer may have got it. `text` is 1 to
        2,000 characters in the buyer's language, without HTML and e-mail addresses (model
        messaging.json). `before_send` as above.
        """
        operation = CREATE_CONFIRM_ORDER_DETAILS
        body = json_body({"text": text})
        return self._accepted(operation, order_id, marketplace_id, before_send, body)

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
        answer = self._caller.call(SEARCH_ORDERS, SEARCH_ORDERS.path, query)
        page = read_page(parse_json(answer.body))
        if page is None:
            raise self._caller.malformed(SEARCH_ORDERS, answer)
        return page

    def get_order(self, order_id: str, *, included_data: Collection[str] = ()) -> Order:
        """The order with the data sets asked for."""
        path = GET_ORDER.url_path(order_id=order_id)
        answer = self._caller.call(GET_ORDER, path, query_text(includedData=included_data))
        document = parse_json(answer.body)
        order = read_order(document.get("order")) if isinstance(document, dict) else None
        if order is None:
            raise self._caller.malformed(GET_ORDER, answer)
        return order

    def get_marketplace_participations(self) -> tuple[MarketplaceParticipation, ...]:
        """The marketplaces in which the seller has a store, in this region."""
        operation = GET_MARKETPLACE_PARTICIPATIONS
        answer = self._caller.call(operation, operation.path)
        participations = read_participations(parse_json(answer.body))
        if participations is None:
            raise self._caller.malformed(operation, answer)
        return participations

    def get_reports(
        self,
        report_types: Collection[str],
        *,
        processing_statuses: Collection[str] = (),
        page_size: int = 10,
    ) -> tuple[Report, ...]:
        """The newest reports of these types (1 to 10), as many as the first page holds (1 to 100)."""
        query = query_text(
            reportTypes=report_types,
            processingStatuses=processing_statuses,
            pageSize=[str(page_size)],
        )
        answer = self._caller.call(GET_REPORTS, GET_REPORTS.path, query)
        reports = read_reports(parse_json(answer.body))
        if reports is None:
            raise self._caller.malformed(GET_REPORTS, answer)
        return reports

    def _fetch_restricted_token(self, body: bytes) -> AccessToken:
        operation = CREATE_RESTRICTED_DATA_TOKEN
        asked_at = datetime.now(UTC)
        answer = self._caller.call(operation, operation.path, body=body)
        token = read_restricted_token(parse_json(answer.body), asked_at)
        if token is None:
            raise self._caller.malformed(operation, answer)
        return token

    def _offers(self, operation: Operation, order_id: str, marketplace_id: str) -> OfferedActions:
        path = operation.url_path(order_id=order_id)
        answer = self._caller.call(operation, path, query_text(marketplaceIds=[marketplace_id]))
        actions, well_formed = parse_action_links(parse_json(answer.body))
        return OfferedActions(
            actions=actions,
            well_formed=well_formed and not answer.cut,
            request_id=request_id(answer),
            body=self._caller.kept_body(answer),
        )

    def _accepted(
        self,
        operation: Operation,
        order_id: str,
        marketplace_id: str,
        before_send: Callable[[], None] | None,
        body: bytes | None = None,
    ) -> Accepted:
        path = operation.url_path(order_id=order_id)
        query = query_text(marketplaceIds=[marketplace_id])
        answer = self._caller.call(operation, path, query, before_send, body)
        return Accepted(answer.status, request_id(answer), self._caller.kept_body(answer))

    def close(self) -> None:
        """Idle connections are closed, unless the transport was given and may serve others."""
        if self._owns_transport:
            self._transport.close()
