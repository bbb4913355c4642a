"""F42 and F43: Amazon points elsewhere, or answers with something strange or huge."""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.amazon_errors import TEXTS, failing
from tests.faults.amazon_rows import CUT_BODIES, RESETS, silence
from tests.faults.kinds import KINDS, LIST_OF, MESSAGE, POST_OF, SOLICITATION
from tests.faults.rig import Rig
from tests.faults.seen import Assigned, Case, assign, demand, notices, rules_for, states, tries
from tests.faults.table import row

MEBIBYTE = 1 << 20


class _Elsewhere(socketserver.ThreadingTCPServer):
    """Another port of this machine; counts who comes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.hits = 0

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.hits += 1
        return False


@contextmanager
def _elsewhere() -> Iterator[_Elsewhere]:
    with _Elsewhere() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@row(
    "F42",
    "301, 302, 303, 307, 308 to another port",
    "never followed, no token ever seen there; unconfirmed, and said on Overview",
)
def redirects(seed: int) -> str:
    """For POST, list and token alike."""
    codes = (301, 302, 303, 307, 308)
    with _elsewhere() as other:
        place = f"http://127.0.0.1:{other.server_address[1]}/"
        cases = [
            Case(str(code), {"kind": "redirect", "status": code, "location": place})
            for code in codes
        ]
        with Rig(nodes=0, seed=seed, sellers=4, orders=600) as rig:
            assigned = _redirect_all(rig, cases)
            rig.redis.client().flushall()  # so that a token has to be fetched, too
            rig.add_node()
            rig.wait_for(
                lambda: (
                    "unconfirmed" in states(rig).values()
                    and any("outcome is not known" in text for _, text in notices(rig))
                ),
                "Overview tells of outcomes that are not known",
            )
            rig.wait_resolved()
            demand(rig, assigned)
            report = rig.check().demand()
            fired = Counter(
                rule["operation"] for rule in rig.amazon.faults()["rules"] if rule["fired"]
            )
        if other.hits:
            raise AssertionError(f"somebody followed a redirect: {other.hits} hits")
        if fired["lwa"] < 1 or fired[LIST_OF[SOLICITATION]] < len(codes):
            raise AssertionError(f"not every operation was redirected: {fired}")
        return (
            f"{sum(fired.values())} redirects of {len(fired)} operations, 0 hits on the other port;"
            f" {len(assigned)} POSTs unconfirmed at first, doubles {report.doubles}"
        )


def _redirect_all(rig: Rig, cases: list[Case]) -> Assigned:
    """Each first POST is redirected in its own way, and so are a few looks and tokens."""
    assigned: Assigned = {}
    rules = []
    for kind in KINDS:
        assigned |= assign(rig, rig.queue(len(cases), kind), cases)
        rules += [
            {"operation": operation, "when": {"times": 1}, "do": case.do}
            for case in cases
            for operation in (LIST_OF[kind], "lwa")
        ]
    rules += rules_for(rig, {action: case.do for action, case in assigned.items()})
    rig.amazon.set_faults(rules)
    return assigned


STRANGE: dict[str, dict[str, Any]] = {
    "200 instead of 201": {"kind": "status", "status": 200, "accept_first": True},
    "HTML": {"kind": "body", "text": "<html>Sorry!</html>", "content_type": "text/html"},
    "wrong charset": {
        "kind": "body",
        "base64": "//79e30=",
        "content_type": "application/json; charset=klingon",
    },
    "10 MB": {"kind": "body", "size": 10_000_000},
    "gzip bomb of 200 MB": {"kind": "body", "gzip_bomb": 200_000_000},
}


@row(
    "F43",
    "200 instead of 201, HTML, wrong charset, 10 MB, gzip bomb",
    "unconfirmed, resolved right; the worker's memory grows by less than 20 MB",
)
def strange_bodies(seed: int) -> str:
    """Against a worker that has sent some actions before, so that it is warm.

    The deadline is longer than elsewhere: Amazon's stand-in needs a while to make its bomb.
    """
    settings = {"CALL_DEADLINE_SECONDS": "5", "LEASE_SECONDS": "20"}
    with Rig(nodes=0, seed=seed, settings=settings) as rig:
        for kind in KINDS:
            rig.queue(10, kind)
        node = rig.add_node(children=1)
        rig.wait_resolved()
        child = node.children()[0]
        before = _peak_memory(child)
        times = 2 * len(KINDS)
        rig.amazon.set_faults(
            [
                {"operation": POST_OF[kind], "when": {"times": 2}, "do": do}
                for kind in KINDS
                for do in STRANGE.values()
            ]
        )
        for kind in KINDS:
            rig.queue(2 * len(STRANGE), kind)
        rig.wait_resolved()
        grown = (_peak_memory(child) - before) / MEBIBYTE
        unclear = sum(one.outcome == "unknown" for one in tries(rig))
        report = rig.check().demand()
        if unclear != times * len(STRANGE):
            raise AssertionError(f"{unclear} of {times * len(STRANGE)} were unconfirmed")
        if grown >= 20:
            raise AssertionError(f"the worker grew by {grown:.1f} MiB")
        return (
            f"{unclear} of {unclear} unconfirmed at first; the worker's peak grew by"
            f" {grown:.1f} MiB; doubles {report.doubles}"
        )


def _peak_memory(pid: int) -> int:
    """The most memory that the process ever held, in bytes. Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not tell")


@row(
    "F34-F43",
    "the faults of these rows met together, each once",
    "each as foretold; 0 delivered twice, 0 lost",
)
def all_together(seed: int) -> str:
    """In one run, with the rig's deadline; messages meet the most telling ones."""
    with Rig(nodes=0, seed=seed, orders=600) as rig:
        return meet_all(rig)


def meet_all(rig: Rig) -> str:
    """The same, in a rig of which no node runs."""
    nowhere = "http://127.0.0.1:9/"
    cases = {
        SOLICITATION: [
            *RESETS,
            *silence("hang", seconds=600),
            *silence("drip", seconds=1),
            *silence("half_status_line"),
            *CUT_BODIES,
            *failing(500),
            *failing(503),
            *TEXTS[SOLICITATION],
            Case("307", {"kind": "redirect", "status": 307, "location": nowhere}),
            *(Case(name, STRANGE[name]) for name in ("HTML", "wrong charset", "10 MB")),
        ],
        MESSAGE: [RESETS[-1], CUT_BODIES[0], failing(500)[-1], TEXTS[MESSAGE][1]],
    }
    assigned: Assigned = {}
    for kind in KINDS:
        assigned |= assign(rig, rig.queue(len(cases[kind]), kind), cases[kind])
    deeds = {action: case.do for action, case in assigned.items()}
    rig.amazon.set_faults(rules_for(rig, deeds))
    rig.add_node()
    rig.wait_resolved()
    met = demand(rig, assigned)
    report = rig.check().demand()
    outcomes = Counter(one.outcome for one in met)
    return (
        f"{len(met)} of {len(met)} as foretold: {outcomes['unknown']} unconfirmed,"
        f" {outcomes['rejected']} refused, {outcomes['accepted']} sent,"
        f" {outcomes['not_sent']} not sent; doubles {report.doubles}, lost {report.lost}"
    )
