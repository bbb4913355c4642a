"""A seller's consent on Amazon's own page: the address to go to, and the code that comes back.

The website authorization workflow:
https://developer-docs.amazon.com/sp-api/docs/website-authorization-workflow
"""

from collections.abc import Collection, Mapping
from urllib.parse import urlencode

from spapi.client import LWA_ENDPOINT
from spapi.logs import CallLog, Logging
from spapi.lwa import LoginWithAmazon
from spapi.marketplaces import MARKETPLACES, Marketplace
from spapi.transport import Transport
from spapi.user_agent import user_agent
from spapi.writing import base_address

CONSENT_PATH = "/apps/authorize/consent"
# No error of this exchange is about a connection that exists: there is none to authorize anew.
_NOTHING_TO_RENEW: Collection[str] = ()


def consent_address(
    base: str, *, application_id: str, state: str, redirect_uri: str, is_draft: bool = False
) -> str:
    """Where the seller consents; `base` is `https://` and the host of their Seller Central.

    `state` comes back with them. A draft is known to Amazon as its beta alone. ValueError for a
    base address that is not https (or this machine).
    """
    query = {"application_id": application_id, "state": state, "redirect_uri": redirect_uri}
    if is_draft:
        query["version"] = "beta"
    return f"{base_address(base)}{CONSENT_PATH}?{urlencode(query)}"


def appstore_return_address(
    callback: str, *, amazon_state: str, state: str, redirect_uri: str, is_draft: bool = False
) -> str:
    """Where a seller who came from Amazon's Appstore goes back to, to consent there.

    `callback` and `amazon_state` are what Amazon gave: check the host of `callback` before.
    """
    query = {"redirect_uri": redirect_uri, "amazon_state": amazon_state, "state": state}
    if is_draft:
        query["version"] = "beta"
    return f"{callback}{'&' if '?' in callback else '?'}{urlencode(query)}"


def seller_central(marketplace: Marketplace) -> str | None:
    """The base address of the consent page for the marketplace, None where no source names one."""
    return f"https://{marketplace.seller_central}" if marketplace.seller_central else None


def consent_hosts() -> frozenset[str]:
    """Amazon's own hosts of consent pages: Seller Central, and Vendor Central of each domain."""
    sellers = {one.seller_central for one in MARKETPLACES.values() if one.seller_central}
    vendors = {f"vendorcentral.{one.domain}" for one in MARKETPLACES.values()}
    return frozenset(sellers | vendors)


def redeem_code(
    code: str,
    *,
    client_id: str,
    client_secret: str,
    redirect_uri: str,
    transport: Transport,
    lwa_endpoint: str = LWA_ENDPOINT,
    logging: Logging | None = None,
    connect_timeout: float = 5.0,
    deadline: float = 45.0,
) -> str:
    """The refresh token for the code (`spapi_oauth_code`) that came back with the seller.

    A code lives for five minutes and is good once. Raises AuthorizationFailed; InvalidGrant for a
    code that is too old, used or of another application, TokenServiceUnavailable too when the
    answer holds no refresh token. Code and tokens stand in no error and no log.
    """
    secrets = (code, client_secret)
    service = LoginWithAmazon(
        transport,
        CallLog(logging or Logging(), lambda: secrets),
        endpoint=base_address(lwa_endpoint),
        user_agent=user_agent("SolicitDashboard", "0.1.0"),
        connect_timeout=connect_timeout,
        deadline=deadline,
    )
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": client_id,
        "client_secret": client_secret,
    }
    return service.ask(form, _refresh_token, secrets=secrets, reconnect=_NOTHING_TO_RENEW)


def _refresh_token(document: Mapping[str, object]) -> str | None:
    token = document.get("refresh_token")
    return token if isinstance(token, str) and token else None
