"""Overhearing Amazon's answers: their Date and the rate that they name, which clients do not tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from spapi import HttpAnswer, HttpRequest, Transport

RATE = "x-amzn-ratelimit-limit"
# Date has whole seconds: on average it is half of one behind.
HALF_A_SECOND = timedelta(seconds=0.5)


@dataclass(frozen=True)
class Heard:
    """One answer: to which path, how Amazon's clock stands to ours, the rate named ("" for none).

    `ahead` is how far Amazon's clock is ahead of this machine's, to about a second and half of the
    call's duration; None when the answer has no Date that can be read.
    """

    path: str
    ahead: timedelta | None
    rate: str


class Listener(Transport):
    """Passes every request on and keeps what the answers say besides their bodies."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.heard: list[Heard] = []

    def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer of the transport below."""
        began = datetime.now(UTC)
        answer = self._transport.send(request)
        middle = began + (datetime.now(UTC) - began) / 2
        self.heard.append(
            Heard(
                urlsplit(request.url).path,
                _ahead(answer.headers.get("date", ""), middle),
                answer.headers.get(RATE, ""),
            )
        )
        return answer

    def close(self) -> None:
        """Nothing: the connections belong to others."""


def _ahead(date: str, middle: datetime) -> timedelta | None:
    try:
        said = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return None
    if said.tzinfo is None:
        return None
    return said + HALF_A_SECOND - middle
