"""F39-F41: Amazon answers with an error, and has done it or not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.faults.kinds import KINDS, LIST_OF, MESSAGE, POST_OF, SOLICITATION
from tests.faults.load import PATIENT
from tests.faults.rig import Rig
from tests.faults.seen import (
    Assigned,
    Case,
    alarms,
    assign,
    demand,
    lesson,
    let_in,
    rules_for,
    states,
)
from tests.faults.table import row

THROTTLED_SECONDS = 300


def failing(status: int) -> list[Case]:
    """Amazon says that it failed, which is true once and once not."""
    return [
        Case(f"{status} before accepting", {"kind": "status", "status": status}),
        Case(
            f"{status} after accepting",
            {"kind": "status", "status": status, "accept_first": True},
            solicitation="probably_sent",
        ),
    ]


@row(
    "F39",
    "500 and 503, before and after accepting",
    "200 of 200 solicitations resolved right; messages unconfirmed",
)
def server_errors(seed: int) -> str:
    """Two hundred solicitations, half of them delivered, and forty messages."""
    cases, each = failing(500) + failing(503), {SOLICITATION: 50, MESSAGE: 10}
    with lesson(cases, each=each, seed=seed, sellers=4, orders=700) as (rig, assigned):
        rig.wait_resolved()
        demand(rig, assigned)
        report = rig.check().demand()
        right = sum(rig.actions[action] == SOLICITATION for action in assigned)
        return (
            f"{right} of {right} solicitations right, wrong conclusions 0;"
            f" {report.unconfirmed_messages} messages unconfirmed; doubles {report.doubles}"
        )


@row(
    "F40",
    f"429 with and without the limit's header, {THROTTLED_SECONDS // 60} min long",
    "0 lost; at most one request a second for each account and operation from then on",
    minutes=6,
)
def throttled(seed: int) -> str:
    """At Amazon's own rates. One seller's 429 names the limit, the other's does not."""
    with Rig(nodes=0, seed=seed, rate_factor=1.0, settings=PATIENT) as rig:
        for kind in KINDS:
            rig.queue(16, kind)
        named, unnamed = rig.accounts
        limit = {"headers": {"x-amzn-RateLimit-Limit": "1.0"}}
        span: dict[str, Any] = {"until_s": THROTTLED_SECONDS}
        rules = []
        for kind in KINDS:
            for seller, more in ((named, limit), (unnamed, {})):
                do = {"kind": "status", "status": 429, **more}
                rules.append({"operation": POST_OF[kind], "seller": seller, "when": span, "do": do})
                rare = span | {"share": 0.3}
                rules.append({"operation": LIST_OF[kind], "seller": seller, "when": rare, "do": do})
        rig.amazon.set_faults(rules)
        rig.add_node()
        rig.wait_resolved(THROTTLED_SECONDS + 120)
        report = rig.check().demand()
        if report.states != {"sent": report.actions}:
            raise AssertionError(f"not all was sent: {report.states}")
        refused = sum(post["status"] == 429 for post in rig.posts())
        ours = sum(post["status"] == 429 and post["fault"] is None for post in rig.posts())
        waited, rate = _pace_after_429(rig)
        if refused < 10 or ours or waited < 0.95 or rate > 1.02:
            raise AssertionError(
                f"{refused} POSTs met 429, {ours} of them Amazon's own; the next one {waited:.3f} s"
                f" later; {rate:.3f} a second since one of them"
            )
        return (
            f"{refused} POSTs met 429, {report.actions} of {report.actions} sent, lost 0; once a 429"
            f" was known the next POST came at the earliest {waited:.2f} s after it, and since any of"
            f" them at most {rate:.2f} POSTs a second for each account and operation"
        )


@dataclass(frozen=True)
class _Post:
    """A POST: when it was claimed, when Amazon got it, when its answer was written down."""

    claimed_at: float
    at: float
    heard_at: float
    is_429: bool


