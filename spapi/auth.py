"""Access tokens from Login with Amazon, for a seller or for the application itself.

The exchange: https://developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api
Without a seller: https://developer-docs.amazon.com/sp-api/docs/grantless-operations
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from spapi.logs import CallLog
from spapi.lwa import LoginWithAmazon
from spapi.tokens import AccessToken, TokenKeeper, TokenStore, issued_token, key_of
from spapi.transport import Transport

_RECONNECT = frozenset(
    {"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "access_denied"}
)
# Without a seller only the application's own key can be at fault; a new authorization of a seller
# would not give the application a scope that it lacks.
_RECONNECT_GRANTLESS = frozenset({"invalid_client"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a seller's authorization consists of; its repr shows no secret."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


class Tokens(TokenKeeper):
    """The access tokens of one authorization, or of the application for one `scope` (grantless).

    Raises AuthorizationFailed where there is none.
    """

    def __init__(
        self,
        credentials: Credentials,
        store: TokenStore,
        transport: Transport,
        log: CallLog,
        *,
        endpoint: str,
        user_agent: str,
        connect_timeout: float,
        deadline: float,
        scope: str | None = None,
    ) -> None:
        self._credentials = credentials
        self._service = LoginWithAmazon(
            transport,
            log,
            endpoint=endpoint,
            user_agent=user_agent,
            connect_timeout=connect_timeout,
            deadline=deadline,
        )
        self._grant = (
            {"grant_type": "refresh_token", "refresh_token": credentials.refresh_token}
            if scope is None
            else {"grant_type": "client_credentials", "scope": scope}
        )
        self._reconnect = _RECONNECT if scope is None else _RECONNECT_GRANTLESS
        self._last: AccessToken | None = None
        key = key_of(endpoint, credentials.client_id, *self._grant.values())
        super().__init__(store, key, self._exchange)

    def current(self) -> AccessToken:
        """A token that lasts for another minute at least: the one kept, or a new one."""
        self._last = super().current()
        return self._last

    def _exchange(self) -> AccessToken:
        form = {
            **self._grant,
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        asked_at = datetime.now(UTC)
        return self._service.ask(
            form,
            lambda document: issued_token(
                document.get("access_token"), document.get("expires_in", 3600), asked_at
            ),
            secrets=self.secrets(),
            reconnect=self._reconnect,
        )

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown anywhere: client secret, refresh token, the last access token."""
        last = (self._last.value,) if self._last is not None else ()
        return (self._credentials.client_secret, self._credentials.refresh_token, *last)
