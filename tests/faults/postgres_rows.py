"""F20 to F28: a PostgreSQL that crashes, hangs up, cannot be reached, is full, locked, changed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from tests.faults.load import (
    first_claim_after,
    keep_busy,
    percentile,
    times_unconfirmed,
    verdict,
    wait_first,
)
from tests.faults.rig import KINDS, MESSAGE, POST_OF, SOLICITATION, Rig
from tests.faults.table import row

_PRODUCT = "application_name = 'solicit-dashboard' AND datname = current_database()"
# As it says when there is no room left, at the very statements that claim.
_NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON messaging_actionattempt EXECUTE FUNCTION no_room();
"""
_ROOM = "DROP TRIGGER no_room ON messaging_actionattempt; DROP FUNCTION no_room();"


def _do(rig: Rig, statement: str) -> None:
    with rig.postgres.connect(rig.database) as connection:
        connection.execute(statement)  # type: ignore[arg-type, unused-ignore]


@row("F20", "PostgreSQL restarted (immediate) 20 times under load", "0 twice, 0 lost")
def restarted(seed: int) -> str:
    """Every few seconds."""
    return restart(20, seed)


@row("F20q", "PostgreSQL restarted (immediate), twice", "0 twice, 0 lost", quick=True)
def restarted_twice(seed: int) -> str:
    """The same, twice."""
    return restart(2, seed)


def restart(times: int, seed: int) -> str:
    """`pg_ctl restart -m immediate` so many times; how long until the first claim after it is back."""
    with Rig(nodes=2, sellers=4, orders=max(400, times * 40), seed=seed) as rig:
        back: list[float] = []
        rig.queue(8)
        wait_first(rig)
        for number in range(times):
            rig.queue(12, KINDS[number % 2])
            time.sleep(rig.random.uniform(0.3, 1.5))
            rig.postgres.stop()
            time.sleep(rig.random.uniform(0.0, 1.5))
            rig.postgres.start()
            at = time.time()
            rig.recover()
            rig.queue(4)
            back.append(first_claim_after(rig, at))
        said = verdict(rig)
        return (
            f"{times} restarts; first claim after return: median {percentile(back, 50):.1f} s, "
            f"longest {max(back):.1f} s; {times_unconfirmed(rig)} times unconfirmed; {said}"
        )


@row("F21", "random connections to PostgreSQL ended", "0 twice, 0 lost; results written again")
def hung_up(seed: int) -> str:
    """`pg_terminate_backend` of one of the product's, every 0.2 s, a hundred times."""
    with Rig(nodes=2, sellers=4, orders=1200, seed=seed) as rig:
        rig.queue(8)
        wait_first(rig)
        ended = 0

        def hang_up() -> None:
            nonlocal ended
            pids = [pid for (pid,) in rig.sql(f"SELECT pid FROM pg_stat_activity WHERE {_PRODUCT}")]
            if pids:
                rig.sql("SELECT pg_terminate_backend(%s)", rig.random.choice(pids))
                ended += 1

        keep_busy(rig, 25, each=4, every=0.2, meanwhile=hang_up)
        return f"{ended} ended, {times_unconfirmed(rig)} times unconfirmed; {verdict(rig)}"


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


@row("F24", "the connection is cut after COMMIT was sent", "no second attempt, 0 twice", quick=True)
def commit_without_an_answer(seed: int) -> str:
    """Twelve times: whatever the driver commits, claims and results and looks as they come."""
    with Rig(sellers=4, orders=600, seed=seed, proxied=("postgres",), clock=False) as rig:
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
        return (
            f"12 commits, {times_unconfirmed(rig)} times unconfirmed; {report.actions} actions with "
            f"{report.attempts} attempts, {report.doubles} twice, {report.lost} lost"
        )


