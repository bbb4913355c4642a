"""The client: its tokens and settings here, one method for each operation in the API's module.

`solicitations`, `messaging`, `uploads`, `orders`, `orders_v0`, `notifications`, `reports`,
`replenishment`, `sellers`: an operation is added there, to `operations` and nowhere else.
"""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial

from spapi.auth import Credentials, Tokens
from spapi.calls import Caller
from spapi.documents import Downloader
from spapi.limits import Limiter, RateLimiting
from spapi.logs import CallLog, Logging
from spapi.marketplaces import REGIONS
from spapi.messaging import MessagingApi
from spapi.notifications import NotificationsApi
from spapi.operations import CREATE_RESTRICTED_DATA_TOKEN
from spapi.orders import OrdersApi
from spapi.orders_v0 import OrdersV0Api
from spapi.reading import read_restricted_token
from spapi.replenishment import ReplenishmentApi
from spapi.reports import ReportsApi
from spapi.sellers import SellersApi
from spapi.solicitations import SolicitationsApi
from spapi.storage import Storage
from spapi.tokens import AccessToken, MemoryTokenStore, TokenKeeper, TokenStore, key_of
from spapi.transport import HttpTransport, Transport
from spapi.types import RestrictedResource
from spapi.uploads import Uploader, UploadsApi
from spapi.user_agent import user_agent
from spapi.writing import base_address, json_body

LWA_ENDPOINT = "https://api.amazon.com"
MOST_RESTRICTED_RESOURCES = 50


class Client(
    SolicitationsApi,
    MessagingApi,
    UploadsApi,
    OrdersApi,
    OrdersV0Api,
    NotificationsApi,
    ReportsApi,
    ReplenishmentApi,
    SellersApi,
):
    """Calls Amazon for one seller in one region; safe for several threads at once.

    `region` is `na`, `eu` or `fe`. `limiter` says when a call may be made; there is no default,
    so that no call can be made past the rate limits by oversight. `endpoint` replaces the region's
    host (Amazon's sandbox, a test server). `deadline` is the most that one request may take from
    its first to its last byte, in seconds, waiting for the limiter not included; `connect_timeout`
    is the part of it that a connection may take. `transport` may be shared by many clients; one
    that is given is not closed by `close`. `upload_hosts` are the hosts to which attachments may be
    put (`*.` before a name: all below it); none: those of S3.

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
        upload_hosts: Collection[str] = (),
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
            grantless=self._grantless_tokens,
            transport=self._transport,
            limiter=limiter,
            rate_limiting=rate_limiting or RateLimiting(),
            log=log,
            connect_timeout=connect_timeout,
            deadline=deadline,
            sleep=sleep,
        )
        storage = Storage(
            self._address,
            header,
            transport=self._transport,
            log=log,
            connect_timeout=connect_timeout,
            upload_hosts=upload_hosts,
        )
        self._downloader = Downloader(storage)
        self._uploader = Uploader(storage)

    def access_token(self, force_refresh: bool = False) -> AccessToken:
        """An access token that lasts another minute at least; no token of the limiter is used.

        `force_refresh` has Amazon issue a new one: the way to see whether an authorization works.
        """
        return self._caller.access_token(force_refresh)

    def forget_access_token(self) -> None:
        """The seller's access token is kept no longer where this client and others find it."""
        self._token_store.drop(self._seller)

    def grantless_token(self, scope: str) -> AccessToken:
        """A token of the application itself for operations that need no seller's authorization.

        `scope` is one of Amazon's, such as `sellingpartnerapi::notifications`. Kept for this
        application and scope alone; the seller's refresh token takes no part. Of its errors only
        `invalid_client` has `needs_reconnect`; none is tried again.
        """
        if not scope:
            raise ValueError("a grantless token is for one scope")
        return self._grantless_tokens(scope).current()

    def _grantless_tokens(self, scope: str) -> Tokens:
        # one for each scope, so that threads which wait together share a failure
        return self._grantless.setdefault(scope, self._tokens_for(scope=scope))

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

    def _fetch_restricted_token(self, body: bytes) -> AccessToken:
        read = partial(read_restricted_token, asked_at=datetime.now(UTC))
        return self._ask(CREATE_RESTRICTED_DATA_TOKEN, read, body=body)

    def close(self) -> None:
        """Idle connections are closed, unless the transport was given and may serve others."""
        if self._owns_transport:
            self._transport.close()
