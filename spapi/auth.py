"""Access tokens from Login with Amazon: kept while they last, refreshed by one at a time."""

import threading
from collections import defaultdict
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


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

    def lock(self, key: str) -> AbstractContextManager[object]:
        with self._guard:
            return self._locks[key]