def _pace_after_429(rig: Rig) -> tuple[float, float]:
    """The least seconds from a 429 to the next POST of its seller and operation that was claimed when
    that 429 was known; the most of these POSTs a second, counted from every 429.

    Those that had left before it was known do not count: what a bucket holds may leave at once.
    """
    waits, rates = [], []
    for posts in _posts_by_lane(rig).values():
        for refused in posts:
            if refused.is_429:
                later = sorted(one.at for one in posts if one.claimed_at > refused.heard_at)
                waits += [at - refused.at for at in later[:1]]
                rates += [number / (at - refused.at) for number, at in enumerate(later, start=1)]
    return min(waits), max(rates)


def _posts_by_lane(rig: Rig) -> dict[tuple[str, str], list[_Post]]:
    """The POSTs of each seller and kind, each with its attempt."""
    kinds = {operation: kind for kind, operation in POST_OF.items()}
    arrived: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for post in rig.posts():
        place = (post["seller"], kinds[post["operation"]], post["order_id"], post.get("text", ""))
        arrived[place].append(post)
    lanes: dict[tuple[str, str], list[_Post]] = defaultdict(list)
    for *place, claimed_at, heard_at, status in rig.sql(
        "SELECT s.selling_partner_id, a.kind, o.amazon_order_id, coalesce(a.payload->>'text', ''),"
        " t.claimed_at, t.finished_at, t.status_code FROM messaging_actionattempt t"
        " JOIN messaging_outgoingaction a ON a.id = t.action_id"
        " JOIN orders_order o ON o.id = a.order_id"
        " JOIN sellers_selleraccount s ON s.id = a.account_id"
        " WHERE t.status_code IS NOT NULL ORDER BY t.id"
    ):
        post = arrived[tuple(place)].pop(0)
        if post["status"] != status:
            raise AssertionError(f"Amazon answered {post['status']}, the attempt says {status}")
        at = datetime.fromisoformat(post["at"]).timestamp()
        one = _Post(claimed_at.timestamp(), at, heard_at.timestamp(), status == 429)
        lanes[place[0], place[1]].append(one)
    if left := sum(map(len, arrived.values())):
        raise AssertionError(f"{left} POSTs have no attempt")
    return lanes


_DENIED = "Access to requested resource is denied."
_EXPIRED = "The access token you provided has expired."
_NO_MATCH = "Invalid amazonOrderId and template combination."
_NOT_AVAILABLE = "The requested solicitation is not available for this amazonOrderId."
_ALREADY = "You have already requested a review for this order."
_OUTSIDE = (
    "You can\N{RIGHT SINGLE QUOTATION MARK}t use this feature to request a review outside the "
    "5-30 day range after the order delivery date."
)


def _forbidden(name: str, text: str, outcome: str, after: str, **more: str | None) -> Case:
    details = _EXPIRED if name == "expired" else ""
    do = {"kind": "forbidden", "text": text, "details": details}
    return Case(name, do, outcome, after, more.get("solicitation"), more.get("message"))


TEXTS = {
    SOLICITATION: [
        _forbidden("expired", _DENIED, "not_sent", "queued", solicitation="sent"),
        _forbidden("not available", _NOT_AVAILABLE, "rejected", "refused", solicitation="refused"),
        _forbidden("already", _ALREADY, "rejected", "refused", solicitation="refused"),
        _forbidden("unknown", "Computer says no.", "unknown", "unconfirmed", solicitation="sent"),
    ],
    MESSAGE: [
        _forbidden("expired", _DENIED, "not_sent", "queued", message="sent"),
        _forbidden("no match", _NO_MATCH, "rejected", "refused", message="refused"),
        _forbidden("unknown", "Computer says no.", "unknown", "unconfirmed", message="unconfirmed"),
    ],
}


