"""F20 to F24: a PostgreSQL that crashes, hangs up, cannot be reached."""

from __future__ import annotations

import itertools
import time
from collections import Counter

from tests.faults.kinds import KINDS, MESSAGE, POST_OF
from tests.faults.load import (
    PATIENT,
    first_claim_after,
    keep_busy,
    percentile,
    times_unconfirmed,
    verdict,
    wait_first,
)
from tests.faults.rig import Rig
from tests.faults.seen import visit
from tests.faults.table import row

AWAY = "The database cannot be reached"
PRODUCT = "application_name = 'solicit-dashboard' AND datname = current_database()"


@row(
    "F20",
    "PostgreSQL restarted (immediate) every 10 s under load, 100 times",
    "0 twice, 0 lost; pages say 503 and why meanwhile, and nothing of that afterwards",
    minutes=18,
)
def restarted(seed: int) -> str:
    """For about seventeen minutes."""
    return restart(100, seed, every=10.0)


@row("F20q", "PostgreSQL restarted (immediate), twice", "0 twice, 0 lost")
def restarted_twice(seed: int) -> str:
    """The same, twice."""
    return restart(2, seed)


def restart(times: int, seed: int, every: float = 0.0) -> str:
    """`pg_ctl restart -m immediate` so many times, at most once in `every` seconds; how long until the
    first claim after it is back."""
    with Rig(nodes=2, sellers=4, orders=max(400, times * 40), seed=seed) as rig:
        return restart_in(rig, times, every)


def restart_in(rig: Rig, times: int, every: float = 0.0) -> str:
    """The same, in a rig with nodes."""
    back: list[float] = []
    pages: Counter[int] = Counter()
    rig.queue(8)
    wait_first(rig)
    assert visit(rig)[0] == 200, "Overview is there"
    for number in range(times):
        begun = time.monotonic()
        rig.queue(12, KINDS[number % 2])
        time.sleep(rig.random.uniform(0.3, 1.5))
        rig.postgres.stop()
        status, words = visit(rig)
        time.sleep(rig.random.uniform(0.0, 1.5))
        rig.postgres.start()
        at = time.time()
        rig.recover()
        assert (status, AWAY in words) == (503, True), f"{status} while it was away: {words}"
        rig.queue(4)
        back.append(first_claim_after(rig, at))
        pages[visit(rig)[0]] += 1
        _keep_loaded(rig, begun + every)
    said = verdict(rig)
    assert pages == {200: times}, f"pages afterwards: {dict(pages)}"
    return (
        f"{times} restarts; first claim after return: median {percentile(back, 50):.1f} s, "
        f"longest {max(back):.1f} s; {times_unconfirmed(rig)} times unconfirmed; Overview {times} "
        f"times 503 with the reason meanwhile, 0 times 5xx afterwards; {said}"
    )


def _keep_loaded(rig: Rig, until: float) -> None:
    """There is always something to send until that moment (of the monotonic clock)."""
    while (left := until - time.monotonic()) > 0:
        if rig.states()["queued"] < 4:
            rig.queue(8, MESSAGE)
        time.sleep(min(0.5, left))


@row("F21", "random connections to PostgreSQL ended", "0 twice, 0 lost; results written again")
def hung_up(seed: int) -> str:
    """`pg_terminate_backend` of one of the product's, every 0.2 s for 25 s, with leases that would last."""
    with Rig(nodes=2, sellers=4, orders=1200, seed=seed, settings=PATIENT) as rig:
        rig.queue(8)
        wait_first(rig)
        ended = 0

        def hang_up() -> None:
            nonlocal ended
            pids = [pid for (pid,) in rig.sql(f"SELECT pid FROM pg_stat_activity WHERE {PRODUCT}")]
            if pids:
                rig.sql("SELECT pg_terminate_backend(%s)", rig.random.choice(pids))
                ended += 1

        keep_busy(rig, 25, each=4, every=0.2, meanwhile=hang_up)
        said = verdict(rig)
        unconfirmed = times_unconfirmed(rig)
        assert ended >= 10, f"only {ended} ended"
        assert unconfirmed == 0, f"{unconfirmed} results were not written again"
        return f"{ended} ended, {unconfirmed} times unconfirmed; {said}"


@row(
    "F22",
    "the database is away for 30 s between POST and result",
    "the result lands, 0 unconfirmed",
)
def away_before_result(seed: int) -> str:
    """With a lease of 60 s."""
    return _away_before_result(30, 60, seed)


@row("F22q", "the database is away for 3 s between POST and result", "0 unconfirmed")
def shortly_away_before_result(seed: int) -> str:
    """With a lease of 20 s."""
    return _away_before_result(3, 20, seed)


