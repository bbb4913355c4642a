"""A sandbox for the time of a test, on a free port.

with running(orders=50) as amazon:
    client = Client(..., endpoint=amazon.url, lwa_endpoint=amazon.url)
    ...
    assert amazon.stats()["throttled"] == 0
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.options import Options
from sandbox.service import open_service

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class SellerKeys:
    """What it takes to connect one seller; the secrets are left out of its repr."""

    name: str
    region: str
    selling_partner_id: str
    client_id: str
    client_secret: str = field(repr=False)
    application_id: str
    refresh_token: str = field(repr=False)
    marketplace_ids: tuple[str, ...]


@dataclass
class Running:
    """A sandbox that answers at `url`."""

    url: str
    stop: Callable[[], None] = field(repr=False)
    """Ends it before its time: from now on connections are refused."""

    @cached_property
    def sellers(self) -> tuple[SellerKeys, ...]:
        """All sellers with their keys."""
        return tuple(
            SellerKeys(**{**seller, "marketplace_ids": tuple(seller["marketplace_ids"])})
            for seller in self.ask("GET", "/_sellers")
        )

    def stats(self) -> Any:
        """`GET /_stats`."""
        return self.ask("GET", "/_stats")

    def ledger(self) -> Any:
        """`GET /_ledger`."""
        return self.ask("GET", "/_ledger")

    def eligible(self) -> dict[str, list[str]]:
        """The orders that may be asked now and were not, by selling partner id."""
        eligible: dict[str, list[str]] = self.ask("GET", "/_eligible")
        return eligible

    def messageable(self) -> dict[str, list[str]]:
        """The orders whose buyers may be written to now, by selling partner id."""
        orders: dict[str, list[str]] = self.ask("GET", "/_messageable")
        return orders

    def message_offers(self, *, disabled: bool = False) -> dict[str, dict[str, list[str]]]:
        """By selling partner id and name of a message, the orders for which it is offered now.

        With `disabled` those for which it is listed, and cannot be sent.
        """
        word = "disabled" if disabled else "offered"
        offers: dict[str, dict[str, list[str]]] = self.ask("GET", "/_message_offers")[word]
        return offers

    def history(self) -> Any:
        """`GET /_history`."""
        return self.ask("GET", "/_history")

    def take_notifications(
        self, *, since: str | None = None, limit: int = 1_000_000
    ) -> list[dict[str, str]]:
        """The oldest notifications that wait (`destination_id`, `arn`, `body`), taken out.

        With `since` (ISO 8601) the subscriptions count as made then: the past is told of too.
        """
        document = {"limit": limit, **({} if since is None else {"since": since})}
        messages: list[dict[str, str]] = self.ask("POST", "/_outbox", document)["messages"]
        return messages

    def time(self) -> Any:
        """`GET /_time`."""
        return self.ask("GET", "/_time")

    def set_faults(self, rules: Sequence[dict[str, Any]]) -> None:
        """These rules are in force instead of the earlier ones; ValueError when one is wrong."""
        self.ask("POST", "/_faults", list(rules))

    def faults(self) -> Any:
        """`GET /_faults`: the rules with their counts."""
        return self.ask("GET", "/_faults")

    def set_clock_offset(self, seconds: float) -> None:
        """Amazon's clock is that far ahead of the machine's."""
        self.ask("POST", "/_time", {"offset_s": seconds})

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """The JSON of one page of the record; ValueError with its text when it is refused."""
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=30)
        body = None if document is None else json.dumps(document)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(answer["error"])
        return answer


@contextmanager
def running(
    *, process: bool = False, faults: Sequence[dict[str, Any]] = (), **options: Any
) -> Iterator[Running]:
    """A sandbox with these options (`sandbox.options.Options`) that is stopped at the end.

    It runs in a thread, or in a process of its own where the test's own work must not slow it down.
    `faults` are rules here, not a file.
    """
    start = _in_process if process else _in_thread
    url, stop = start(Options(**options))
    try:
        amazon = Running(url, stop)
        if faults:
            amazon.set_faults(faults)
        yield amazon
    finally:
        stop()


def _in_thread(options: Options) -> tuple[str, Callable[[], None]]:
    service = open_service(options, time.time())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()

    def stop() -> None:
        if loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(service.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()

    try:
        url = asyncio.run_coroutine_threadsafe(service.start(), loop).result(30)
    except BaseException:
        stop()
        raise
    return url, stop


def _in_process(options: Options) -> tuple[str, Callable[[], None]]:
    command = [sys.executable, "-m", "sandbox"]
    for name in Options.__slots__:
        value = getattr(options, name)
        if value is not None:
            command.append(f"--{name.replace('_', '-')}={value}")
    child = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)

    def stop() -> None:
        with child:  # closes the pipe and waits
            child.terminate()

    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        stop()
        raise RuntimeError(f"the sandbox ended with exit code {child.returncode}")
    return line.split()[-1], stop
