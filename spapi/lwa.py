"""One question to Login with Amazon, whatever it is about.

The endpoint and its errors: https://developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from spapi.answers import kept_body, request_id
from spapi.deadlines import SendPrevented
from spapi.errors import AuthorizationFailed, InvalidClient, InvalidGrant, TokenServiceUnavailable
from spapi.logs import CallLog, redact
from spapi.texts import clean, parse_json, seconds
from spapi.transport import HttpAnswer, HttpRequest, Transport, TransportFailed

TOKEN_PATH = "/auth/o2/token"  # noqa: S105 - a path

Found = TypeVar("Found")

_RETRYABLE = frozenset({"server_error", "temporarily_unavailable"})


@dataclass(frozen=True, slots=True)
class LoginWithAmazon:
    """Where tokens are asked for, and how: times in seconds, `deadline` for the whole call."""

    transport: Transport
    log: CallLog
    endpoint: str
    user_agent: str
    connect_timeout: float
    deadline: float

    def ask(
        self,
        form: Mapping[str, str],
        read: Callable[[Mapping[str, object]], Found | None],
        *,
        secrets: Iterable[str],
        reconnect: Collection[str],
    ) -> Found:
        """What `read` finds in Amazon's answer to the form. Raises AuthorizationFailed.

        An answer in which it finds nothing (None) is an error too. `secrets` are kept out of all
        that is said; after an error among `reconnect` the connection has to be authorized anew.
        """
        url = self.endpoint + TOKEN_PATH
        request = HttpRequest(
            "POST",
            url,
            headers={
                "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": self.user_agent,
                "Connection": "close",
            },
            body=urlencode(form).encode(),
            connect_timeout=self.connect_timeout,
            deadline=self.deadline,
            max_body=64 * 1024,
            fresh=True,
        )
        self.log.request(f"POST {url} grant_type={form['grant_type']}")
        try:
            answer = self.transport.send(request)
        except (TransportFailed, SendPrevented) as failure:
            error: AuthorizationFailed = TokenServiceUnavailable(f"no answer: {failure}")
            self.log.error(str(error))
            raise error from None
        self.log.response(f"token {answer.status} {len(answer.body)} bytes")
        document = parse_json(answer.body)
        if answer.status == 200 and isinstance(document, Mapping):
            found = read(document)
            if found is not None:
                return found
        error = _error(answer, document, tuple(secrets), reconnect)
        self.log.error(str(error))
        raise error


def _error(
    answer: HttpAnswer, document: object, secrets: tuple[str, ...], reconnect: Collection[str]
) -> AuthorizationFailed:
    said = document if isinstance(document, Mapping) else {}
    code = clean(said.get("error")) or ""
    kind: type[AuthorizationFailed] = AuthorizationFailed
    if not code or code in _RETRYABLE or not 400 <= answer.status <= 499 or answer.status == 429:
        kind = TokenServiceUnavailable
    elif code == "invalid_grant":
        kind = InvalidGrant
    elif code == "invalid_client":
        kind = InvalidClient
    described = redact(clean(said.get("error_description")) or "", secrets)
    return kind(
        described[:2000] or "the token service gave no usable answer",
        lwa_error=redact(code, secrets)[:200],
        needs_reconnect=kind is not TokenServiceUnavailable and code in reconnect,
        status=answer.status,
        request_id=request_id(answer),
        body=kept_body(answer, secrets),
        retry_after=seconds(answer.headers.get("retry-after")),
    )
