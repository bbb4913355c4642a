"""The rig: database, Redis, Amazon and workers as real processes, and the levers to break them.

    with Rig(nodes=2, seed=7, sandbox_faults=[…]) as rig:
        rig.queue(100, SOLICITATION)
        rig.nodes[0].kill()
        rig.nodes[0].start()
        rig.wait_resolved()
        rig.check().demand()

Everything has a free port and a directory of its own, and nothing is left when the block ends.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tests.faults.checker import Report, check
from tests.faults.kinds import MESSAGE, SOLICITATION
from tests.faults.stand import Stand
from tests.faults.telling import RigError

# While one of these is not empty somebody still has something to do.
_MOVING = ("queued", "held", "sending")


class Rig(Stand):
    """A stand with its levers: what can be done to it, seen of it, and waited for."""

    # What can be done

    def queue(
        self,
        number: int,
        kind: str = SOLICITATION,
        accounts: Sequence[int] | None = None,
        *,
        newest: bool = False,
    ) -> list[int]:
        """Up to so many actions more are due now, the accounts in turn; their ids. Reviews for the
        orders whose windows close first, or with `newest` last."""
        if kind == MESSAGE:  # which comes to an end with every shipment
            self.offered[kind] = self.offered_now(kind)
        ids: list[int] = self.run(
            "result = queue(number, kind, accounts, offered, newest=newest)",
            newest=newest,
            number=number,
            kind=kind,
            accounts=list(self.accounts.values()) if accounts is None else list(accounts),
            offered=self.offered[kind],
        )
        self.actions |= dict.fromkeys(ids, kind)
        return ids

    def dispatch(self) -> None:
        """The dispatcher has run once, as the beat would have had it run."""
        self.run("tasks.dispatch()")

    def sweep(self) -> None:
        """The sweeper has run once."""
        self.run("tasks.sweep()")

    # What can be seen

    def states(self) -> Counter[str]:
        """How many actions are in each state."""
        rows = self.sql("SELECT status, count(*) FROM messaging_outgoingaction GROUP BY status")
        return Counter({str(status): int(number) for status, number in rows})

    def faults(self) -> list[dict[str, Any]]:
        """The faults that were met so far, with the actions that met them."""
        return list(self.history.lines("fault"))

    def posts(self) -> list[dict[str, Any]]:
        """The POSTs that Amazon has seen, in the order of their arrival."""
        posts: list[dict[str, Any]] = self.amazon.ledger()["posts"]
        return posts

    def is_resolved(self) -> bool:
        """Whether nothing moves any more, and what is only probable is true. A message that waits
        for an offer which Amazon has withdrawn (the order has shipped) is cancelled."""
        row = self.sql(
            "SELECT count(*) FILTER (WHERE status = ANY(%s)"
            "   OR (status = 'unconfirmed' AND api = 'solicitations')),"
            " count(*) FILTER (WHERE status = 'probably_sent') FROM messaging_outgoingaction",
            list(_MOVING),
        )[0]
        if row[0]:
            self._cancel_withdrawn()
            return False
        if not row[1]:
            return True
        delivered = {post["order_id"] for post in self.posts() if post["accepted"]}
        probable = self.sql(
            "SELECT o.amazon_order_id FROM messaging_outgoingaction a"
            " JOIN orders_order o ON o.id = a.order_id WHERE a.status = 'probably_sent'"
        )
        return all(number in delivered for (number,) in probable)

    def _cancel_withdrawn(self) -> None:
        waiting = self.sql(
            "SELECT a.id, o.amazon_order_id FROM messaging_outgoingaction a"
            " JOIN orders_order o ON o.id = a.order_id"
            f" WHERE a.status = 'queued' AND a.kind = '{MESSAGE}' AND a.reason <> ''"
        )
        if waiting:
            still = set(self.offered_now(MESSAGE))
            gone = [pk for pk, number in waiting if number not in still]
            if gone:
                self.run("cancel(ids)", ids=gone)

    # Waiting

    def wait_for(
        self,
        is_true: Callable[[], bool],
        what: str,
        *,
        seconds: float = 60,
        every: float = 0.1,
        tick: bool = False,
    ) -> None:
        """It is true; RigError when the time is over before. With `tick` the rig itself runs the
        dispatcher and the sweeper meanwhile, for runs without a clock."""
        pause = threading.Event()
        until = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > until:
                raise RigError(f"never happened within {seconds:g} s: {what}\n{self.tell()}")
            if tick:
                self.sweep()
                self.dispatch()
            pause.wait(every)

    def wait_resolved(self, seconds: float = 120, *, tick: bool = False) -> None:
        """Every action has come to its end."""
        self.wait_for(self.is_resolved, "all is resolved", seconds=seconds, every=0.3, tick=tick)

    def check(self) -> Report:
        """What the database, Amazon's ledger and the history say of the run."""
        report = check(self.sql, self.posts(), self.actions, self.history)
        report.throttled = self.amazon.stats()["throttled"]
        report.breaches += self.run("result = ledger_breaches()")
        return report

    def tell(self) -> str:
        """The states, and the last lines of every log, for whoever has to find out why."""
        parts = [str(dict(self.states()))] if hasattr(self, "_ask_connection") else []
        for log in sorted(self.directory.glob("*.log")):
            lines = log.read_text("utf-8", "replace").splitlines()[-8:]
            parts += [f"--- {log.name}", *lines]
        return "\n".join(parts)
