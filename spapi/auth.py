"""Access tokens from Login with Amazon, for a seller or for the application itself.

The exchange: https://developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api
Without a seller: https://developer-docs.amazon.com/sp-api/docs/grantless-operations
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from spapi.answers import kept_body, request_id
from spapi.deadlines import SendPrevented
from spapi.errors import AuthorizationFailed, InvalidClient, InvalidGrant, TokenServiceUnavailable
from spapi.logs import CallLog, redact
from spapi.texts import clean, parse_json, seconds
from spapi.tokens import AccessToken, TokenKeeper, TokenStore, issued_token, key_of
from spapi.transport import HttpAnswer, HttpRequest, Transport, TransportFailed

TOKEN_PATH = "/auth/o2/token"  # noqa: S105 - a path

_RETRYABLE = frozenset({"server_error", "temporarily_unavailable"})
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
        self._transport = transport
        self._log = log
        self._endpoint = endpoint
        self._user_agent = user_agent
        self._connect_timeout = connect_timeout
        self._deadline = deadline
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
        url = self._endpoint + TOKEN_PATH
        request = HttpRequest(
            "POST",
            url,
            headers={
                "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": self._user_agent,
                "Connection": "close",
            },
            body=urlencode(form).encode(),
            connect_timeout=self._connect_timeout,
            deadline=self._deadline,
            max_body=64 * 1024,
            fresh=True,
        )
        self._log.request(f"POST {url} grant_type={self._grant['grant_type']}")
        asked_at = datetime.now(UTC)
        try:
            answer = self._transport.send(request)
        except (TransportFailed, SendPrevented) as failure:
            error: AuthorizationFailed = TokenServiceUnavailable(f"no answer: {failure}")
            self._log.error(str(error))
            raise error from None
        self._log.response(f"token {answer.status} {len(answer.body)} bytes")
        document = parse_json(answer.body)
        token = None
        if answer.status == 200 and isinstance(document, Mapping):
            lasts = document.get("expires_in", 3600)
            token = issued_token(document.get("access_token"), lasts, asked_at)
        if token is None:
            error = self._error(answer, document)
            self._log.error(str(error))
            raise error
        return token

    def _error(self, answer: HttpAnswer, document: object) -> AuthorizationFailed:
        secrets = self.secrets()
        said = document if isinstance(document, Mapping) else {}
        code = clean(said.get("error")) or ""
        kind: type[AuthorizationFailed] = AuthorizationFailed
        if (
            not code
            or code in _RETRYABLE
            or not 400 <= answer.status <= 499
            or answer.status == 429
        ):
            kind = TokenServiceUnavailable
        elif code == "invalid_grant":
            kind = InvalidGrant
        elif code == "invalid_client":
            kind = InvalidClient
        described = redact(clean(said.get("error_description")) or "", secrets)
        return kind(
            described[:2000] or "the token service gave no usable answer",
            lwa_error=redact(code, secrets)[:200],
            needs_reconnect=kind is not TokenServiceUnavailable and code in self._reconnect,
            status=answer.status,
            request_id=request_id(answer),
            body=kept_body(answer, secrets),
            retry_after=seconds(answer.headers.get("retry-after")),
        )

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown anywhere: client secret, refresh token, the last access token."""
        last = (self._last.value,) if self._last is not None else ()
        return (self._credentials.client_secret, self._credentials.refresh_token, *last)