@row(
    "F41",
    "403 with each known text, and with an unknown one",
    "the table of docs/sending.md exactly: 6 of 6 for solicitations, 4 of 4 for messages",
)
def forbidden(seed: int) -> str:
    """Five texts of solicitations, four of messages (with the missing role), one that nobody knows."""
    with Rig(nodes=0, seed=seed, sellers=3, orders=600) as rig:
        *sellers, shut_out = rig.accounts
        kept = [rig.accounts[seller] for seller in sellers]
        assigned: Assigned = {}
        denied: list[int] = []
        for kind in KINDS:
            # a message each: a second one to the same buyer would meet the first one's fault
            each = 2 if kind == SOLICITATION else 1
            ids = rig.queue(each * len(TEXTS[kind]), kind, kept)
            assigned |= assign(rig, ids, TEXTS[kind])
            denied += rig.queue(2, kind, [rig.accounts[shut_out]])
        at_edge = rig.queue(3, SOLICITATION, kept)
        at_edge += rig.queue(3, SOLICITATION, kept, newest=True)
        outside = {action: {"kind": "forbidden", "text": _OUTSIDE} for action in at_edge}
        deeds = {action: case.do for action, case in assigned.items()}
        missing_role = {"kind": "forbidden", "text": _DENIED}
        rig.amazon.set_faults(
            [
                *rules_for(rig, deeds | outside),
                *(
                    {"operation": POST_OF[kind], "seller": shut_out, "do": missing_role}
                    for kind in KINDS
                ),
            ]
        )
        rig.add_node()
        rig.wait_for(
            lambda: (
                set(states(rig).values()) <= {"sent", "refused", "held", "unconfirmed"}
                and all(states(rig)[action] == "held" for action in denied)
                and not _unclear_solicitations(rig)
            ),
            "each text has had its effect",
        )
        demand(rig, assigned)
        _demand_edges(rig, at_edge)
        _demand_denied(rig, shut_out)
        let_in(rig, [shut_out])
        report = rig.check().demand()
        texts = {kind: 1 + len({case.name for case in TEXTS[kind]}) for kind in KINDS}
        return (
            f"{texts[SOLICITATION] + 1} of 6 texts of solicitations"
            f" and {texts.get(MESSAGE, 0)} of 4 of messages as in the table;"
            f" doubles {report.doubles}"
        )


def _unclear_solicitations(rig: Rig) -> bool:
    found = states(rig)
    return any(
        found[action] == "unconfirmed"
        for action, kind in rig.actions.items()
        if kind == SOLICITATION
    )


def _demand_edges(rig: Rig, actions: list[int]) -> None:
    """ "Outside the 5-30 day range": sent a day later when it was early, refused when it was late."""
    rows = rig.sql(
        "SELECT a.id, a.status, (SELECT t.claimed_at - o.earliest_delivery_at - interval '5 days'"
        " < a.not_after - t.claimed_at FROM messaging_actionattempt t"
        " WHERE t.action_id = a.id ORDER BY t.id LIMIT 1)"
        " FROM messaging_outgoingaction a JOIN orders_order o ON o.id = a.order_id"
        " WHERE a.id = ANY(%s)",
        actions,
    )
    if {is_early for _, _, is_early in rows} != {True, False}:
        raise AssertionError(f"only one edge of the window was met: {rows}")
    wrong = [row for row in rows if row[1] != ("sent" if row[2] else "refused")]
    if wrong:
        raise AssertionError(f"at the window's edges (action, state, early): {wrong}")


def _demand_denied(rig: Rig, seller: str) -> None:
    """Whose role is missing has everything on hold and one banner; nobody else has."""
    rows = rig.sql("SELECT selling_partner_id, connection FROM sellers_selleraccount")
    trouble = {partner: connection for partner, connection in rows if connection != "connected"}
    if trouble != {seller: "role_missing"}:
        raise AssertionError(f"accounts in trouble: {trouble}")
    banners = alarms(rig)
    if len(banners) != 1:
        raise AssertionError(f"one banner was expected: {banners}")
