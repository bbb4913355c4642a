"""The rig: database, Redis, Amazon and workers as real processes, and the levers to break them.

    with Rig(nodes=2, seed=7, sandbox_faults=[…]) as rig:
        rig.queue(100, SOLICITATION)
        rig.nodes[0].kill()
        rig.nodes[0].start()
        rig.wait_resolved()
        rig.check().demand()

Everything has a free port and a directory of its own, and nothing is left when the block ends.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Self

import psycopg

from solicit_dashboard.children import Janitor
from tests.faults.checker import Report, check
from tests.faults.history import History
from tests.faults.node import Node
from tests.faults.proxy import Proxy
from tests.faults.servers import (
    RedisServer,
    base_environment,
    running_amazon,
    shared_postgres,
)
from tests.faults.telling import Desk, RigError

SOLICITATION = "productReviewAndSellerFeedback"
MESSAGE = "confirmOrderDetails"
KINDS = (SOLICITATION, MESSAGE)
POST_OF = {
    SOLICITATION: "createProductReviewAndSellerFeedbackSolicitation",
    MESSAGE: "createConfirmOrderDetails",
}
LIST_OF = {
    SOLICITATION: "getSolicitationActionsForOrder",
    MESSAGE: "getMessagingActionsForOrder",
}
# While one of these is not empty somebody still has something to do.
_MOVING = ("queued", "held", "sending")


class Rig:
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
        self._offered = {
            SOLICITATION: _numbers(self.amazon.eligible()),
            MESSAGE: _numbers(self.amazon.ask("GET", "/_messageable")),
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

    def add_node(self, *, children: int = 2, fault: str | None = None, **settings: str) -> Node:
        """One more worker machine has been started, with faults and settings of its own."""
        environment = self.environment | settings
        if fault is not None:
            environment["FAULT"] = fault
        name = f"node{len(self.nodes)}"
        node = Node(
            name, environment, self.directory, self._janitor, queues="lanes", children=children
        )
        node.start()
        self.nodes.append(node)
        return node

    def _kill_nodes(self) -> None:
        for node in [*self.nodes, self.clock]:
            if node.process is not None:
                node.kill()

    # What can be done

    def run(self, source: str, **names: Any) -> Any:
        """What the source, run in the product (`tests.faults.desk`), put into `result`."""
        return self._desk.run(source, names)

    def queue(
        self, number: int, kind: str = SOLICITATION, accounts: Sequence[int] | None = None
    ) -> list[int]:
        """Up to so many actions more are due now, the accounts in turn; their ids."""
        if kind == MESSAGE:  # which comes to an end with every shipment
            self._offered[kind] = _numbers(self.amazon.ask("GET", "/_messageable"))
        ids: list[int] = self.run(
            "result = queue(number, kind, accounts, offered)",
            number=number,
            kind=kind,
            accounts=list(self.accounts.values()) if accounts is None else list(accounts),
            offered=self._offered[kind],
        )
        self.actions |= dict.fromkeys(ids, kind)
        return ids

    def dispatch(self) -> None:
        """The dispatcher has run once, as the beat would have had it run."""
        self.run("tasks.dispatch()")

    def sweep(self) -> None:
        """The sweeper has run once."""
        self.run("tasks.sweep()")

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

    def recover(self) -> None:
        """The rig's own connections are fresh ones; those that a crash has ended are forgotten."""
        self._forget_connection()
        self.postgres.wait()
        self.run("connections.close_all()")

    # What can be seen

    def states(self) -> Counter[str]:
        """How many actions are in each state."""
        rows = self.sql("SELECT status, count(*) FROM messaging_outgoingaction GROUP BY status")
        return Counter({str(status): int(number) for status, number in rows})

    def faults(self) -> list[dict[str, Any]]:
        """The faults that were met so far, with the actions that met them."""
        return list(self.history.lines("fault"))

    def posts(self) -> list[dict[str, Any]]:
        """The POSTs that Amazon has seen, in the order of their arrival."""
        posts: list[dict[str, Any]] = self.amazon.ledger()["posts"]
        return posts

    def is_resolved(self) -> bool:
        """Whether nothing moves any more, and what is only probable is true. A message that waits
        for an offer which Amazon has withdrawn (the order has shipped) is cancelled."""
        row = self.sql(
            "SELECT count(*) FILTER (WHERE status = ANY(%s)"
            "   OR (status = 'unconfirmed' AND api = 'solicitations')),"
            " count(*) FILTER (WHERE status = 'probably_sent') FROM messaging_outgoingaction",
            list(_MOVING),
        )[0]
        if row[0]:
            self._cancel_withdrawn()
            return False
        if not row[1]:
            return True
        delivered = {post["order_id"] for post in self.posts() if post["accepted"]}
        probable = self.sql(
            "SELECT o.amazon_order_id FROM messaging_outgoingaction a"
            " JOIN orders_order o ON o.id = a.order_id WHERE a.status = 'probably_sent'"
        )
        return all(number in delivered for (number,) in probable)

    def _cancel_withdrawn(self) -> None:
        waiting = self.sql(
            "SELECT a.id, o.amazon_order_id FROM messaging_outgoingaction a"
            " JOIN orders_order o ON o.id = a.order_id"
            " WHERE a.status = 'queued' AND a.api = 'messaging' AND a.reason <> ''"
        )
        if waiting:
            still = set(_numbers(self.amazon.ask("GET", "/_messageable")))
            gone = [pk for pk, number in waiting if number not in still]
            if gone:
                self.run("cancel(ids)", ids=gone)

    # Waiting

    def wait_for(
        self,
        is_true: Callable[[], bool],
        what: str,
        *,
        seconds: float = 60,
        every: float = 0.1,
        tick: bool = False,
    ) -> None:
        """It is true; RigError when the time is over before. With `tick` the rig itself runs the
        dispatcher and the sweeper meanwhile, for runs without a clock."""
        pause = threading.Event()
        until = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > until:
                raise RigError(f"never happened within {seconds:g} s: {what}\n{self.tell()}")
            if tick:
                self.sweep()
                self.dispatch()
            pause.wait(every)

    def wait_resolved(self, seconds: float = 120, *, tick: bool = False) -> None:
        """Every action has come to its end."""
        self.wait_for(self.is_resolved, "all is resolved", seconds=seconds, every=0.3, tick=tick)

    def check(self) -> Report:
        """What the database, Amazon's ledger and the history say of the run."""
        report = check(self.sql, self.posts(), self.actions, self.history)
        report.throttled = self.amazon.stats()["throttled"]
        report.breaches += self.run("result = ledger_breaches()")
        return report

    def tell(self) -> str:
        """The states, and the last lines of every log, for whoever has to find out why."""
        parts = [str(dict(self.states()))] if hasattr(self, "_ask_connection") else []
        for log in sorted(self.directory.glob("*.log")):
            lines = log.read_text("utf-8", "replace").splitlines()[-8:]
            parts += [f"--- {log.name}", *lines]
        return "\n".join(parts)


def _numbers(listed: Mapping[str, Sequence[str]]) -> list[str]:
    return sorted(number for numbers in listed.values() for number in numbers)


def _named(addresses: Mapping[str, str]) -> dict[str, str]:
    return {
        "DATABASE_URL": addresses["postgres"],
        "REDIS_URL": addresses["redis"],
        "SPAPI_ENDPOINT": addresses["amazon"],
        "LWA_ENDPOINT": addresses["amazon"],
    }
