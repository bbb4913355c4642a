"""Clients for connected accounts, as this installation is set up."""

from __future__ import annotations

import functools

from django.conf import settings

from sellers.models import Application, SellerAccount
from sellers.tokens import RedisTokenStore
from solicit_dashboard.ratelimit import RedisLimiter
from spapi import REGIONS, Client, Credentials, Limiter, Transport, Unlimited, redeem_code
from spapi.transport import HttpTransport

# One for the process: its copies of the access tokens serve every client.
TOKEN_STORE = RedisTokenStore()
IDLE_CONNECTIONS = 64


@functools.cache
def shared_transport() -> Transport:
    """The connections that all clients of this process share; a fork opens its own."""
    return HttpTransport(pool_size=IDLE_CONNECTIONS)


def account_key(selling_partner_id: str, region: str) -> str:
    """The name under which an account's rate buckets are kept: the scope in which Amazon counts."""
    return f"{region}:{selling_partner_id}"


def limiter_for(account: SellerAccount) -> Limiter:
    """The account's buckets for every call that no lane makes; all processes share them."""
    return RedisLimiter(account_key(account.selling_partner_id, account.region))


def client_for(
    account: SellerAccount, *, limiter: Limiter, deadline: float | None = None
) -> Client:
    """A client that calls Amazon for this account. Making one is cheap: connections are shared.

    Reads `account.application`: select it with the account. `deadline` is that of one call, in
    seconds; None: CALL_DEADLINE_SECONDS. Raises SecretUnreadableError when TOKEN_KEYS no longer
    holds the key, ValueError when the account has no token.
    """
    refresh_token = account.refresh_token
    if not refresh_token:
        raise ValueError("The account is disconnected: it has no token.")
    credentials = Credentials(
        client_id=account.application.client_id,
        client_secret=account.application.client_secret,
        refresh_token=refresh_token,
    )
    return client_with(credentials, region=account.region, limiter=limiter, deadline=deadline)


def client_with(
    credentials: Credentials, *, region: str, limiter: Limiter, deadline: float | None = None
) -> Client:
    """A client for credentials that are not stored yet; addresses and deadline as everywhere."""
    return Client(
        region,
        credentials,
        limiter=limiter,
        token_store=TOKEN_STORE,
        endpoint=settings.SPAPI_ENDPOINT,
        lwa_endpoint=settings.LWA_ENDPOINT,
        deadline=settings.CALL_DEADLINE_SECONDS if deadline is None else deadline,
        transport=shared_transport(),
        upload_hosts=settings.UPLOAD_HOSTS,
    )


def client_without_seller(client_id: str, client_secret: str) -> Client:
    """A client for what the application may ask without a seller; no token of it is kept."""
    return Client(
        next(iter(REGIONS)),  # Login with Amazon is the same for all
        Credentials(client_id=client_id, client_secret=client_secret, refresh_token=""),
        limiter=Unlimited(),
        endpoint=settings.SPAPI_ENDPOINT,
        lwa_endpoint=settings.LWA_ENDPOINT,
        deadline=settings.CALL_DEADLINE_SECONDS,
        transport=shared_transport(),
    )


def refresh_token_for(code: str, application: Application, redirect_uri: str) -> str:
    """The refresh token for a code of Amazon's consent page. Raises AuthorizationFailed."""
    return redeem_code(
        code,
        client_id=application.client_id,
        client_secret=application.client_secret,
        redirect_uri=redirect_uri,
        transport=shared_transport(),
        lwa_endpoint=settings.LWA_ENDPOINT,
        deadline=settings.CALL_DEADLINE_SECONDS,
    )
