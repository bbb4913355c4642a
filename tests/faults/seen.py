"""What the rows on Amazon's side ask of the database and the pages, and faults given out by order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from itertools import cycle
from typing import Any

from tests.faults.kinds import KINDS, POST_OF, SOLICITATION
from tests.faults.rig import Rig


@dataclass(frozen=True)
class Try:
    """One finished or open attempt."""

    action: int
    kind: str
    seller: str
    order: str
    number: int
    outcome: str
    status: int | None
    message: str
    seconds: float
    claimed_at: datetime


@dataclass(frozen=True)
class Case:
    """What goes wrong with a first POST, and what must come of it.

    `outcome` of the attempt, the state right `after` it, and how the action ends: a solicitation
    and a message. None: nothing is demanded.
    """

    name: str
    do: dict[str, Any] = field(hash=False)
    outcome: str = "unknown"
    after: str = "unconfirmed"
    solicitation: str | None = "sent"
    message: str | None = "unconfirmed"

    def end(self, kind: str) -> str | None:
        """How an action of that kind ends."""
        return self.solicitation if kind == SOLICITATION else self.message


Assigned = dict[int, Case]


def tries(rig: Rig) -> list[Try]:
    """All attempts, oldest first."""
    rows = rig.sql(
        "SELECT t.action_id, a.kind, s.selling_partner_id, o.amazon_order_id, t.number,"
        " t.outcome, t.status_code, t.message, coalesce(t.duration_ms, 0) / 1000.0, t.claimed_at"
        " FROM messaging_actionattempt t JOIN messaging_outgoingaction a ON a.id = t.action_id"
        " JOIN orders_order o ON o.id = a.order_id"
        " JOIN sellers_selleraccount s ON s.id = a.account_id ORDER BY t.id"
    )
    return [Try(*row[:8], float(row[8]), row[9]) for row in rows]


def steps(rig: Rig) -> dict[int, list[tuple[str, str]]]:
    """By action, from which state to which it went."""
    found: dict[int, list[tuple[str, str]]] = {}
    for action, before, after in rig.sql(
        "SELECT action_id, before, after FROM messaging_actionevent ORDER BY id"
    ):
        found.setdefault(action, []).append((before, after))
    return found


def states(rig: Rig) -> dict[int, str]:
    """By action, the state in which it is."""
    return dict(rig.sql("SELECT id, status FROM messaging_outgoingaction"))  # type: ignore[arg-type, unused-ignore]


def orders(rig: Rig) -> dict[int, tuple[str, str]]:
    """By action, its seller and its order's number."""
    rows = rig.sql(
        "SELECT a.id, s.selling_partner_id, o.amazon_order_id FROM messaging_outgoingaction a"
        " JOIN orders_order o ON o.id = a.order_id"
        " JOIN sellers_selleraccount s ON s.id = a.account_id"
    )
    return {action: (seller, number) for action, seller, number in rows}


def assign(rig: Rig, ids: Sequence[int], cases: Sequence[Case]) -> Assigned:
    """Each of these actions has its case; messages to one buyer have the same one."""
    places = orders(rig)
    by_order: dict[str, list[int]] = {}
    for action in ids:
        by_order.setdefault(places[action][1], []).append(action)
    if len(by_order) < len(cases):
        raise AssertionError(f"{len(by_order)} orders cannot meet {len(cases)} faults")
    pairs = zip(by_order.values(), cycle(cases), strict=False)
    return {action: case for actions, case in pairs for action in actions}


