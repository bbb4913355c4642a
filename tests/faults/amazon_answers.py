"""F39-F45: Amazon answers, and the answer is an error, a lie, a flood or about something else."""

from __future__ import annotations

import socketserver
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.faults.rig import KINDS, LIST_OF, MESSAGE, POST_OF, SOLICITATION, Rig
from tests.faults.seen import Case, demand, lesson, notices, states, tries
from tests.faults.table import row

THROTTLED_SECONDS = 25
BLANK_SECONDS = 6
MEBIBYTE = 1 << 20


def _failing(status: int) -> list[Case]:
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
    return _server_errors(seed, {SOLICITATION: 50, MESSAGE: 10}, sellers=4, orders=700)


@row("F39q", "500 and 503, a few", "each resolved right; messages unconfirmed", quick=True)
def some_server_errors(seed: int) -> str:
    """As F39, with a tenth of the orders."""
    return _server_errors(seed, {SOLICITATION: 5, MESSAGE: 3})


def _server_errors(seed: int, each: dict[str, int], **world: int) -> str:
    cases = _failing(500) + _failing(503)
    with lesson(cases, each=each, kinds=tuple(each), seed=seed, **world) as (rig, assigned):
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
    f"429 with and without the limit's header, {THROTTLED_SECONDS} s long (not 5 min)",
    "0 lost; at most one request a second for each account and operation from then on",
)
def throttled(seed: int) -> str:
    """At Amazon's own rates. One seller's 429 names the limit, the other's does not."""
    with Rig(nodes=0, seed=seed, rate_factor=1.0) as rig:
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
        rig.wait_resolved()
        report = rig.check().demand()
        if report.states != {"sent": report.actions}:
            raise AssertionError(f"not all was sent: {report.states}")
        refused = sum(post["status"] == 429 for post in rig.posts())
        ours = sum(post["status"] == 429 and post["fault"] is None for post in rig.posts())
        waited, rate = _pace_after_429(rig)
        if refused < 10 or ours or waited < 0.95 or rate > 1.02:
            raise AssertionError(
                f"{refused} POSTs met 429, {ours} of them Amazon's own; the next one {waited:.3f} s"
                f" later; {rate:.3f} a second since the last"
            )
        return (
            f"{refused} POSTs met 429, {report.actions} of {report.actions} sent, lost 0; after a"
            f" 429 the next POST at the earliest {waited:.2f} s later, and since the last one at"
            f" most {rate:.2f} POSTs a second for each account and operation"
        )


def _pace_after_429(rig: Rig) -> tuple[float, float]:
    """The least seconds from a 429 to the next POST of its seller and operation; the most POSTs a
    second that any of these sent, counted from its last 429."""
    posts: dict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    for post in rig.posts():
        at = datetime.fromisoformat(post["at"]).timestamp()
        posts[post["seller"], post["operation"]].append((at, post["status"] == 429))
    waits, rates = [], []
    for moments in posts.values():
        waits += [later - at for (at, is_429), (later, _) in pairwise(moments) if is_429]
        last = max(at for at, is_429 in moments if is_429)
        since = [at - last for at, _ in moments if at > last]
        rates += [number / seconds for number, seconds in enumerate(since, start=1)]
    return min(waits), max(rates)


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


_TEXTS = {
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
    quick=True,
)
def forbidden(seed: int) -> str:
    """Five texts of solicitations, four of messages (with the missing role), one that nobody knows."""
    with Rig(nodes=0, seed=seed, sellers=3) as rig:
        *sellers, shut_out = rig.accounts
        kept = [rig.accounts[seller] for seller in sellers]
        rules, assigned, at_edge, denied = [], {}, [], []
        for kind in KINDS:
            cases = _TEXTS[kind]
            ids = rig.queue(2 * len(cases), kind, kept)
            assigned |= {action: cases[place % len(cases)] for place, action in enumerate(ids)}
            denied += rig.queue(2, kind, [rig.accounts[shut_out]])
        at_edge = rig.queue(6, SOLICITATION, kept)
        numbers = dict(
            rig.sql(
                "SELECT a.id, o.amazon_order_id FROM messaging_outgoingaction a"
                " JOIN orders_order o ON o.id = a.order_id"
            )
        )
        deeds = {action: case.do for action, case in assigned.items()}
        deeds |= {action: {"kind": "forbidden", "text": _OUTSIDE} for action in at_edge}
        for action, do in deeds.items():
            operation = POST_OF[rig.actions[action]]
            rules.append(
                {
                    "operation": operation,
                    "order": numbers[action],
                    "when": {"times": 1},
                    "do": do,
                }
            )
        for kind in KINDS:
            do = {"kind": "forbidden", "text": _DENIED}
            rules.append({"operation": POST_OF[kind], "seller": shut_out, "do": do})
        rig.amazon.set_faults(rules)
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
        _let_in_again(rig, shut_out)
        rig.wait_resolved()
        report = rig.check().demand()
        texts = {kind: 1 + len({case.name for case in _TEXTS[kind]}) for kind in KINDS}
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
    wrong = [row for row in rows if row[1] != ("sent" if row[2] else "refused")]
    if wrong:
        raise AssertionError(f"at the window's edges (action, state, early): {wrong}")


def _demand_denied(rig: Rig, seller: str) -> None:
    """Whose role is missing has everything on hold and one banner; nobody else has."""
    rows = rig.sql("SELECT selling_partner_id, connection FROM sellers_selleraccount")
    trouble = {partner: connection for partner, connection in rows if connection != "connected"}
    if trouble != {seller: "role_missing"}:
        raise AssertionError(f"accounts in trouble: {trouble}")
    alarms = [text for tone, text in notices(rig) if tone == "bad"]
    if len(alarms) != 1:
        raise AssertionError(f"one banner was expected: {alarms}")


