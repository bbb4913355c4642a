"""F1 to F13: workers that are killed, stopped, put to sleep, told twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress

from tests.faults.kills import run_kills
from tests.faults.kinds import KINDS
from tests.faults.load import PATIENT, busy_node, keep_busy, times_unconfirmed, verdict, wait_first
from tests.faults.rig import Rig
from tests.faults.table import row


@row(
    "F1",
    "`kill -9` of a random child of a worker every 0.15 to 0.75 s",
    "0 twice, 0 lost, all solicitations resolved",
    minutes=4,
)
def children_killed(seed: int) -> str:
    """200 of them, alone."""
    return _kills(200, seed, node_share=0.0)


@row("F2", "`kill -9` of a whole worker node", "0 twice, 0 lost", minutes=4)
def nodes_killed(seed: int) -> str:
    """30 of them, alone."""
    return _kills(30, seed, node_share=1.0)


def _kills(number: int, seed: int, *, node_share: float) -> str:
    done = run_kills(number, seed, node_share=node_share)
    report = done.report.demand()
    return (
        f"{number} kills, {report.actions} actions, {report.doubles} twice, {report.lost} lost, "
        f"{report.unconfirmed_messages} messages unconfirmed; "
        f"recovery p50 {done.recovery_p50:.1f} s, p99 {done.recovery_p99:.1f} s; "
        f"from kill to kill p50 {done.pause_p50:.2f} s, p95 {done.pause_p95:.2f} s"
    )


@row(
    "F4", "SIGTERM during a POST (deploy), 200 times", "0 unconfirmed, 0 twice, 0 lost", minutes=15
)
def deployed(seed: int) -> str:
    """Two nodes under load are restarted in turn."""
    return deploy(200, seed)


@row("F4q", "SIGTERM during a POST (deploy), twice", "0 unconfirmed, 0 twice, 0 lost")
def deployed_twice(seed: int) -> str:
    """The same, a few times."""
    return deploy(2, seed)


def deploy(times: int, seed: int) -> str:
    """So many restarts of a node by SIGTERM, each with calls under way."""
    # of the sandbox's orders one in twelve may be asked at any moment
    orders = max(400, times * 80)
    with Rig(nodes=2, sellers=4, orders=orders, seed=seed, latency_ms=100, settings=PATIENT) as rig:
        return deploy_in(rig, times)


def deploy_in(rig: Rig, times: int) -> str:
    """The same, in a rig with nodes that has done nothing yet."""
    rig.queue(20)
    wait_first(rig)
    under_way = 0
    for number in range(times):
        rig.queue(16, KINDS[number % 2])
        time.sleep(rig.random.uniform(0.2, 0.8))
        node, sends = busy_node(rig)
        under_way += sends
        node.signal(signal.SIGTERM)
        code = node.wait(30)
        assert code == 0, f"the worker ended with {code}"
        node.start()
    said = verdict(rig)
    unconfirmed = times_unconfirmed(rig)
    assert unconfirmed == 0, f"{unconfirmed} became unconfirmed"
    return f"{times} restarts with {under_way} sends under way, 0 unconfirmed; {said}"


@row("F5", "SIGTERM twice within a second; SIGQUIT", "0 twice, 0 lost; at most unconfirmed")
def stopped_impatiently(seed: int) -> str:
    """Each three times."""
    with Rig(nodes=2, sellers=4, orders=400, seed=seed, latency_ms=100, settings=PATIENT) as rig:
        rig.queue(20)
        wait_first(rig)
        under_way = by_themselves = 0
        for number, signals in enumerate([["SIGTERM"] * 2, ["SIGQUIT"]] * 3):
            rig.queue(16, KINDS[number % 2])
            time.sleep(rig.random.uniform(0.2, 0.8))
            node, sends = busy_node(rig)
            under_way += sends
            for name in signals:
                with suppress(ProcessLookupError):
                    node.signal(signal.Signals[name])
                time.sleep(0.5)
            with suppress(subprocess.TimeoutExpired):
                node.wait(10)
                by_themselves += 1
            node.kill()
            node.start()
        said = verdict(rig, 180)
        return (
            f"3 and 3 times with {under_way} sends under way, {by_themselves} of 6 ended within 10 s;"
            f" {times_unconfirmed(rig)} times unconfirmed; {said}"
        )


@row("F6", "SIGSTOP after the claim for longer than the lease", "no POST after waking")
def stopped_after_claim(seed: int) -> str:
    """Claimed, stopped for 4.5 s with a lease of 3, then woken."""
    return _stopped(seed, "after_claim")


@row(
    "F7",
    "SIGSTOP between the last check and the POST, and right after its last byte",
    "at most one delivery; a 201 that was read is recorded",
)
def stopped_about_the_post(seed: int) -> str:
    """Stopped for 4.5 s with a lease of 3, then woken: before a byte has left, and when all have."""
    before, after = (_stopped(seed, point) for point in ("before_post", "in_post"))
    return f"before: {before}; after: {after}"


def _stopped(seed: int, point: str) -> str:
    with Rig(nodes=0, orders=600, seed=seed) as rig:
        return stop_at(rig, point)


def stop_at(rig: Rig, point: str) -> str:
    """A node whose workers stop there was woken too late, in a rig that has done nothing yet."""
    for kind in KINDS:
        rig.queue(2, kind)
    rig.add_node(children=6, fault=f"{point}:stop")
    # A process that stops takes its other sends with it: they stop when they are woken, too.
    rig.wait_for(lambda: len(_hit(rig)) >= 2, "two are stopped")
    stopped = _hit(rig)  # others may be stopped later, and not for so long
    time.sleep(4.5)
    before = len(rig.posts())

    def woken() -> bool:
        for pid in {line["pid"] for line in rig.faults()}:
            os.kill(pid, signal.SIGCONT)
        return rig.is_resolved()

    rig.wait_for(woken, "all is resolved", every=0.5)
    said = verdict(rig)
    # Only a worker that was stopped lets the sweeper have its attempt, and answers all the same.
    swept = rig.sql(
        "SELECT a.status, a.sent_attempt_id = t.id, t.outcome FROM messaging_actionattempt t"
        " JOIN messaging_outgoingaction a ON a.id = t.action_id WHERE t.abandoned_at IS NOT NULL"
    )
    assert len(swept) >= len(stopped), f"only {len(swept)} leases ran out"
    zombies = len(rig.posts()) - _posts_within_leases(rig)
    if point == "after_claim":
        assert zombies == 0, f"{zombies} POSTs after waking"
    elif point == "in_post":
        assert zombies >= len(stopped), f"only {zombies} POSTs of the stopped"
    late = [(state, is_its) for state, is_its, outcome in swept if outcome == "accepted"]
    assert all(one == ("sent", True) for one in late), f"not recorded: {late}"
    return (
        f"{len(_hit(rig))} stopped, {zombies} POSTs by the stopped ({len(late)} of them answered"
        f" with 201 and recorded), {len(rig.posts()) - before} POSTs after waking; {said}"
    )


def _posts_within_leases(rig: Rig) -> int:
    """How many attempts left that the sweeper never had."""
    (row,) = rig.sql(
        "SELECT count(*) FROM messaging_actionattempt"
        " WHERE abandoned_at IS NULL AND finished_at IS NOT NULL AND outcome <> 'not_sent'"
    )
    return int(row[0])


def _hit(rig: Rig) -> set[int]:
    return {action for line in rig.faults() for action in line["actions"]}


@row("F8", "the machine sleeps for an hour after a claim", "no POST after waking")
def slept(seed: int) -> str:
    """CLOCK_BOOTTIME is an hour on, CLOCK_MONOTONIC is not."""
    with Rig(nodes=1, sellers=2, orders=600, seed=seed, fault="after_claim:suspend") as rig:
        for kind in KINDS:
            rig.queue(2, kind)
        rig.wait_for(lambda: len(_first_outcomes(rig)) == 4, "four claims are over")
        attempts, posts = Counter(_first_outcomes(rig)), len(rig.posts())
        assert (attempts, posts) == ({"not_sent": 4}, 0), f"{attempts}, {posts} POSTs"
        # The rig's database has not slept, and what was put off by the hour would have to wait for it.
        rig.run(_AN_HOUR_LESS)
        return f"4 claims slept through, 0 POSTs by them; {verdict(rig)}"


_AN_HOUR_LESS = """
now = timezone.now()
OutgoingAction.objects.filter(status="queued").update(look_at=now, not_before=now)
"""


def _first_outcomes(rig: Rig) -> list[str]:
    rows = rig.sql(
        "SELECT outcome FROM messaging_actionattempt WHERE number = 1 AND finished_at IS NOT NULL"
    )
    return [str(outcome) for (outcome,) in rows]


@row("F10", "Amazon hangs for ten minutes", "the deadline ends it; Celery kills nobody")
def hung(seed: int) -> str:
    """With the deadline of 0.8 s."""
    faults = [
        {"operation": "*", "when": {"nth": [6, 7, 8]}, "do": {"kind": "hang", "seconds": 600}}
    ]
    with Rig(nodes=1, sellers=2, orders=300, seed=seed) as rig:
        children = set(_children_when_up(rig))
        rig.amazon.set_faults(faults)
        rig.queue(10)
        said = verdict(rig)
        (hangs,) = rig.amazon.faults()["rules"]
        assert hangs["fired"] == 3, f"{hangs['fired']} calls hung"
        gone = children - set(rig.nodes[0].children())
        assert not gone, f"killed: {gone}"
        return f"3 calls hung, 0 children killed; {said}"


def _children_when_up(rig: Rig) -> list[int]:
    rig.queue(4)
    wait_first(rig)
    return rig.nodes[0].children()


@row("F11", "the same task 1,000 times at once", "1 POST for each action")
def hinted_thousandfold(seed: int) -> str:
    """Two shards, five hundred hints for each, at two nodes: half of them before, half after the work."""
    with Rig(nodes=2, sellers=2, orders=600, seed=seed) as rig:
        rig.queue(4)
        wait_first(rig)
        hint = "from messaging.hints import offer_shard\nfor n in range(500): offer_shard(n % 2)"
        rig.run(hint)
        for kind in KINDS:
            rig.queue(4, kind)
        rig.run(hint)
        said = verdict(rig)
        posts = len(rig.posts())
        assert posts == len(rig.actions), f"{posts} POSTs for {len(rig.actions)} actions"
        return f"1,000 hints, {posts} POSTs; {said}"


@row("F13", "visibility timeout of 1 s, tasks of 5 s", "0 twice, 0 lost")
def redelivered(seed: int) -> str:
    """Every hint that waits at a worker for a second is delivered again by Redis."""
    settings = {"RIG_VISIBILITY_SECONDS": "1"}
    with Rig(nodes=2, sellers=4, orders=800, seed=seed, settings=settings) as rig:
        rig.queue(10)
        wait_first(rig)
        hint = "from messaging.hints import offer_shard\nfor n in range(40): offer_shard(n % 2)"
        keep_busy(rig, 15, meanwhile=lambda: rig.run(hint))
        said = verdict(rig)
        posts, sends = len(rig.posts()), rig.check().attempts
        assert posts == sends == len(rig.actions), f"{posts} POSTs, {sends} attempts"
        redelivered = len(list(rig.history.lines("redelivered")))
        assert redelivered, "nothing was delivered again"
        return f"{redelivered} hints delivered again, {posts} POSTs for {len(rig.actions)} actions; {said}"
