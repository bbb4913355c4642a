"""Work for the workers while a row breaks something, and what the rows measure of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from statistics import quantiles

from tests.faults.kinds import KINDS
from tests.faults.node import Node
from tests.faults.rig import Rig

# Deadlines that no healthy call comes near: what is unconfirmed then is so by the fault alone.
PATIENT = {"LEASE_SECONDS": "30", "CALL_DEADLINE_SECONDS": "6"}


def keep_busy(
    rig: Rig,
    seconds: float,
    *,
    each: int = 6,
    every: float = 0.5,
    meanwhile: Callable[[], None] = lambda: None,
    kinds: Sequence[str] = KINDS,
) -> None:
    """For so long there is always something to send, of each kind; `meanwhile` runs now and then.
    AssertionError when there is no order left to ask."""
    until = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < until:
        assert rig.queue(each, kinds[turn % len(kinds)]), "the rig ran out of orders"
        turn += 1
        meanwhile()
        time.sleep(every)


def wait_first(rig: Rig, number: int = 3) -> None:
    """The workers have come up: so many actions are sent."""
    rig.wait_for(lambda: rig.states()["sent"] >= number, f"{number} are sent", every=0.05)


def busy_node(rig: Rig) -> tuple[Node, int]:
    """A node that has calls under way at this moment, and how many; it is fed until one has."""
    found: list[tuple[Node, int]] = []

    def calls(node: Node) -> int:
        workers = [f"{socket.gethostname()}:{pid}" for pid in node.children()]
        (row,) = rig.sql(
            "SELECT count(*) FROM messaging_actionattempt WHERE worker = ANY(%s)"
            " AND finished_at IS NULL AND abandoned_at IS NULL",
            workers,
        )
        return int(row[0])

    def is_busy() -> bool:
        if not rig.states()["queued"]:
            rig.queue(8)
        found[:] = [(node, number) for node in rig.nodes if (number := calls(node))]
        return bool(found)

    rig.wait_for(is_busy, "a node has calls under way", every=0.02)
    return found[0]


def first_claim_after(rig: Rig, moment: float, seconds: float = 120) -> float:
    """How long after that moment (seconds since 1970) something was claimed again."""
    found: list[float] = []

    def claimed() -> bool:
        found[:] = [line["at"] for line in rig.history.lines("claim") if line["at"] > moment][:1]
        return bool(found)

    rig.wait_for(claimed, "something is claimed again", seconds=seconds, every=0.05)
    return found[0] - moment


def claim_delays(rig: Rig) -> list[float]:
    """For each action, the seconds from the moment it was due to its first claim."""
    rows = rig.sql(
        "SELECT extract(epoch FROM min(t.claimed_at) - a.created_at - interval '5 s')"
        " FROM messaging_outgoingaction a JOIN messaging_actionattempt t ON t.action_id = a.id"
        " GROUP BY a.id"
    )
    return [float(seconds) for (seconds,) in rows]


def times_unconfirmed(rig: Rig) -> int:
    """How often an action became unconfirmed."""
    (row,) = rig.sql("SELECT count(*) FROM messaging_actionevent WHERE after = 'unconfirmed'")
    return int(row[0])


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed; 0 for none."""
    if len(values) < 2:
        return max(values, default=0.0)
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def verdict(rig: Rig, seconds: float = 120) -> str:
    """ "412 actions, 0 twice, 0 lost", once everything is resolved; AssertionError for a breach."""
    rig.wait_resolved(seconds)
    report = rig.check().demand()
    return f"{report.actions} actions, {report.doubles} twice, {report.lost} lost"