@row(
    "F25", "PostgreSQL has no connection left", "workers back off; no error that looks like data's"
)
def no_connection_left(seed: int) -> str:
    """The rig holds them all for five seconds."""
    with Rig(nodes=2, sellers=4, orders=400, seed=seed) as rig:
        rig.queue(8)
        wait_first(rig)
        with _all_connections(rig) as held:
            rig.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_PRODUCT}")
            held.fill()
            time.sleep(5)
        rig.recover()
        rig.queue(8)
        back = first_claim_after(rig, time.time())
        said = verdict(rig)
        wrong = sum(
            word in log.read_text("utf-8", "replace")
            for log in rig.directory.glob("*.log")
            for word in ("IntegrityError", "DataError")
        )
        assert not wrong, "an error that looks like the data's"
        return f"{held.number} held; first claim {back:.1f} s after; {said}"


class _Held:
    def __init__(self, rig: Rig, stack: ExitStack) -> None:
        self._rig, self._stack = rig, stack
        self.number = 0

    def fill(self) -> None:
        """Nobody else can connect."""
        while True:
            try:
                self._stack.enter_context(self._rig.postgres.connect("postgres"))
            except psycopg.OperationalError:
                return
            self.number += 1


@contextmanager
def _all_connections(rig: Rig) -> Iterator[_Held]:
    with ExitStack() as stack:
        held = _Held(rig, stack)
        held.fill()
        yield held


@row(
    "F26",
    "PostgreSQL has no room left (its error at every claim)",
    "no POST without a claim",
)
def no_room_left(seed: int) -> str:
    """For three seconds."""
    with Rig(sellers=4, orders=400, seed=seed) as rig:
        rig.queue(4)
        wait_first(rig)
        rig.wait_resolved()
        _do(rig, _NO_ROOM)
        before = len(rig.posts())
        for kind in KINDS:
            rig.queue(6, kind)
        time.sleep(3)
        without = len(rig.posts()) - before
        assert without == 0, f"{without} POSTs"
        _do(rig, _ROOM)
        return f"12 waited 3 s, 0 POSTs without a claim; {verdict(rig)}"


@row("F27", "deadlocks with another that locks the rows in the opposite order", "0 twice, 0 lost")
def deadlocks(seed: int) -> str:
    """For fifteen seconds under load."""
    with Rig(nodes=2, sellers=4, orders=800, seed=seed, rate_factor=50) as rig:
        rig.queue(8)
        wait_first(rig)

        def rival() -> None:
            rows = rig.sql(
                "SELECT id FROM messaging_outgoingaction WHERE status IN ('queued', 'sending')"
                " ORDER BY id DESC LIMIT 6"
            )
            with (
                rig.postgres.connect(rig.database) as connection,
                connection.transaction(),
            ):
                for (pk,) in rows:
                    connection.execute(
                        "SELECT 1 FROM messaging_outgoingaction WHERE id = %s FOR UPDATE", [pk]
                    )
                    time.sleep(0.02)

        met = [0]

        def often() -> None:
            for _ in range(3):
                try:
                    rival()
                except psycopg.errors.DeadlockDetected:
                    met[0] += 1

        keep_busy(rig, 15, each=12, every=0.05, meanwhile=often)
        said = verdict(rig)
        (count,) = rig.sql(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )[0]
        return f"{count} deadlocks, {met[0]} of them the rival's; {said}"


@row("F28", "the tables change while workers run", "0 twice, 0 lost")
def changed_under_way(seed: int) -> str:
    """An added column, as a newer version would, and its lock held for two seconds."""
    with Rig(nodes=2, sellers=4, orders=400, seed=seed, settings={"LEASE_SECONDS": "30"}) as rig:
        rig.queue(8)
        wait_first(rig)
        rig.queue(10, MESSAGE)
        with (
            rig.postgres.connect(rig.database) as connection,
            connection.transaction(),
        ):
            for table in ("messaging_outgoingaction", "messaging_actionattempt"):
                connection.execute(
                    f"ALTER TABLE {table} ADD COLUMN of_the_next_version int NOT NULL DEFAULT 0"  # type: ignore[arg-type, unused-ignore]
                )
            time.sleep(2)
        rig.queue(10, SOLICITATION)
        return f"two tables changed, locked for 2 s; {verdict(rig)}"
