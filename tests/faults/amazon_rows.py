"""F31-F38: the way to Amazon is shut, cut, silent or slow.

The first POST of each order meets its fault, the looks before it do not: they run over connections
that stand, while each POST opens one of its own.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from tests.faults.kinds import KINDS
from tests.faults.node import Node
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig
from tests.faults.seen import Case, Try, demand, lesson, tries
from tests.faults.table import row

# How long no new connection comes through. A call's deadline is 0.8 s in the rig, a try comes
# again after 0.3 s (30 s in the product).
SHUT_SECONDS = 2.5
TRIED_AGAIN_AFTER = 0.3
# For rows in which no call may end at its deadline, and the connect timeout is the product's.
_PATIENT = {"CALL_DEADLINE_SECONDS": "8", "LEASE_SECONDS": "30"}
REAL_DEADLINE = {"CALL_DEADLINE_SECONDS": "45", "LEASE_SECONDS": "180"}
BAD_DNS = Path(__file__).parent / "bad_dns"


@row("F31", "Amazon refuses connections", "not sent, none ambiguous; all sent afterwards")
def connections_are_refused(seed: int) -> str:
    """The port is closed between look and POST."""
    with Rig(nodes=0, seed=seed, proxied=["amazon"], settings=_PATIENT) as rig:
        _queue(rig)
        node = rig.add_node()
        _wait_for_posts(rig)
        proxy = rig.proxies["amazon"]
        with _frozen(node):
            proxy.refuse_new()
        time.sleep(SHUT_SECONDS)
        proxy.pass_on()
        return _never_left(rig)


@row("F32", "Amazon's name is not found", "not sent, none ambiguous; all sent afterwards")
def the_name_is_not_found(seed: int) -> str:
    """`localhost` stands for Amazon's host; the node's resolver loses it between look and POST."""
    with Rig(nodes=0, seed=seed, settings=_PATIENT) as rig:
        address = urlsplit(rig.amazon.url)
        by_name = f"http://localhost:{address.port}"
        lost = rig.directory / "name-is-lost"
        python_path = f"{BAD_DNS}:{rig.environment['PYTHONPATH']}"
        _queue(rig)
        rig.add_node(
            SPAPI_ENDPOINT=by_name,
            LWA_ENDPOINT=by_name,
            PYTHONPATH=python_path,
            NAME_IS_LOST=str(lost),
        )
        _wait_for_posts(rig)
        lost.touch()
        time.sleep(SHUT_SECONDS)
        lost.unlink()
        return _never_left(rig, "dns")


@row("F33", "Amazon answers no SYN", "the connection times out: not sent; all sent afterwards")
def nobody_accepts(seed: int) -> str:
    """A listener whose queue is full drops every SYN; the connect timeout is the product's, 5 s."""
    with Rig(nodes=0, seed=seed, proxied=["amazon"], settings=_PATIENT) as rig:
        _queue(rig)
        node = rig.add_node()
        _wait_for_posts(rig)
        proxy = rig.proxies["amazon"]
        with ExitStack() as hole:
            with _frozen(node):
                proxy.refuse_new()
                hole.enter_context(_black_hole(proxy))
            time.sleep(7.0)
        proxy.pass_on()
        figure = _never_left(rig, "connect_timeout")
        waited = [one.seconds for one in tries(rig) if one.outcome == "not_sent"]
        if not all(4.9 <= seconds <= 7 for seconds in waited):
            raise AssertionError(f"connecting took {waited} s, not 5")
        return f"{figure}; connect timeout {max(waited):.2f} s"


RESETS = [
    Case("reset before reading", {"kind": "reset", "at": "before_read"}),
    Case("reset after reading", {"kind": "reset", "at": "after_read"}),
    Case(
        "reset after accepting",
        {"kind": "reset", "at": "after_accept"},
        solicitation="probably_sent",
    ),
]


@row("F34", "reset before and after Amazon reads", "all unconfirmed, each resolved right")
def resets(seed: int) -> str:
    """RST by SO_LINGER 0, at three moments, for both kinds."""
    return _one_of_each(RESETS, seed, each=5)


def silence(kind: str, **do: float) -> list[Case]:
    """Amazon does it, or does not, and then says nothing (or very little)."""
    return [
        Case(f"{kind}, not done", {"kind": kind, "accept_first": False, **do}),
        Case(
            f"{kind}, done",
            {"kind": kind, "accept_first": True, **do},
            solicitation="probably_sent",
        ),
    ]


@row("F35", "Amazon reads and never answers", "cut at the deadline (45 s, and 0.8 s), unconfirmed")
def no_answer(seed: int) -> str:
    """Once with the product's deadline, once with the rig's."""
    real = _deadline(silence("hang", seconds=600), seed, 45.0)
    return f"45 s: {real}; 0.8 s: {_deadline(silence('hang', seconds=600), seed, 0.8)}"


