"""Access tokens from Login with Amazon: kept while they last, refreshed by one at a time.

The exchange: https://developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api
"""

import copy
import hashlib
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

from spapi.answers import kept_body, request_id
from spapi.deadlines import SendPrevented
from spapi.errors import AuthorizationFailed, InvalidClient, InvalidGrant, TokenServiceUnavailable
from spapi.logs import CallLog, redact
from spapi.texts import clean, parse_json, seconds
from spapi.transport import HttpAnswer, HttpRequest, Transport, TransportFailed

REFRESH_BEFORE = 60.0
"""Seconds before its end from which a token is not used any more."""

REFRESH_SPREAD = 60.0
"""Up to so many seconds earlier still, drawn once for each client: processes do not all meet."""

TOKEN_PATH = "/auth/o2/token"  # noqa: S105 - a path

# Whatever comes from outside and goes into a header must not be able to end it.
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")

_RETRYABLE = frozenset({"server_error", "temporarily_unavailable"})
_RECONNECT = frozenset(
    {"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "access_denied"}
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a seller's authorization consists of; its repr shows no secret."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token and the moment (aware, UTC) at which Amazon stops accepting it."""

    value: str = field(repr=False)
    expires_at: datetime


class TokenStore(Protocol):
    """Where access tokens are kept. Keys are digests and hold no secret."""

    def get(self, key: str) -> AccessToken | None:
        """The token kept under the key, expired or not; None if there is none."""

    def put(self, key: str, token: AccessToken) -> None:
        """The token is kept under the key from now on."""

    def drop(self, key: str) -> None:
        """No token is kept under the key; none being there is no error."""

    def lock(self, key: str) -> AbstractContextManager[object]:
        """Held by one at a time for each key: by one process too, if the store is shared."""


class MemoryTokenStore(TokenStore):
    """Keeps tokens in this process; safe for threads."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def get(self, key: str) -> AccessToken | None:
        return self._tokens.get(key)

    def put(self, key: str, token: AccessToken) -> None:
        self._tokens[key] = token

    def drop(self, key: str) -> None:
        self._tokens.pop(key, None)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        with self._guard:
            lock = self._locks[key]
        with lock:
            yield


class Tokens:
    """The access tokens of one authorization. Raises AuthorizationFailed where there is none.

    A failure is never kept. Only those who were waiting for the very exchange that failed share
    its failure, so that a dead token service does not hold up a queue of threads one by one.
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
    ) -> None:
        self._credentials = credentials
        self._store = store
        self._transport = transport
        self._log = log
        self._endpoint = endpoint
        self._user_agent = user_agent
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._margin = timedelta(seconds=REFRESH_BEFORE + random.uniform(0, REFRESH_SPREAD))  # noqa: S311
        self._last: AccessToken | None = None
        self._failed_at = 0.0
        self._failure: AuthorizationFailed | None = None
        identity = "\0".join((endpoint, credentials.client_id, credentials.refresh_token))
        self.key = hashlib.sha256(identity.encode()).hexdigest()

    def current(self) -> AccessToken:
        """A token that lasts for another minute at least: the one kept, or a new one."""
        token = self._store.get(self.key)
        if token is None or not self.lasts(token):
            token = self._exchange_once(token)
        self._last = token
        return token

    def renewed(self) -> AccessToken:
        """A token that Amazon has issued after this was called."""
        return self._exchange_once(self._store.get(self.key))

    def lasts(self, token: AccessToken) -> bool:
        """Whether the token may still be used for a call that begins now."""
        return datetime.now(UTC) < token.expires_at - self._margin

    def drop(self, token: AccessToken) -> None:
        """The token is used no more; a newer one in its place stays."""
        with self._store.lock(self.key):
            if self._store.get(self.key) == token:
                self._store.drop(self.key)

    def _exchange_once(self, known: AccessToken | None) -> AccessToken:
        asked_at = time.monotonic()
        with self._store.lock(self.key):
            token = self._store.get(self.key)
            if token is not None and token != known and self.lasts(token):
                return token  # somebody else fetched it while we waited
            if self._failure is not None and self._failed_at >= asked_at:
                raise copy.copy(self._failure)
            try:
                token = self._exchange()
            except AuthorizationFailed as error:
                self._failure, self._failed_at = copy.copy(error), time.monotonic()
                raise
            self._store.put(self.key, token)
            return token

    def _exchange(self) -> AccessToken:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._credentials.refresh_token,
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
        self._log.request(f"POST {url} grant_type=refresh_token")
        # From here on, so that a slow answer makes the token look older, never younger.
        asked_at = datetime.now(UTC)
        try:
            answer = self._transport.send(request)
        except (TransportFailed, SendPrevented) as failure:
            error: AuthorizationFailed = TokenServiceUnavailable(f"no answer: {failure}")
            self._log.error(str(error))
            raise error from None
        self._log.response(f"token {answer.status} {len(answer.body)} bytes")
        document = parse_json(answer.body)
        token = _token(answer, document, asked_at)
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
            needs_reconnect=kind is not TokenServiceUnavailable and code in _RECONNECT,
            status=answer.status,
            request_id=request_id(answer),
            body=kept_body(answer, secrets),
            retry_after=seconds(answer.headers.get("retry-after")),
        )

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown anywhere: client secret, refresh token, the last access token."""
        last = (self._last.value,) if self._last is not None else ()
        return (self._credentials.client_secret, self._credentials.refresh_token, *last)


def _token(answer: HttpAnswer, document: object, asked_at: datetime) -> AccessToken | None:
    if answer.status != 200 or not isinstance(document, Mapping):
        return None
    value, lasts = document.get("access_token"), document.get("expires_in", 3600)
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        return None
    if isinstance(lasts, str) and lasts.isascii() and lasts.isdigit():
        lasts = float(lasts)
    if isinstance(lasts, bool) or not isinstance(lasts, int | float) or not 0 < lasts <= 86_400:
        return None
    return AccessToken(value, asked_at + timedelta(seconds=lasts))
