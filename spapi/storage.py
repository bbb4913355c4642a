"""Amazon's storage, as files are fetched from it and put into it: by no other address, with no token.

An address in an answer is data: who can change the answer could have this machine ask any host. So
it must be Amazon's storage by its name, over https, and the name must lead to the public Internet
when the connection is made. It is also a key, and so in no log, error or repr.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from spapi.errors import SpApiError, UntrustedAddress
from spapi.logs import CallLog
from spapi.operations import Operation
from spapi.transport import HttpAnswer, HttpRequest, Transport

_Error = TypeVar("_Error", bound=SpApiError)

# ASCII alone, so that no look-alike passes; no port, user or backslash, which programs read
# differently.
_BUCKET = r"(?:[a-z0-9][a-z0-9.-]*\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com"
# The distribution in the example of model reports_2021-06-30.json; it gives files, and takes none.
_DISTRIBUTION = r"d34o8swod1owfl\.cloudfront\.net"
_AFTER = r"(?::443)?/[!-\[\]-~]*"
_BUCKETS = re.compile(rf"https://{_BUCKET}{_AFTER}")
_STORAGE = re.compile(rf"https://(?:{_BUCKET}|{_DISTRIBUTION}){_AFTER}")
_NAMED = re.compile(rf"https://([a-z0-9][a-z0-9.-]*){_AFTER}")
_PRINTABLE = re.compile(r"/[!-\[\]-~]*")
_LONGEST = 4096
_HOST = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/?#\\:]{1,100})")


class Storage:
    """Reaches the storage for one client; `endpoint` is trusted with tokens, and so with this too.

    `upload_hosts` are the hosts that files may be put to, `*.` before a name standing for all below
    it; none: those of S3.
    """

    def __init__(
        self,
        endpoint: str,
        user_agent: str,
        *,
        transport: Transport,
        log: CallLog,
        connect_timeout: float,
        upload_hosts: Collection[str] = (),
    ) -> None:
        scheme, _, rest = endpoint.partition("://")
        self._own = f"{scheme}://{rest.partition('/')[0]}"
        self._user_agent = user_agent
        self._transport = transport
        self._log = log
        self._connect_timeout = connect_timeout
        self._upload_hosts = upload_hosts

    def fetch(
        self,
        operation: Operation,
        url: str,
        deadline: float,
        max_body: int,
        sink: Callable[[bytes], object],
    ) -> HttpAnswer:
        """The answer to a GET; a good one's body went to `sink`. `operation` named the address.

        Raises UntrustedAddress, TransportFailed.
        """
        if not self._is_own(url) and not is_storage(url):
            raise self._untrusted(operation, "a download", url)
        return self._send("GET", url, {}, deadline, max_body, sink=sink)

    def put(
        self,
        operation: Operation,
        url: str,
        headers: Mapping[str, str],
        deadline: float,
        source: Iterable[bytes],
        length: int,
    ) -> HttpAnswer:
        """The answer to a PUT of `length` bytes with these headers. Raises as `fetch` does."""
        if not self._is_own(url) and not is_bucket(url, self._upload_hosts):
            raise self._untrusted(operation, "an upload", url)
        sent = {**headers, "Content-Length": str(length)}
        return self._send("PUT", url, sent, deadline, 64 * 1024, source=source)

    def about(self, error: _Error, operation: Operation) -> _Error:
        """The same error, told of in the log, naming the operation that gave the address."""
        error.about(api=operation.api, version=operation.version, operation=operation.name)
        self._log.error(str(error))
        return error

    def tell(self, line: str) -> None:
        """The line is in the log of answers."""
        self._log.response(line)

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        deadline: float,
        max_body: int,
        sink: Callable[[bytes], object] | None = None,
        source: Iterable[bytes] | None = None,
    ) -> HttpAnswer:
        request = HttpRequest(
            method,
            url,
            {
                "User-Agent": self._user_agent,
                "Accept-Encoding": "identity",
                "Connection": "close",
                **headers,
            },
            connect_timeout=self._connect_timeout,
            deadline=deadline,
            max_body=max_body,
            fresh=True,
            sink=sink,
            source=source,
            public=not self._is_own(url),
        )
        return self._transport.send(request)

    def _is_own(self, url: str) -> bool:
        return (
            url.startswith(f"{self._own}/")
            and len(url) <= _LONGEST
            and _PRINTABLE.fullmatch(url[len(self._own) :]) is not None
        )

    def _untrusted(self, operation: Operation, what: str, url: str) -> UntrustedAddress:
        host = _HOST.match(url)
        error = UntrustedAddress(
            f"Amazon gave {what} address this program does not trust"
            f" (host {host[1] if host else 'unreadable'})."
        )
        return self.about(error, operation)


def is_storage(url: str) -> bool:
    """Whether the address is one of Amazon's storage, as far as its text can tell."""
    return len(url) <= _LONGEST and _STORAGE.fullmatch(url) is not None


def is_bucket(url: str, hosts: Collection[str] = ()) -> bool:
    """Whether the address is one of these hosts, or else of a bucket of S3, by its text."""
    if len(url) > _LONGEST:
        return False
    if not hosts:
        return _BUCKETS.fullmatch(url) is not None
    named = _NAMED.fullmatch(url)
    return named is not None and any(
        named[1].endswith(host[1:]) if host.startswith("*.") else named[1] == host for host in hosts
    )
