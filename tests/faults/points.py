"""F3: a worker's child is killed at each point of the one send procedure, for each kind.

One shard for each point, one action at a time in each, and no sweeper until every hit has happened: so
that no action is a victim of the kill that another one met.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.checker import Report
from tests.faults.kinds import ALL_KINDS, INVOICE, LETTER, MESSAGE, SOLICITATION, letter_of
from tests.faults.procedure import POINTS, UPLOAD_POINTS
from tests.faults.rig import Rig

# So that no claim is given up because the machine is slow: a call may begin 5 s after its claim.
_PATIENT = {"LEASE_SECONDS": "18", "CALL_DEADLINE_SECONDS": "3"}
# Whatever is being sent was the work of the dead: as if their leases were over.
_LEASES_OVER = """
OutgoingAction.objects.filter(status="sending").update(lease_until=timezone.now())
"""
# Those at which a kind can be hit, and the shard of each.
POINTS_OF = {
    SOLICITATION: POINTS,
    MESSAGE: POINTS,
    INVOICE: (*UPLOAD_POINTS, *POINTS),
}
SHARDS = {point: shard for shard, point in enumerate((*POINTS, *UPLOAD_POINTS))}
# Finished by its own worker, as not sent.
_STAYED = "t.outcome = 'not_sent' AND t.finished_at IS NOT NULL AND t.abandoned_at IS NULL"


@dataclass(frozen=True)
class State:
    """What became of an action: its state when the worker was dead, its state in the end, the attempts
    of it that there are then (but for those that are known to have stayed at home), and how often
    Amazon got it."""

    after_kill: str
    in_the_end: str
    attempts: int
    delivered: int

    def __str__(self) -> str:
        tries = f"{self.attempts} attempt{'s' if self.attempts != 1 else ''}"
        return (
            f"{self.after_kill}, then {self.in_the_end} ({tries}, delivered {self.delivered} times)"
        )


# Nothing was claimed: as if nothing had been. Claimed and not sent: unconfirmed, and for a solicitation
# Amazon's list tells that it did not happen. Sent, and the answer lost: unconfirmed, and for a
# solicitation Amazon's list makes it probable. Nobody can ask what became of a message.
_NOTHING = State("queued", "sent", 1, 1)
_SENT = State("sent", "sent", 1, 1)
PREDICTED: dict[tuple[str, str], State] = {
    **{(INVOICE, point): _NOTHING for point in UPLOAD_POINTS},
    **{(kind, point): _NOTHING for kind in ALL_KINDS for point in POINTS[:2]},
    **{(SOLICITATION, point): State("sending", "sent", 2, 1) for point in POINTS[2:4]},
    **{(SOLICITATION, point): State("sending", "probably_sent", 1, 1) for point in POINTS[4:7]},
    **{
        (kind, point): State("sending", "unconfirmed", 1, delivered)
        for kind in (MESSAGE, INVOICE)
        for points, delivered in ((POINTS[2:4], 0), (POINTS[4:7], 1))
        for point in points
    },
    **{(kind, POINTS[7]): _SENT for kind in ALL_KINDS},
}


@dataclass(frozen=True)
class Line:
    """One line of the table: a point, a kind, and how many hits ended how."""

    kind: str
    point: str
    predicted: State
    seen: Counter[State]

    @property
    def as_predicted(self) -> int:
        """How many hits ended as they should."""
        return self.seen[self.predicted]


@dataclass(frozen=True)
class Points:
    """The table, and what the checker says of the run as a whole. `stayed` counts the attempts that
    never left and were made again, by their reason: on a machine that stands still for a second a
    driver loses its lease, which is no fault of this table and may come before one."""

    each: int
    lines: list[Line]
    report: Report
    stayed: dict[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every hit happened and ended as predicted, and nothing was broken."""
        return not self.report.breaches and all(
            line.seen == Counter({line.predicted: self.each}) for line in self.lines
        )