def _away_before_result(seconds: float, lease: float, seed: int) -> str:
    settings = {"LEASE_SECONDS": str(lease), "CALL_DEADLINE_SECONDS": "5"}
    slow = [{"operation": POST_OF[kind], "do": {"kind": "latency", "ms": 1500}} for kind in KINDS]
    with Rig(sellers=4, orders=300, seed=seed, proxied=("postgres",), settings=settings) as rig:
        rig.queue(4)
        wait_first(rig)
        rig.amazon.set_faults(slow)
        for kind in KINDS:
            rig.queue(4, kind)
        rig.wait_for(lambda: rig.states()["sending"] >= 4, "sends are under way", every=0.02)
        rig.proxies["postgres"].refuse()
        under_way = rig.states()["sending"]
        time.sleep(seconds)
        rig.amazon.set_faults([])
        assert rig.states()["sending"] >= 4, "nothing could be written"
        rig.proxies["postgres"].pass_on()
        said = verdict(rig)
        unconfirmed = times_unconfirmed(rig)
        assert unconfirmed == 0, f"{unconfirmed} became unconfirmed"
        return f"away {seconds:g} s, {under_way} results saved late, 0 unconfirmed; {said}"


@row(
    "F23",
    "the database is away for longer than the lease",
    "unconfirmed, then put right",
)
def away_past_the_lease(seed: int) -> str:
    """The workers' database is away 6 s with a lease of 3; the sweeper's is not."""
    slow = [{"operation": POST_OF[kind], "do": {"kind": "latency", "ms": 400}} for kind in KINDS]
    with Rig(sellers=4, orders=300, seed=seed, proxied=("postgres",), clock=False) as rig:
        rig.queue(4)
        rig.wait_for(lambda: rig.states()["sent"] >= 3, "three are sent", tick=True)
        rig.amazon.set_faults(slow)
        for kind in KINDS:
            rig.queue(4, kind)
        rig.wait_for(
            lambda: rig.states()["sending"] >= 3, "sends are under way", tick=True, every=0.02
        )
        rig.proxies["postgres"].refuse()
        rig.wait_for(lambda: rig.states()["sending"] == 0, "the leases are over", tick=True)
        unconfirmed = rig.states()["unconfirmed"]
        rig.proxies["postgres"].pass_on()
        assert unconfirmed >= 3, f"only {unconfirmed} are unconfirmed"
        rig.wait_resolved(tick=True)
        report = rig.check().demand()
        late = rig.sql(
            "SELECT count(*) FROM messaging_actionevent"
            " WHERE before = 'unconfirmed' AND after = 'sent'"
        )[0][0]
        return (
            f"{unconfirmed} unconfirmed, {late} of them sent by their late answer; "
            f"{report.doubles} twice, {report.lost} lost"
        )


@row(
    "F24",
    "the connection is cut after COMMIT was sent",
    "0 unconfirmed, no attempt after one that may have left, 0 twice",
    quick=True,
)
def commit_without_an_answer(seed: int) -> str:
    """Twelve times: whatever the driver commits, claims and results and looks as they come."""
    options = {"proxied": ("postgres",), "clock": False, "settings": PATIENT}
    with Rig(sellers=4, orders=600, seed=seed, **options) as rig:  # type: ignore[arg-type, unused-ignore]
        rig.queue(8)
        rig.wait_for(lambda: rig.states()["sent"] >= 3, "three are sent", tick=True)
        proxy = rig.proxies["postgres"]
        proxy.cut_on(b"COMMIT", times=12)
        turns = itertools.count()

        def cuts_are_over() -> bool:
            rig.queue(4, KINDS[next(turns) % 2])
            return proxy.cuts_left == 0

        rig.wait_for(cuts_are_over, "twelve commits were cut", every=0.4, tick=True)
        rig.wait_resolved(tick=True)
        report = rig.check().demand()
        (row,) = rig.sql(
            "SELECT count(*) FROM messaging_actionattempt t WHERE t.outcome <> 'not_sent' AND EXISTS"
            " (SELECT 1 FROM messaging_actionattempt l WHERE l.action_id = t.action_id"
            "  AND l.number > t.number)"
        )
        unconfirmed = times_unconfirmed(rig)
        assert (row[0], unconfirmed) == (0, 0), (
            f"{row[0]} second attempts, {unconfirmed} unconfirmed"
        )
        return (
            f"12 commits, {unconfirmed} times unconfirmed; {report.actions} actions with "
            f"{report.attempts} attempts, {report.doubles} twice, {report.lost} lost"
        )
