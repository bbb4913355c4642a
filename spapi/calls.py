"""One call from start to end: token, limiter, bytes, answer, and what becomes of a failure."""

import time
from collections.abc import Callable
from typing import TypeVar

from spapi.answers import error_of, kept_body, request_id
from spapi.auth import Tokens
from spapi.deadlines import SendPrevented
from spapi.errors import (
    Aborted,
    ConnectFailed,
    LimitReached,
    MalformedAnswer,
    NoAnswer,
    SpApiError,
    Throttled,
    TokenExpired,
    TokenServiceUnavailable,
)
from spapi.limits import Limiter, RateLimiting, RetryInfo
from spapi.logs import CallLog, logger
from spapi.operations import Operation
from spapi.texts import rate
from spapi.tokens import AccessToken
from spapi.transport import HttpAnswer, HttpRequest, Transport, TransportFailed

_Error = TypeVar("_Error", bound=SpApiError)

RETRY_MARGIN = 1.5
"""Seconds waited after a 429 beyond the time in which Amazon adds one call to its bucket."""

TOKEN_RETRY = 5.0
"""Seconds waited after a 429 of the token service, whose rate Amazon does not publish."""


class Caller:
    """Makes the calls of one client; keeps between calls only the last rate of each operation."""

    def __init__(
        self,
        endpoint: str,
        user_agent: str,
        *,
        tokens: Tokens,
        grantless: Callable[[str], Tokens],
        transport: Transport,
        limiter: Limiter,
        rate_limiting: RateLimiting,
        log: CallLog,
        connect_timeout: float,
        deadline: float,
        sleep: Callable[[float], None],
    ) -> None:
        self._endpoint = endpoint
        self._user_agent = user_agent
        self._tokens = tokens
        self._grantless = grantless
        self._transport = transport
        self._limiter = limiter
        self._rate_limiting = rate_limiting
        self._log = log
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._sleep = sleep
        self._rates: dict[str, float] = {}

    def call(
        self,
        operation: Operation,
        path: str,
        query: str = "",
        before_send: Callable[[], None] | None = None,
        body: bytes | None = None,
    ) -> HttpAnswer:
        """The successful answer to the call; raises SpApiError for every other end of it.

        `body` is JSON, or None for a call without one (a GET must not have any).
        A GET is repeated once with a new token if Amazon says that the old one has expired, and by
        the transport once on a new connection if the kept-alive one had been closed. A POST is
        never repeated, unless it was answered by 429 and the retry of these is switched on: such a
        one is known not to have been carried out.
        """
        renewed = False
        throttled = 0
        while True:
            try:
                return self._once(operation, path, query, before_send, body)
            except (Throttled, TokenServiceUnavailable) as error:
                throttled += 1
                if error.status != 429 or not self._retries(throttled):
                    raise
                self._wait(operation, error, throttled)
            except TokenExpired:
                if operation.method != "GET" or renewed:
                    raise
                renewed = True

    def access_token(self, force_refresh: bool) -> AccessToken:
        """A token for this seller; a 429 of the token service is retried if that is switched on."""
        throttled = 0
        while True:
            try:
                return self._tokens.renewed() if force_refresh else self._tokens.current()
            except TokenServiceUnavailable as error:
                throttled += 1
                if error.status != 429 or not self._retries(throttled):
                    raise
                self._wait(None, error, throttled)

    def malformed(self, operation: Operation, answer: HttpAnswer) -> MalformedAnswer:
        """The error for an answer that says success and is not what the operation answers."""
        error = self._about(
            MalformedAnswer("the answer is not what the operation answers"), operation
        )
        error.status, error.reason = answer.status, answer.cut
        error.request_id = request_id(answer)
        error.body = self.kept_body(answer)
        self._log.error(str(error))
        return error

    def kept_body(self, answer: HttpAnswer) -> str:
        """The raw body for the record, at most 4,096 bytes, without secrets."""
        return kept_body(answer, self._tokens.secrets())

    def _once(
        self,
        operation: Operation,
        path: str,
        query: str,
        before_send: Callable[[], None] | None,
        body: bytes | None,
    ) -> HttpAnswer:
        tokens = self._tokens_of(operation)
        token = tokens.current()
        try:
            self._limiter.acquire(operation)
        except LimitReached as error:
            raise self._about(error, operation) from None
        answer: HttpAnswer | None = None
        try:
            if not tokens.lasts(token):
                token = tokens.current()  # the limiter may have held us back for long
            answer = self._send(operation, path, query, token, before_send, body)
        finally:
            self._answered(operation, answer)
        if answer.status != operation.success:
            secrets = (*self._tokens.secrets(), token.value)
            refusal = error_of(operation, answer, secrets)
            self._log.error(str(refusal))
            if isinstance(refusal, TokenExpired):
                tokens.drop(token)
            raise refusal
        if operation.method == "GET" and answer.cut in {"cut_body", "deadline"}:
            raise self._no_answer(operation, answer.cut, answer)
        return answer

    def _tokens_of(self, operation: Operation) -> Tokens:
        return self._grantless(operation.scope) if operation.scope else self._tokens

    def _send(
        self,
        operation: Operation,
        path: str,
        query: str,
        token: AccessToken,
        before_send: Callable[[], None] | None,
        body: bytes | None,
    ) -> HttpAnswer:
        reads = operation.method == "GET"
        headers = {
            "x-amz-access-token": token.value,
            "User-Agent": self._user_agent,
            "Accept": "application/json, application/hal+json",
            # Neither a proxy nor Amazon has reason to compress, and a bomb has no way in.
            "Accept-Encoding": "identity",
        }
        if not reads:
            headers["Connection"] = "close"
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = HttpRequest(
            operation.method,
            f"{self._endpoint}{path}{'?' if query else ''}{query}",
            headers,
            body=body,
            connect_timeout=self._connect_timeout,
            deadline=self._deadline,
            max_body=operation.max_body,
            fresh=not reads,
            repeatable=reads,
            before_send=before_send,
        )
        self._log.request(f"{operation.name} {request.method} {request.url}")
        began = time.monotonic()
        try:
            answer = self._transport.send(request)
        except SendPrevented as prevented:
            refusal = prevented.__cause__
            aborted = self._about(Aborted(f"refused: {type(refusal).__name__}"), operation)
            raise aborted from refusal
        except TransportFailed as failure:
            raise self._failed(operation, failure) from None
        milliseconds = (time.monotonic() - began) * 1000
        self._log.response(
            f"{operation.name} {answer.status} request_id={request_id(answer) or '-'}"
            f" rate={answer.headers.get('x-amzn-ratelimit-limit', '-')}"
            f" {len(answer.body)} bytes in {milliseconds:.0f} ms"
        )
        return answer

    def _failed(self, operation: Operation, failure: TransportFailed) -> SpApiError:
        if failure.sent:
            return self._no_answer(operation, failure.reason)
        error = self._about(ConnectFailed(str(failure), reason=failure.reason), operation)
        self._log.error(str(error))
        return error

    def _no_answer(
        self, operation: Operation, reason: str, answer: HttpAnswer | None = None
    ) -> NoAnswer:
        error = self._about(NoAnswer(f"no answer: {reason}", reason=reason), operation)
        if answer is not None:
            error.status, error.request_id = answer.status, request_id(answer)
        self._log.error(str(error))
        return error

    def _about(self, error: _Error, operation: Operation) -> _Error:
        return error.about(api=operation.api, version=operation.version, operation=operation.name)

    def _answered(self, operation: Operation, answer: HttpAnswer | None) -> None:
        limit = rate(answer.headers.get("x-amzn-ratelimit-limit")) if answer is not None else None
        if limit is not None:
            self._rates[operation.name] = limit
        try:
            self._limiter.answered(operation, answer.status if answer else None, limit)
        except Exception:
            # What Amazon said must reach the caller: a lost 201 would be asked about for days.
            logger.warning("the limiter could not take an answer", exc_info=True)

    def _retries(self, count: int) -> bool:
        return self._rate_limiting.retry and count <= self._rate_limiting.max_retries

    def _wait(self, operation: Operation | None, error: SpApiError, count: int) -> None:
        if operation is not None and isinstance(error, Throttled):
            limit: float | None = self._rates.get(operation.name, operation.rate)
            delay = 1 / (limit or operation.rate) + RETRY_MARGIN
        else:
            limit, delay = None, TOKEN_RETRY
        delay = max(delay, error.retry_after or 0.0)
        if self._rate_limiting.on_retry is not None:
            self._rate_limiting.on_retry(RetryInfo(error.operation, delay, limit, count))
        self._sleep(delay)