@row("F36", "Amazon answers a byte a second", "cut at the deadline (45 s, and 0.8 s)")
def drip(seed: int) -> str:
    """In 45 s the status line comes whole, so that 201 is 201; in 0.8 s nothing does."""
    refused, accepted = silence("drip", seconds=1)
    whole = Case("201, then slowly", accepted.do, "accepted", "sent", "sent", "sent")
    real = _deadline([refused, whole], seed, 45.0)
    return f"45 s: {real}; 0.8 s: {_deadline([refused, accepted], seed, 0.8)}"


CUT_BODIES = [
    Case(how, {"kind": "cut_body", "how": how}, "accepted", "sent", "sent", "sent")
    for how in ("length", "chunked")
]


@row("F37", "201 and then a cut body", "sent")
def cut_bodies(seed: int) -> str:
    """By Content-Length and chunked, for both kinds."""
    return _one_of_each(CUT_BODIES, seed, each=5)


@row("F38", "half a status line", "unconfirmed, each resolved right")
def half_a_status_line(seed: int) -> str:
    """`HTTP/1.1 20`, whether Amazon did it or not."""
    return _one_of_each(silence("half_status_line"), seed, each=5)


def _one_of_each(cases: Sequence[Case], seed: int, *, each: int) -> str:
    with lesson(cases, each=each, seed=seed) as (rig, assigned):
        rig.wait_resolved()
        met = demand(rig, assigned)
        report = rig.check().demand()
        unclear = sum(one.outcome == "unknown" for one in met)
        return (
            f"{len(met)} of {len(met)} as foretold ({unclear} unconfirmed at first);"
            f" doubles {report.doubles}"
        )


def _deadline(cases: Sequence[Case], seed: int, seconds: float) -> str:
    settings = REAL_DEADLINE if seconds == 45 else {}
    with lesson(cases, each=2, seed=seed, settings=settings) as (rig, assigned):
        rig.wait_resolved()
        took = [one.seconds for one in demand(rig, assigned)]
        report = rig.check().demand()
        lasted = [_first_try_lasted(rig, action) for action in assigned]
    # by the rig's own clock, too: it has to wait for its turn before, and to be written down after
    if not all(seconds - 0.05 <= one <= seconds + 3 for one in lasted):
        raise AssertionError(f"from claim to result it took {sorted(lasted)} s")
    if not all(seconds - 0.05 <= one <= seconds + 1 for one in took):
        raise AssertionError(f"the deadline of {seconds} s came after {sorted(took)} s")
    return f"{min(took):.2f}-{max(took):.2f} s in {len(took)} calls, doubles {report.doubles}"


def _first_try_lasted(rig: Rig, action: int) -> float:
    """Seconds from the first claim of the action to its first result, by the history."""
    claimed, written = (
        next(line["at"] for line in rig.history.lines(event) if action in line["actions"])
        for event in ("claim", "result")
    )
    return float(written - claimed)


# The way that is shut


def _queue(rig: Rig, number: int = 30) -> None:
    for kind in KINDS:
        rig.queue(number, kind)


@contextmanager
def _frozen(node: Node) -> Iterator[None]:
    """The node stands still (SIGSTOP), and none of its connections is half made."""
    os.killpg(node.pid, signal.SIGSTOP)
    try:
        time.sleep(0.2)
        yield
    finally:
        os.killpg(node.pid, signal.SIGCONT)


def _wait_for_posts(rig: Rig) -> None:
    rig.wait_for(lambda: len(rig.posts()) >= 4, "the first POSTs", every=0.02)


def _never_left(rig: Rig, reason: str = "refused") -> str:
    """All is sent at last; what did not leave is known not to have left."""
    rig.wait_resolved()
    report = rig.check().demand()
    tried = tries(rig)
    unsent = [one for one in tried if one.outcome == "not_sent"]
    unclear = [one for one in tried if one.outcome == "unknown"]
    if unclear:
        raise AssertionError(f"{len(unclear)} attempts are ambiguous: {unclear[0]}")
    if report.states != {"sent": report.actions} or report.posts != report.actions:
        raise AssertionError(f"not all was sent, each by one POST: {report}")
    if not unsent or not all(reason in one.message for one in unsent):
        raise AssertionError(f"no attempt failed for the reason “{reason}”: {unsent[:3]}")
    gaps = _gaps(tried)
    if min(gaps) < TRIED_AGAIN_AFTER:
        raise AssertionError(f"tried again after {min(gaps):.2f} s")
    return (
        f"{len(unsent)} attempts not sent, 0 ambiguous; {report.actions} of {report.actions} sent;"
        f" from try to try {min(gaps):.2f}-{max(gaps):.2f} s, median {median(gaps):.2f} s"
    )


def _gaps(tried: Sequence[Try]) -> list[float]:
    """Seconds from an attempt that did not leave to the next one of the same action."""
    by_action: dict[int, list[Try]] = {}
    for one in tried:
        by_action.setdefault(one.action, []).append(one)
    return [
        (later.claimed_at - sooner.claimed_at).total_seconds()
        for attempts in by_action.values()
        for sooner, later in pairwise(attempts)
    ]


@contextmanager
def _black_hole(proxy: Proxy) -> Iterator[None]:
    """At the proxy's port somebody listens who never accepts, and whose queue is full."""
    port = urlsplit(proxy.url).port
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        time.sleep(0.1)
        yield
