"""Rows of the suite that share a rig: each rig takes seconds to come up."""

from __future__ import annotations

from tests.faults.amazon_answers import meet_all
from tests.faults.load import PATIENT
from tests.faults.postgres_rows import restart_in
from tests.faults.redis_rows import gone_in
from tests.faults.rig import Rig
from tests.faults.table import row
from tests.faults.worker_rows import deploy_in, stop_at


@row(
    "F6-F43q",
    "F6, and then F34-F43 in the same rig",
    "no POST after waking; each as foretold; 0 delivered twice, 0 lost",
    quick=True,
)
def stopped_and_answered_wrongly(seed: int) -> str:
    """The node that is stopped is another one than that which meets the answers."""
    with Rig(nodes=0, orders=600, seed=seed) as rig:
        said = stop_at(rig, "after_claim")
        rig.nodes[0].kill()
        return f"{said}; {meet_all(rig)}"


@row(
    "F4-F20q",
    "F4q, F15q and F20q, one after the other in the same rig",
    "0 unconfirmed by SIGTERM; 0 twice, 0 lost; work goes on by itself",
    quick=True,
)
def deployed_and_left_alone(seed: int) -> str:
    """Workers are told to stop, then lose Redis for 2 s, then PostgreSQL twice."""
    options = {"latency_ms": 100, "settings": PATIENT}
    with Rig(nodes=2, sellers=4, orders=800, seed=seed, **options) as rig:  # type: ignore[arg-type, unused-ignore]
        return f"{deploy_in(rig, 2)}; {gone_in(rig, [2.0])}; {restart_in(rig, 2)}"