def run_points(
    each: int,
    seed: int,
    kinds: Sequence[str] = ALL_KINDS,
    say: Callable[[str], None] = lambda _line: None,
) -> Points:
    """Every point was hit that often for every kind, and everything is resolved."""
    # The accounts have the ids 1 to 10, and account n is driven in shard n mod 10.
    fault = ",".join(f"{point}:kill@{shard}" for point, shard in SHARDS.items())
    with Rig(
        nodes=1,
        children=len(SHARDS),
        shards=len(SHARDS),
        sellers=len(SHARDS),
        orders=600 + 8 * each,
        seed=seed,
        clock=False,
        fault=fault,
        settings=_PATIENT | {"RIG_DAILY_SECONDS": "30"},
    ) as rig:
        run = _Run(rig)
        for kind in kinds:
            for number in range(each):
                run.round(kind)
                say(f"{kind}: {number + 1} of {each} hits at each point")
        rig.run(_LEASES_OVER)
        rig.wait_resolved(120, tick=True)
        return Points(each, run.lines(kinds), rig.check(), run.stayed())


class _Run:
    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.hits: dict[int, tuple[str, str, str]] = {}  # kind, point, state after the kill

    def round(self, kind: str) -> None:
        """One action of each account has met its fault, and those that nothing holds have gone."""
        rig = self.rig
        shards = {SHARDS[point] for point in POINTS_OF[kind]}
        accounts = [pk for pk in rig.accounts.values() if pk % len(SHARDS) in shards]
        queued = set(rig.queue(len(accounts), kind, accounts))

        def all_hit() -> bool:
            rig.dispatch()
            return queued <= {action for fault in rig.faults() for action in fault["actions"]}

        rig.wait_for(all_hit, "every action met its fault", every=0.3, seconds=180)
        for fault in rig.faults():
            for action in set(fault["actions"]) & queued:
                self.hits[action] = (kind, fault["point"], self._state_at(action, fault["at"]))
        free = [pk for pk in queued if self.hits[pk][2] == "queued"]

        def all_gone() -> bool:
            rig.dispatch()
            rows = rig.sql("SELECT status FROM messaging_outgoingaction WHERE id = ANY(%s)", free)
            return all(status == "sent" for (status,) in rows)

        rig.wait_for(all_gone, "what was not claimed is sent", every=0.3, seconds=180)

    def _state_at(self, action: int, moment: float) -> str:
        """The state in the database at that moment (seconds since 1970), by the action's events."""
        rows = self.rig.sql(
            "SELECT after FROM messaging_actionevent WHERE action_id = %s AND at <= to_timestamp(%s)"
            " ORDER BY id DESC LIMIT 1",
            action,
            moment,
        )
        return str(rows[0][0]) if rows else "queued"

    def lines(self, kinds: Sequence[str]) -> list[Line]:
        """The table of what was seen."""
        rig = self.rig
        delivered = Counter(
            (post["order_id"], letter_of(post)) for post in rig.posts() if post["accepted"]
        )
        rows = rig.sql(
            f"SELECT a.id, a.status, o.amazon_order_id, {LETTER},"
            f" (SELECT count(*) FROM messaging_actionattempt t"
            f"  WHERE t.action_id = a.id AND NOT ({_STAYED}))"
            " FROM messaging_outgoingaction a JOIN orders_order o ON o.id = a.order_id"
        )
        seen: dict[tuple[str, str], Counter[State]] = {key: Counter() for key in PREDICTED}
        for pk, status, number, text, attempts in rows:
            kind, point, after_kill = self.hits[pk]
            state = State(after_kill, status, attempts, delivered[number, text])
            seen[kind, point][state] += 1
        return [
            Line(kind, point, PREDICTED[kind, point], seen[kind, point])
            for kind in kinds
            for point in POINTS_OF[kind]
        ]

    def stayed(self) -> dict[str, int]:
        """How many attempts are known to have stayed at home, by the reason."""
        rows = self.rig.sql(
            f"SELECT t.message, count(*) FROM messaging_actionattempt t WHERE {_STAYED} GROUP BY 1"
        )
        return {str(reason): int(number) for reason, number in rows}