def _let_in_again(rig: Rig, seller: str) -> None:
    rig.amazon.set_faults([])
    rig.run(
        """
from sellers.services import try_again
try_again(SellerAccount.objects.get(pk=pk), User.objects.get(username="rig"))
""",
        pk=rig.accounts[seller],
    )


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
    quick=True,
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
        with Rig(nodes=0, seed=seed) as rig:
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


def _redirect_all(rig: Rig, cases: list[Case]) -> dict[int, Case]:
    """Each first POST is redirected in its own way, and so are a few looks and tokens."""
    assigned: dict[int, Case] = {}
    rules = []
    for kind in KINDS:
        for action, case in zip(rig.queue(len(cases), kind), cases, strict=True):
            assigned[action] = case
        rules += [
            {"operation": operation, "when": {"times": 1}, "do": case.do}
            for case in cases
            for operation in (LIST_OF[kind], "lwa")
        ]
    numbers = dict(
        rig.sql(
            "SELECT a.id, o.amazon_order_id FROM messaging_outgoingaction a"
            " JOIN orders_order o ON o.id = a.order_id"
        )
    )
    rules += [
        {
            "operation": POST_OF[rig.actions[action]],
            "order": numbers[action],
            "when": {"times": 1},
            "do": case.do,
        }
        for action, case in assigned.items()
    ]
    rig.amazon.set_faults(rules)
    return assigned


_STRANGE: dict[str, dict[str, Any]] = {
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
    quick=True,
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
                for do in _STRANGE.values()
            ]
        )
        for kind in KINDS:
            rig.queue(2 * len(_STRANGE), kind)
        rig.wait_resolved()
        grown = (_peak_memory(child) - before) / MEBIBYTE
        unclear = sum(one.outcome == "unknown" for one in tries(rig))
        report = rig.check().demand()
        if unclear != times * len(_STRANGE):
            raise AssertionError(f"{unclear} of {times * len(_STRANGE)} were unconfirmed")
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
    "F44",
    f"Amazon's list is blank in 15 % of looks, and in all of them for {BLANK_SECONDS} days",
    "0 shown as sent without a 201; what was called probably sent too soon is put right",
)
def blank_lists(seed: int) -> str:
    """A day lasts a second. Three in five POSTs end in a 500, half of them after accepting."""
    post = POST_OF[SOLICITATION]
    failing = [{"operation": post, "when": {"share": 0.3}, "do": case.do} for case in _failing(500)]
    blank = {
        "operation": LIST_OF[SOLICITATION],
        "when": {"after_s": 6, "until_s": 6 + BLANK_SECONDS},
        "do": {"kind": "empty_list"},
    }
    with Rig(nodes=0, seed=seed, empty_share=0.15) as rig:
        rig.queue(60, SOLICITATION)
        rig.amazon.set_faults([*failing, blank])
        rig.add_node()
        blanks: dict[str, float] = {}

        def is_over() -> bool:
            for (number,) in rig.sql(
                "SELECT o.amazon_order_id FROM messaging_outgoingaction a"
                " JOIN orders_order o ON o.id = a.order_id"
                " WHERE a.status = 'unconfirmed' AND o.is_offered = false"
            ):
                blanks.setdefault(number, time.time())
            return rig.is_resolved() and rig.amazon.faults()["rules"][-1]["fired"] > 0

        rig.wait_for(is_over, "all is resolved", every=0.05, seconds=180)
        report = rig.check().demand()
        accepted = {
            post["order_id"]: datetime.fromisoformat(post["at"]).timestamp()
            for post in rig.posts()
            if post["accepted"]
        }
        naive = sum(accepted.get(number, 1e12) > at for number, at in blanks.items())
        early = _probable_too_soon(rig, accepted)
        return (
            f"false “Sent” {report.false_sent} of {report.actions}; called probably sent too soon"
            f" {early}, all put right; a rule “blank means sent” would have been wrong {naive} times"
        )


def _probable_too_soon(rig: Rig, accepted: dict[str, float]) -> int:
    rows = rig.sql(
        "SELECT o.amazon_order_id, extract(epoch FROM e.at) FROM messaging_actionevent e"
        " JOIN messaging_outgoingaction a ON a.id = e.action_id"
        " JOIN orders_order o ON o.id = a.order_id WHERE e.after = 'probably_sent'"
    )
    return sum(accepted.get(number, 1e12) > float(at) for number, at in rows)


@row(
    "F45",
    "Amazon's list still offers what was accepted (lag)",
    "the second POST gets 403, each buyer is asked once",
    quick=True,
)
def the_list_lags(seed: int) -> str:
    """The answer to each first POST is lost, and for as long as we look the list has not noticed."""
    case = Case(
        "500 after accepting",
        {"kind": "status", "status": 500, "accept_first": True},
        solicitation="refused",
    )
    with Rig(nodes=0, seed=seed) as rig:
        ids = rig.queue(20, SOLICITATION)
        rig.amazon.set_faults(
            [
                {"operation": POST_OF[SOLICITATION], "when": {"times": len(ids)}, "do": case.do},
                {
                    "operation": LIST_OF[SOLICITATION],
                    "do": {"kind": "listed_although_accepted"},
                },
            ]
        )
        rig.add_node()
        rig.wait_resolved()
        demand(rig, dict.fromkeys(ids, case))
        report = rig.check().demand()
        again = sum(post["status"] == 403 for post in rig.posts())
        if report.delivered != len(ids) or again != len(ids):
            raise AssertionError(f"{again} second POSTs got 403: {report}")
        return f"{again} second POSTs, {again} times 403; {report.delivered} delivered, doubles 0"
