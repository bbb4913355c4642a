"""Tokens of all kinds: kept while they last, fetched anew by one at a time.

A store may be shared by processes. What a token is for is in its key, so that no two kinds and no
two authorizations ever meet in it.
"""

import copy
import hashlib
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from spapi.errors import SpApiError

REFRESH_BEFORE = 60.0
"""Seconds before its end from which a token is not used any more."""

REFRESH_SPREAD = 60.0
"""Up to so many seconds earlier still, drawn once for each client: processes do not all meet."""

# Whatever comes from outside and goes into a header must not be able to end it.
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")


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


class TokenKeeper:
    """One token for one purpose, fetched by `fetch` when it is needed; safe for threads.

    A failure is never kept. Only those who were waiting for the very fetch that failed share its
    failure, so that a dead token service does not hold up a queue of threads one by one.
    """

    def __init__(self, store: TokenStore, key: str, fetch: Callable[[], AccessToken]) -> None:
        self.key = key
        self._store = store
        self._fetch = fetch
        self._margin = timedelta(seconds=REFRESH_BEFORE + random.uniform(0, REFRESH_SPREAD))  # noqa: S311
        self._failed_at = 0.0
        self._failure: SpApiError | None = None

    def current(self) -> AccessToken:
        """A token that lasts for another minute at least: the one kept, or a new one."""
        token = self._store.get(self.key)
        return token if token is not None and self.lasts(token) else self._fetch_once(token)

    def renewed(self) -> AccessToken:
        """A token that Amazon has issued after this was called."""
        return self._fetch_once(self._store.get(self.key))

    def lasts(self, token: AccessToken) -> bool:
        """Whether the token may still be used for a call that begins now."""
        return datetime.now(UTC) < token.expires_at - self._margin

    def drop(self, token: AccessToken) -> None:
        """The token is used no more; a newer one in its place stays."""
        with self._store.lock(self.key):
            if self._store.get(self.key) == token:
                self._store.drop(self.key)

    def _fetch_once(self, known: AccessToken | None) -> AccessToken:
        asked_at = time.monotonic()
        with self._store.lock(self.key):
            token = self._store.get(self.key)
            if token is not None and token != known and self.lasts(token):
                return token  # somebody else fetched it while we waited
            if self._failure is not None and self._failed_at >= asked_at:
                raise copy.copy(self._failure)
            try:
                token = self._fetch()
            except SpApiError as error:
                self._failure, self._failed_at = copy.copy(error), time.monotonic()
                raise
            self._store.put(self.key, token)
            return token


def key_of(*purpose: str) -> str:
    """The key of what is named by these words; it shows none of them."""
    # with their lengths, so that no word can pass for two
    return hashlib.sha256("".join(f"{len(word)}:{word}" for word in purpose).encode()).hexdigest()


def issued_token(value: object, lasts: object, asked_at: datetime) -> AccessToken | None:
    """The token as an answer gives it, with its lifetime in seconds; None if it is none.

    Its time counts from `asked_at` (aware), so that a slow answer makes it look older, never
    younger.
    """
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        return None
    if isinstance(lasts, str) and lasts.isascii() and lasts.isdigit():
        lasts = float(lasts)
    if isinstance(lasts, bool) or not isinstance(lasts, int | float) or not 0 < lasts <= 86_400:
        return None
    return AccessToken(value, asked_at + timedelta(seconds=lasts))
