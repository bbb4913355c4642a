"""F25 to F27: a PostgreSQL that has no connection left, is full, locked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from tests.faults.kinds import KINDS
from tests.faults.load import first_claim_after, keep_busy, verdict, wait_first
from tests.faults.postgres_rows import PRODUCT
from tests.faults.rig import Rig
from tests.faults.table import row

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


@row(
    "F25",
    "PostgreSQL has no connection left",
    "workers go on by themselves afterwards; no error that looks like data's",
)
def no_connection_left(seed: int) -> str:
    """The rig holds them all for five seconds."""
    with Rig(nodes=2, sellers=4, orders=400, seed=seed) as rig:
        rig.queue(8)
        wait_first(rig)
        with _all_connections(rig) as held:
            rig.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {PRODUCT}")
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
        assert count > met[0], f"{count} deadlocks, and none of them ours"
        return f"{count} deadlocks, {met[0]} of them the rival's; {said}"
