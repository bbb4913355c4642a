"""What a rig is made of: database, Redis, Amazon, workers and the desk, started and ended."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Self

import psycopg

from solicit_dashboard.children import Janitor
from tests.faults.history import History
from tests.faults.kinds import INVOICE, MESSAGE, SOLICITATION
from tests.faults.node import ROOT, Node
from tests.faults.proxy import Proxy
from tests.faults.servers import (
    RedisServer,
    base_environment,
    running_amazon,
    shared_postgres,
)
from tests.faults.telling import Desk


class Stand:
    """A dashboard without pages, and its Amazon.

    `nodes` worker machines of `children` processes each drive `shards` shards; one more node runs the
    beat and the periodic tasks unless `clock` is false. `sandbox_faults` are rules of
    `sandbox.faults`; `rate_factor` multiplies Amazon's rates, `latency_ms` is each way. A `proxied`
    server ("postgres", "redis", "amazon") is reached by the workers through `proxies[name]`. `fault`
    is FAULT of `tests.faults.worker`; `settings` go to the environment of all processes, in which a
    lease lasts 3 s and a call 0.8 s.
    """

    def __init__(
        self,
        *,
        nodes: int = 1,
        children: int = 2,
        shards: int = 2,
        sellers: int = 2,
        orders: int = 300,
        seed: int = 1,
        sandbox_faults: Sequence[dict[str, Any]] = (),
        empty_share: float = 0.0,
        latency_ms: float = 5.0,
        rate_factor: float = 20.0,
        proxied: Sequence[str] = (),
        clock: bool = True,
        fault: str = "",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.shards = shards
        self.actions: dict[int, str] = {}
        self.accounts: dict[str, int] = {}
        self.nodes: list[Node] = []
        self.proxies: dict[str, Proxy] = {}
        self._wanted = (nodes, children, clock)
        self._world = {
            "sellers": sellers,
            "orders": orders,
            "seed": seed,
            "latency-ms": latency_ms,
            "rate-factor": rate_factor,
            "empty-share": empty_share,
        }
        self._faults = list(sandbox_faults)
        self._proxied = tuple(proxied)
        self._settings = {
            "LEASE_SECONDS": "3",
            "CALL_DEADLINE_SECONDS": "0.8",
            "DISPATCH_SECONDS": "0.3",
            "LANE_SHARDS": str(shards),
            "SPAPI_RATE_FACTOR": str(rate_factor),
            "FAULT": fault,
        } | dict(settings or {})
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_details: object) -> None:
        self._stack.close()

    # Starting

    def _start(self, stack: ExitStack) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="solicit-rig-"))
        stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        (self.directory / "hits").mkdir()
        self.history = History(self.directory / "history.jsonl")
        stack.callback(self.history.close)
        self._janitor = Janitor()
        stack.callback(self._janitor.dismiss)
        self.redis = RedisServer(self.directory / "redis")
        stack.callback(self.redis.kill)
        self.postgres = shared_postgres()
        self._base = base_environment(self.directory, self.redis.url) | self._settings
        self.database = self.postgres.make(self._base)
        stack.callback(self.postgres.drop, self.database)
        self.amazon = stack.enter_context(
            running_amazon(self._world, self.directory, self._base, self._janitor)
        )
        self._point_at_servers(stack)
        self._ask_connection: psycopg.Connection[tuple[Any, ...]] | None = None
        stack.callback(self._forget_connection)
        self._desk = Desk(self._desk_environment, self.directory / "desk.log")
        stack.callback(self._desk.close)
        self.accounts = self.run("result = connect(url)", url=self.amazon.url)
        self.offered = {
            SOLICITATION: numbers_of(self.amazon.eligible()),
            MESSAGE: self.offered_now(MESSAGE),
            INVOICE: self.offered_now(INVOICE),
        }
        if self._faults:
            self.amazon.set_faults(self._faults)
        nodes, children, clock = self._wanted
        stack.callback(self._kill_nodes)
        self.clock = self._node("clock", queues="default", children=2, beat=True)
        if clock:
            self.clock.start()
        for _ in range(nodes):
            self.add_node(children=children)

    def _point_at_servers(self, stack: ExitStack) -> None:
        """The workers' environment, with proxies where they were wanted."""
        addresses = {
            "postgres": self.postgres.url(self.database),
            "redis": self.redis.url,
            "amazon": self.amazon.url,
        }
        self._desk_environment = self._base | _named(addresses)
        # told apart from the workers' connections, which may be ended by a row
        self._desk_environment["DATABASE_URL"] += "?application_name=rig"
        for name in self._proxied:
            proxy = stack.enter_context(Proxy.running(addresses[name]))
            self.proxies[name] = proxy
            addresses[name] = proxy.url
        self.environment = self._base | _named(addresses)

    # Nodes

    def _node(self, name: str, **options: Any) -> Node:
        return Node(name, self.environment, self.directory, self._janitor, **options)

    def add_node(
        self,
        *,
        children: int = 2,
        fault: str | None = None,
        code: Path = ROOT,
        **settings: str,
    ) -> Node:
        """One more worker machine has been started, with faults, settings or code of its own."""
        environment = self.environment | settings
        if fault is not None:
            environment["FAULT"] = fault
        name = f"node{len(self.nodes)}"
        node = Node(
            name,
            environment,
            self.directory,
            self._janitor,
            queues="lanes",
            children=children,
            code=code,
        )
        node.start()
        self.nodes.append(node)
        return node

    def _kill_nodes(self) -> None:
        for node in [*self.nodes, self.clock]:
            if node.process is not None:
                node.kill()

    # Asking

    def run(self, source: str, **names: Any) -> Any:
        """What the source, run in the product (`tests.faults.desk`), put into `result`."""
        return self._desk.run(source, names)

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that the database gives, asked past every proxy."""
        for attempt in (1, 2):
            try:
                if self._ask_connection is None:
                    self._ask_connection = self.postgres.connect(self.database)
                return self._ask_connection.execute(query, values).fetchall()
            except psycopg.OperationalError:
                self._forget_connection()
                if attempt == 2:
                    raise
        raise AssertionError

    def _forget_connection(self) -> None:
        if self._ask_connection is not None:
            self._ask_connection.close()
            self._ask_connection = None

    def offered_now(self, kind: str) -> list[str]:
        """The numbers of the orders for which Amazon takes that message now."""
        offers = self.amazon.message_offers().values()
        return sorted(number for by_kind in offers for number in by_kind.get(kind, ()))

    def recover(self) -> None:
        """The rig's own connections are fresh ones; those that a crash has ended are forgotten."""
        self._forget_connection()
        self.postgres.wait()
        self.run("connections.close_all()")


def numbers_of(listed: Mapping[str, Sequence[str]]) -> list[str]:
    """All order numbers of a list by seller."""
    return sorted(number for numbers in listed.values() for number in numbers)


def _named(addresses: Mapping[str, str]) -> dict[str, str]:
    return {
        "DATABASE_URL": addresses["postgres"],
        "REDIS_URL": addresses["redis"],
        "SPAPI_ENDPOINT": addresses["amazon"],
        "LWA_ENDPOINT": addresses["amazon"],
    }
