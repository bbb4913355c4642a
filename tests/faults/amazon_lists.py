"""F44 and F45: Amazon's list of actions is blank, or behind."""

from __future__ import annotations

import time
from datetime import datetime

from tests.faults.amazon_errors import failing
from tests.faults.kinds import LIST_OF, POST_OF, SOLICITATION
from tests.faults.rig import Rig
from tests.faults.seen import Case, demand
from tests.faults.table import row

BLANK_SECONDS = 6


@row(
    "F44",
    f"Amazon's list is blank in 15 % of looks, and in all of them for {BLANK_SECONDS} days",
    "0 shown as sent without a 201; what was called probably sent too soon is put right",
)
def blank_lists(seed: int) -> str:
    """A day lasts a second. Three in five POSTs end in a 500, half of them after accepting."""
    post = POST_OF[SOLICITATION]
    failed = [{"operation": post, "when": {"share": 0.3}, "do": case.do} for case in failing(500)]
    blank = {
        "operation": LIST_OF[SOLICITATION],
        "when": {"after_s": 6, "until_s": 6 + BLANK_SECONDS},
        "do": {"kind": "empty_list"},
    }
    with Rig(nodes=0, seed=seed, empty_share=0.15) as rig:
        rig.queue(60, SOLICITATION)
        rig.amazon.set_faults([*failed, blank])
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
