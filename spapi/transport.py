"""One HTTP exchange: its bytes, its total deadline, and the certainty whether anything left.

The only module that imports requests. No redirects, no proxies or other settings from the
environment, no cookies, no retries, TLS always verified, bodies capped.
"""

import functools
import http.client
import os
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connectionpool import HTTPConnectionPool

from spapi.connections import FRESH, KEPT, NotConnected, over
from spapi.deadlines import Exchange, SendPrevented, watchdog

_CHUNK = 16 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Times are in seconds, `max_body` in bytes.

    `fresh` demands a new connection. `repeatable` lets a kept-alive connection that turns out to
    have been closed be replaced by a new one, within the same deadline. `before_send` is called
    when the connection stands, directly before the first byte leaves; if it raises, nothing is
    sent. `sink` is given the bytes of a body with status 200 as they come, which are then not in
    the answer; what it raises ends the reading. `source` gives the body in pieces in place of
    `body`, once, with its `Content-Length` among the headers; what it raises ends the request.
    `public` refuses every address of the host that is not one of the public Internet.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    connect_timeout: float = 5.0
    deadline: float = 45.0
    max_body: int = 1 << 20
    fresh: bool = False
    repeatable: bool = False
    before_send: Callable[[], None] | None = None
    sink: Callable[[bytes], object] | None = field(default=None, repr=False)
    source: Iterable[bytes] | None = field(default=None, repr=False)
    public: bool = False


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer whose status line came whole. The names of `headers` are in lower case.

    `cut` says in one word why `body` is not all of the answer: `cut_body` (the connection ended),
    `deadline`, `too_large`, `encoding` (an encoding that we did not ask for and cannot read);
    "" if it is all.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: str = ""


class TransportFailed(Exception):  # noqa: N818 - named for what happened
    """No answer, for the reason named in one word.

    `sent` is False only if it is certain that not a byte of the request left this machine.
    `stale` says that a kept-alive connection was closed before any byte of an answer.
    """

    def __init__(self, reason: str, *, sent: bool, stale: bool = False, kind: str = "") -> None:
        super().__init__(f"{reason} ({kind})" if kind else reason)
        self.reason = reason
        self.sent = sent
        self.stale = stale


class Transport(Protocol):
    """What a client needs of the network; used by several threads at once."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer to the request. Raises TransportFailed or SendPrevented."""

    def close(self) -> None:
        """Kept-alive connections are closed; a later `send` opens new ones."""