def rules_for(rig: Rig, deeds: Mapping[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules by which the first POST of each of these actions meets its deed."""
    places = orders(rig)
    by_order: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for action, do in deeds.items():
        by_order.setdefault((POST_OF[rig.actions[action]], places[action][1]), []).append(do)
    return [
        {"operation": operation, "order": order, "when": {"times": len(same)}, "do": same[0]}
        for (operation, order), same in by_order.items()
    ]


def give_out(
    rig: Rig, cases: Sequence[Case], *, each: int | Mapping[str, int], kinds: Sequence[str] = KINDS
) -> Assigned:
    """Actions are queued, and the first POST of each meets its case; to be called without workers."""
    assigned: Assigned = {}
    for kind in kinds:
        number = (each if isinstance(each, int) else each[kind]) * len(cases)
        ids = rig.queue(number, kind)
        if len(ids) < number:
            raise AssertionError(f"only {len(ids)} orders for {number} faults")
        assigned |= assign(rig, ids, cases)
    rig.amazon.set_faults(rules_for(rig, {action: case.do for action, case in assigned.items()}))
    return assigned


def demand(rig: Rig, assigned: Assigned) -> list[Try]:
    """Every action has gone the way that its case foretold; the attempts that met their cases.

    An attempt before that may have stayed at home (a lease, a token): it has met nothing.
    """
    tried: dict[int, list[Try]] = {}
    for one in tries(rig):
        tried.setdefault(one.action, []).append(one)
    ends, went = states(rig), steps(rig)
    wrong, met = [], []
    for action, case in assigned.items():
        sent = [to for before, to in went.get(action, ()) if before == "sending"]
        pairs = zip(tried.get(action, ()), sent, strict=False)
        left = [
            pair for pair in pairs if case.outcome == "not_sent" or pair[0].outcome != "not_sent"
        ]
        outcome, after = (left[0][0].outcome, left[0][1]) if left else ("never tried", "nothing")
        end = case.end(rig.actions[action])
        if outcome != case.outcome or after != case.after or end not in (None, ends[action]):
            wrong.append(
                f"{case.name} ({rig.actions[action]}): {outcome}, then {after}, at last "
                f"{ends[action]}; foretold {case.outcome}, {case.after}, {end}"
            )
        met += [pair[0] for pair in left[:1]]
    if wrong:
        raise AssertionError("\n".join(wrong))
    return met


@contextmanager
def lesson(
    cases: Sequence[Case],
    *,
    each: int | Mapping[str, int] = 1,
    kinds: Sequence[str] = KINDS,
    **options: Any,
) -> Iterator[tuple[Rig, Assigned]]:
    """A rig in which each case is met by so many actions of each kind, with a node to meet them."""
    # of few orders, too few would be ones that Amazon offers messages for
    with Rig(nodes=0, **{"orders": 600, **options}) as rig:
        assigned = give_out(rig, cases, each=each, kinds=kinds)
        rig.add_node()
        yield rig, assigned


def visit(rig: Rig) -> tuple[int, str]:
    """Overview's status code and words, for somebody who has logged in and may see all accounts."""
    status, page = rig.run("result = visit()")
    return status, _words(page)


def notices(rig: Rig) -> list[tuple[str, str]]:
    """Tone and words of every notice on Overview, for somebody who may see all accounts."""
    status, page = rig.run("result = visit()")
    if status != 200:
        raise AssertionError(f"Overview answers {status}")
    found = re.findall(r'<(p|section)[^>]*class="notice (\w+)[^>]*>(.*?)</\1>', page, re.DOTALL)
    return [(tone, _words(text)) for _, tone, text in found]


def _words(page: str) -> str:
    return unescape(re.sub(r"(<[^>]*>|\s)+", " ", page)).strip()


def alarms(rig: Rig) -> list[str]:
    """The words of every notice on Overview that is there to alarm."""
    return [text for tone, text in notices(rig) if tone == "bad"]


def let_in(rig: Rig, sellers: Iterable[str]) -> None:
    """What shut these sellers out is mended, somebody says so, and all that was held is sent."""
    rig.amazon.set_faults([])
    for seller in sellers:
        rig.run(
            """
from sellers.services import try_again
try_again(SellerAccount.objects.get(pk=pk), User.objects.get(username="rig"))
""",
            pk=rig.accounts[seller],
        )
    rig.wait_resolved()
