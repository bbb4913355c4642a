"""Random `kill -9` of workers' children and of whole nodes, under load, with Amazon misbehaving."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.faults.checker import Report
from tests.faults.kinds import ALL_KINDS, INVOICE, POST_OF
from tests.faults.load import first_claim_after, percentile
from tests.faults.rig import Rig

SHORTEST_PAUSE, LONGEST_PAUSE = 0.15, 0.75  # seconds between two kills
NODE_SHARE = 0.08  # of the kills that take a whole node
BACKLOG = 60  # actions that wait or are under way while the killing goes on
# What goes wrong with files on their way to the storage.
_UPLOAD_FAULTS: list[dict[str, Any]] = [
    {"operation": "uploadBody", "when": {"share": 0.04}, "do": {"kind": "cut_upload"}},
    *(
        {"operation": "uploadToDestination", "when": {"share": 0.04}, "do": deed}
        for deed in ({"kind": "expired"}, {"kind": "status", "status": 503})
    ),
]
_AMBIGUOUS = 0.015  # of the POSTs, for each kind of ambiguity


@dataclass(frozen=True)
class Kills:
    """What a run of kills came to. Recovery: from the kill of a process that drove a shard to the
    next claim in that shard, in seconds; pauses: from one kill to the next, in seconds."""

    kills: int
    child_kills: int
    node_kills: int
    seconds: float
    recovery_p50: float
    recovery_p99: float
    pause_p50: float
    pause_p95: float
    longest_pause: float
    peak_mb: float
    report: Report
    # How many actions there were of each kind.
    kinds: dict[str, int] = field(default_factory=dict)


def ambiguous_answers(kinds: Sequence[str], share: float = _AMBIGUOUS) -> list[dict[str, Any]]:
    """Rules for Amazon: every way in which an answer leaves open what was done."""
    deeds: list[dict[str, Any]] = [
        {"kind": "status", "status": 500, "accept_first": True},
        {"kind": "status", "status": 500, "accept_first": False},
        {"kind": "status", "status": 503, "accept_first": True},
        {"kind": "status", "status": 503, "accept_first": False},
        {"kind": "reset", "at": "before_read"},
        {"kind": "reset", "at": "after_read"},
        {"kind": "reset", "at": "after_accept"},
        {"kind": "close", "accept_first": True},
        {"kind": "close", "accept_first": False},
        {"kind": "half_status_line", "accept_first": True},
        {"kind": "cut_body", "how": "length"},
        {"kind": "hang", "seconds": 5, "accept_first": True},
        {"kind": "hang", "seconds": 5, "accept_first": False},
    ]
    return [
        {"operation": POST_OF[kind], "when": {"share": share}, "do": deed}
        for kind in kinds
        for deed in deeds
    ] + (_UPLOAD_FAULTS if INVOICE in kinds else [])


def run_kills(
    number: int,
    seed: int,
    kinds: Sequence[str] = ALL_KINDS,
    say: Callable[[str], None] = lambda _line: None,
    node_share: float = NODE_SHARE,
    backlog: int = BACKLOG,
    feed_every: int = 5,
) -> Kills:
    """So many kills have happened, everything was started again, and everything is resolved."""
    with Rig(
        nodes=2,
        children=4,
        shards=4,
        sellers=8,
        orders=max(400, int(number * 3.6)),
        seed=seed,
        sandbox_faults=ambiguous_answers(kinds),
        empty_share=0.15,
        latency_ms=50,
        rate_factor=10,
        settings={"RIG_DAILY_SECONDS": "30" if number > 100 else "3"},
    ) as rig:
        killer = _Killer(rig, kinds, say, node_share, backlog, feed_every)
        begun = time.monotonic()
        killer.run(number)
        say(f"{number} kills after {time.monotonic() - begun:.0f} s; {dict(rig.states())}")

        def is_resolved() -> bool:
            killer.start_what_gave_up()
            return rig.is_resolved()

        rig.wait_for(is_resolved, "all is resolved", seconds=300, every=0.3)
        recovery, pauses = recovery_times(rig), pauses_between(rig)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return Kills(
            kills=number,
            child_kills=number - killer.nodes,
            node_kills=killer.nodes,
            seconds=time.monotonic() - begun,
            recovery_p50=percentile(recovery, 50),
            recovery_p99=percentile(recovery, 99),
            pause_p50=percentile(pauses, 50),
            pause_p95=percentile(pauses, 95),
            longest_pause=max(pauses, default=0.0),
            peak_mb=peak,
            report=rig.check(),
            kinds=dict(Counter(rig.actions.values())),
        )


class _Killer:
    def __init__(
        self,
        rig: Rig,
        kinds: Sequence[str],
        say: Callable[[str], None],
        node_share: float,
        backlog: int,
        feed_every: int,
    ) -> None:
        self.rig = rig
        self.kinds = kinds
        self.say = say
        self.node_share = node_share
        self.backlog = backlog
        self.feed_every = feed_every
        self.nodes = 0
        self._dry: set[str] = set()
        self._looked_at = time.time()

    def run(self, number: int) -> None:
        """So many kills, with enough to do all the while."""
        rig = self.rig
        self._feed()
        rig.wait_for(lambda: rig.states()["sent"] >= 5, "five are sent")
        killed_at = time.monotonic()
        for count in range(1, number + 1):
            # what the rig did since the last kill is part of the pause
            due = killed_at + rig.random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE)
            time.sleep(max(0.0, due - time.monotonic()))
            killed_at = time.monotonic()
            self._kill_one()
            if count % self.feed_every == 0:
                self._feed()
            if count % 10 == 0:
                self._wait_for_work()
            if count % 50 == 0:
                self.say(f"{count} kills: {dict(rig.states())}")

    def _wait_for_work(self) -> None:
        """Something was claimed since the last time: where starting takes longer than the next kill
        is away, nothing would be under way that a kill could break."""
        since, self._looked_at = self._looked_at, time.time()

        def is_claimed() -> bool:
            self.start_what_gave_up()
            if not self.rig.states()["queued"]:
                self._feed()
            return any(line["at"] > since for line in self.rig.history.lines("claim"))

        self.rig.wait_for(is_claimed, "something is claimed", seconds=120, every=0.5)

    def start_what_gave_up(self) -> None:
        """Every node runs: a worker that loses a child while it starts ends by itself, and whoever
        runs it starts it again."""
        for node in [*self.rig.nodes, self.rig.clock]:
            if not node.is_running():
                node.kill()
                node.start()

    def _kill_one(self) -> None:
        rig = self.rig
        nodes = rig.nodes
        if rig.random.random() < self.node_share:
            node = rig.random.choice([*nodes, rig.clock])
            rig.history.add("kill", what="node", pids=[node.pid, *node.children()])
            killed_at = time.time()
            node.kill()
            node.start()
            self.nodes += 1
            if self.node_share == 1:  # or else no node would live long enough to do anything
                rig.queue(8, self.kinds[self.nodes % len(self.kinds)])
                first_claim_after(rig, killed_at)
            return
        children: list[tuple[str, int]] = []

        def found() -> bool:
            self.start_what_gave_up()
            children.extend((node.name, pid) for node in nodes for pid in node.children())
            return bool(children)

        rig.wait_for(found, "a worker has a child")
        name, pid = rig.random.choice(children)
        rig.history.add("kill", what="child", node=name, pids=[pid])
        kill_child(pid)

    def _feed(self) -> None:
        states = self.rig.states()
        missing = self.backlog - states["queued"] - states["sending"]
        kinds = [kind for kind in self.kinds if kind not in self._dry]
        if missing < self.backlog / 3 or not kinds:
            return
        for kind in kinds:
            if not self.rig.queue(missing // len(kinds), kind):
                self._dry.add(kind)
                self.say(f"no more orders for {kind}")


def kill_child(pid: int) -> None:
    """The process is gone, unless it was gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def pauses_between(rig: Rig) -> list[float]:
    """The seconds from each kill to the next."""
    moments = [line["at"] for line in rig.history.lines("kill")]
    return [later - sooner for sooner, later in pairwise(moments)]


def recovery_times(rig: Rig) -> list[float]:
    """For every kill that took the driver of a shard: how long that shard then made no claim."""
    claims = list(rig.history.lines("claim"))
    times = []
    for kill in rig.history.lines("kill"):
        at, pids = kill["at"], set(kill["pids"])
        recent = [line for line in claims if at - 1.0 <= line["at"] <= at and line["pid"] in pids]
        for shard in {line["shard"] for line in recent}:
            later = [line["at"] for line in claims if line["at"] > at and line["shard"] == shard]
            if later:
                times.append(later[0] - at)
    return times