class HttpTransport(Transport):
    """Sends over requests; one of these may serve the clients of all sellers of a process.

    Keeps up to `pool_size` idle connections to each host. Fork-safe: a child opens its own.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, pool_size: int = 32) -> None:
        self._ssl_context = ssl_context
        self._pool_size = pool_size
        self._open_pools()

    def _open_pools(self) -> None:
        self._process = os.getpid()
        context = self._ssl_context or _default_ssl_context()
        self._kept = _Adapter(KEPT, context, self._pool_size)
        self._fresh = _Adapter(FRESH, context, self._pool_size)

    def send(self, request: HttpRequest) -> HttpAnswer:
        if self._process != os.getpid():
            # Two processes on one TLS connection would read each other's answers.
            self._open_pools()
        exchange = Exchange(
            request.deadline, request.connect_timeout, request.before_send, public=request.public
        )
        try:
            return self._exchange(request, exchange, self._fresh if request.fresh else self._kept)
        except TransportFailed as failure:
            left = exchange.deadline_at - time.monotonic()
            if not (failure.stale and request.repeatable) or left <= 0:
                raise
        again = Exchange(left, request.connect_timeout, request.before_send, public=request.public)
        return self._exchange(request, again, self._fresh)

    def _exchange(
        self, request: HttpRequest, exchange: Exchange, adapter: HTTPAdapter
    ) -> HttpAnswer:
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = request.url
        # An iterable with a length goes as it comes; the stubs of requests know of files alone.
        prepared.body = request.body if request.source is None else request.source  # type: ignore[assignment]
        prepared.headers = CaseInsensitiveDict(request.headers)
        if request.body is not None:
            # Without its length requests would send the body in chunks.
            prepared.headers["Content-Length"] = str(len(request.body))
        # The watchdog ends the wait; the read timeout only stands behind it.
        timeout = (request.connect_timeout, request.deadline + 1)
        watch = watchdog()
        failure: TransportFailed
        try:
            watch.watch(exchange)
            with over(exchange):
                response = adapter.send(prepared, stream=True, timeout=timeout)
            body, cut = _read_body(response, request, exchange)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return HttpAnswer(response.status_code, headers, body, cut)
        except SendPrevented:
            raise
        except Exception as error:
            # Whatever went wrong, the caller is owed one thing: whether anything may have left.
            failure = _failure(error, exchange, request.url)
        finally:
            exchange.finish()
            watch.release(exchange)
        # Out here, so that no exception of requests is its context: they carry the request, and
        # with it the token.
        raise failure

    def close(self) -> None:
        self._kept.close()
        self._fresh.close()


@functools.cache
def _default_ssl_context() -> ssl.SSLContext:
    # Reading the authorities costs more than a whole call, so that it is done once.
    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Adapter(HTTPAdapter):
    """The adapter of requests with our pools and one SSL context for all connections."""

    def __init__(
        self, pools: Mapping[str, type[HTTPConnectionPool]], context: ssl.SSLContext, size: int
    ) -> None:
        self._pools = pools
        self._context = context
        super().__init__(pool_connections=16, pool_maxsize=size, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **kwargs: Any
    ) -> None:
        super().init_poolmanager(
            connections, maxsize, block, ssl_context=self._context, cert_reqs="CERT_REQUIRED"
        )
        self.poolmanager.pool_classes_by_scheme = dict(self._pools)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        # The base class would have the authorities read again for every connection.
        return None

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        pool: HTTPConnectionPool = self.poolmanager.connection_from_url(request.url)
        return pool


def _read_body(
    response: requests.Response, request: HttpRequest, exchange: Exchange
) -> tuple[bytes, str]:
    """The decoded body, at most `max_body` bytes of it, and why it is not all ("" if it is)."""
    chunks: list[bytes] = []
    take = request.sink if request.sink and response.status_code == 200 else chunks.append
    size, cut = 0, ""
    try:
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            size += len(chunk)
            take(chunk)
            if size > request.max_body:
                cut = "too_large"
                break
    except Exception:
        # The status line came whole: whatever happens to the body, the answer stands.
        cut = "cut_body"
    if cut:
        response.raw.close()
    response.raw.release_conn()
    if exchange.expired:
        cut = "deadline"
    body, undecoded = _decode(
        b"".join(chunks)[: request.max_body],
        response.headers.get("Content-Encoding", ""),
        request.max_body,
    )
    return body, cut or undecoded


def _decode(body: bytes, encoding: str, max_body: int) -> tuple[bytes, str]:
    # We ask for `identity`; a compressed body comes unasked, and may be a bomb.
    if encoding.strip().lower() in {"", "identity"} or not body:
        return body, ""
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        decoded = decoder.decompress(body, max_body)
    except zlib.error:
        return body, "encoding"
    if decoder.unconsumed_tail:
        return decoded, "too_large"
    return decoded, "" if decoder.eof else "cut_body"


def _failure(error: Exception, exchange: Exchange, url: str) -> TransportFailed:
    causes = _causes(error)
    kind = type(causes[-1]).__name__
    if not exchange.sending:
        reason = next((one.reason for one in causes if isinstance(one, NotConnected)), "")
        if exchange.expired or time.monotonic() >= exchange.deadline_at:
            reason = "deadline"
        elif not reason and any(isinstance(one, TimeoutError) for one in causes):
            reason = "connect_timeout"
        elif not reason:
            reason = "tls" if url.startswith("https:") else "unreachable"
        return TransportFailed(reason, sent=False, kind=kind)
    if exchange.expired:
        return TransportFailed("deadline", sent=True, kind=kind)
    if any(isinstance(one, TimeoutError) for one in causes):
        return TransportFailed("read_timeout", sent=True, kind=kind)
    # RemoteDisconnected is a ConnectionResetError too, so that it comes first.
    if any(isinstance(one, http.client.RemoteDisconnected) for one in causes):
        return TransportFailed("closed", sent=True, stale=exchange.reused, kind=kind)
    if any(isinstance(one, ConnectionError) for one in causes):
        return TransportFailed("reset", sent=True, stale=exchange.reused, kind=kind)
    return TransportFailed("protocol", sent=True, kind=kind)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all that it was made of, outermost first."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found
