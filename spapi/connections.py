"""Connections that know the exchange they serve: its deadline, and when its first byte leaves.

urllib3 makes the connections somewhere inside a call of requests; the exchange reaches them
through the thread in which all of that happens.
"""

import http.client
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from spapi.deadlines import Exchange


class _UnderWay(threading.local):
    exchange: Exchange | None = None


_under_way = _UnderWay()


@contextmanager
def over(exchange: Exchange) -> Iterator[None]:
    """Connections that this thread uses inside are used for the exchange."""
    outer, _under_way.exchange = _under_way.exchange, exchange
    try:
        yield
    finally:
        _under_way.exchange = outer


def _current() -> Exchange:
    exchange = _under_way.exchange
    if exchange is None:
        raise RuntimeError("a connection was used without an exchange")
    return exchange


class _OfOthers(logging.Filter):
    """Lets pass what urllib3 logs of other programs' requests, and nothing of ours.

    It logs whole addresses at DEBUG, and that of a document is a key to it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return _under_way.exchange is None


logging.getLogger("urllib3.connectionpool").addFilter(_OfOthers())


class NotConnected(Exception):  # noqa: N818 - named for what happened
    """No connection to any address of the host, for the reason named in one word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _connect(
    host: str, port: int | None, options: Any, by: float, public: bool = False
) -> socket.socket:
    """A connected socket, before the monotonic moment `by`, shared by all addresses of the host.

    `public` refuses a host that has any address outside the public Internet; the very addresses
    that were looked at are connected to, so that no later answer of a name server can differ.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotConnected("dns") from None
    if public and not all(_is_public(str(address[0])) for *_, address in addresses):
        raise NotConnected("not_public")
    reason = "unreachable"
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        left = by - time.monotonic()
        if left <= 0:
            raise NotConnected("connect_timeout")
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError:
            continue
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(left / (len(addresses) - tried))
            sock.connect(address)
        except OSError as error:
            sock.close()
            if isinstance(error, TimeoutError):
                reason = "connect_timeout"
            elif isinstance(error, ConnectionRefusedError):
                reason = "refused"
        else:
            return sock
    raise NotConnected(reason)


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    return found.is_global and not found.is_multicast


class _WholeStatusLine:
    """A response's file whose first line must end with a line feed, or it was never there."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readline(self, limit: int) -> bytes:
        line: bytes = self._file.readline(limit)
        return line if line.endswith(b"\n") or len(line) >= limit else b""

    def close(self) -> None:
        self._file.close()


class _Response(http.client.HTTPResponse):
    """A response that takes a status line cut in the middle for none."""

    fp: Any

    def _read_status(self) -> tuple[str, int, str]:
        whole, self.fp = self.fp, _WholeStatusLine(self.fp)
        try:
            status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        finally:
            if self.fp is not None:
                self.fp = whole
        return status


class _Watched(HTTPConnection):
    """A connection that tells the exchange of its thread about its socket and its first byte."""

    response_class = _Response
    _requests = 0

    def _new_conn(self) -> socket.socket:
        exchange = _current()
        by = exchange.connect_by()
        sock = _connect(self._dns_host, self.port, self.socket_options, by, exchange.public)
        # Python counts this over the whole of a TLS handshake, not for each read of it.
        sock.settimeout(max(0.001, by - time.monotonic()))
        return sock

    def connect(self) -> None:
        super().connect()
        self._requests = 0

    def request(self, *args: Any, **kwargs: Any) -> None:
        exchange = _current()
        if self.sock is None:
            self.connect()
        exchange.attach(self.sock)
        exchange.reused = self._requests > 0
        self._requests += 1
        exchange.begin_sending()
        super().request(*args, **kwargs)


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _FreshPool(_Pool):
    """Gives every request a connection of its own: no answer can belong to an earlier request."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        return self._new_conn()

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.close()


class _FreshTlsPool(_TlsPool):
    _get_conn = _FreshPool._get_conn
    _put_conn = _FreshPool._put_conn


KEPT: Mapping[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TlsPool}
FRESH: Mapping[str, type[HTTPConnectionPool]] = {"http": _FreshPool, "https": _FreshTlsPool}
