"""What the sandbox says about itself: its sellers' keys and what was asked before it began."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30.0


class SandboxUnreadableError(Exception):
    """The sandbox did not answer as one does; the sentence says what happened."""


@dataclass(frozen=True)
class DemoSeller:
    """What it takes to connect one of the sandbox's sellers."""

    name: str
    region: str
    selling_partner_id: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True)
class PastRequest:
    """One request before the sandbox's beginning: at that moment (UTC), ended in that way.

    `outcome` is `accepted`, `already_requested`, `not_available` or `outside_window`.
    """

    selling_partner_id: str
    order_id: str
    at: datetime
    outcome: str
    request_id: str


def read_sellers(url: str) -> list[DemoSeller]:
    """The sandbox's sellers with their keys, in its own order."""
    names = DemoSeller.__dataclass_fields__
    return [DemoSeller(**{name: row[name] for name in names}) for row in _read(url, "/_sellers")]


def read_history(url: str) -> list[PastRequest]:
    """What was asked before the sandbox began, oldest orders first."""
    return [
        PastRequest(
            selling_partner_id=row["seller"],
            order_id=row["order_id"],
            at=datetime.fromisoformat(row["at"]),
            outcome=row["outcome"],
            request_id=row["request_id"],
        )
        for row in _read(url, "/_history")
    ]


def _read(url: str, path: str) -> Any:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(
        address.hostname or "", address.port, timeout=TIMEOUT_SECONDS
    )
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise SandboxUnreadableError(f"{url}{path} answered {response.status}.")
        return json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SandboxUnreadableError(f"{url}{path}: {error}") from error
    finally:
        connection.close()
