"""F46-F48: Login with Amazon gives no access token, for one account or for all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from typing import Any

from tests.faults.kinds import KINDS
from tests.faults.rig import Rig
from tests.faults.seen import alarms, let_in, orders, states, steps, tries
from tests.faults.table import row

SLOW_SECONDS, DOWN_SECONDS = 60, 600
HELD_WITHIN = 5.0
_EXPIRED = {
    "kind": "forbidden",
    "text": "Access to requested resource is denied.",
    "details": "The access token you provided has expired.",
}


@row(
    "F46",
    "a seller revokes the refresh token in the middle of a run",
    f"all of it held within {HELD_WITHIN:g} s, no POST of it accepted after, others unaffected,"
    " one banner",
    quick=True,
)
def revoked(seed: int) -> str:
    """From one moment on the seller's access tokens are refused and no new one is given."""
    with Rig(seed=seed, sellers=3, rate_factor=1.0) as rig:
        for kind in KINDS:
            rig.queue(24, kind)  # several seconds of work for each, on a busy machine as well
        gone, *_others = rig.accounts
        rig.wait_for(
            lambda: len(_accepted(rig, gone)) >= 3, "the seller is being served", every=0.02
        )
        refused = {"kind": "lwa_error", "error": "invalid_grant", "description": "User may have …"}
        rig.amazon.set_faults(
            [
                {"operation": "lwa", "seller": gone, "do": refused},
                {"operation": "*", "seller": gone, "do": _EXPIRED},
            ]
        )
        accepted = _accepted(rig, gone)
        tried = len(_posts(rig, gone))
        revoked_at = time.monotonic()
        mine = {action for action, (seller, _) in orders(rig).items() if seller == gone}
        rig.wait_for(
            lambda: _are(rig, mine, {"held", "sent"}),
            "all of the seller's is on hold",
            seconds=30,
            every=0.02,
        )
        took = time.monotonic() - revoked_at
        banners = alarms(rig)
        rig.wait_for(
            lambda: _are(rig, rig.actions.keys() - mine, {"sent"}), "the others were not disturbed"
        )
        after = len(_posts(rig, gone)) - tried
        held = Counter(states(rig)[action] for action in mine)["held"]
        if took > HELD_WITHIN or _accepted(rig, gone) != accepted or len(banners) != 1 or not held:
            raise AssertionError(
                f"{held} held after {took:.1f} s; {len(_accepted(rig, gone)) - len(accepted)}"
                f" accepted since; banners: {banners}"
            )
        held_others = [
            action
            for action, way in steps(rig).items()
            if action not in mine and any(to == "held" for _, to in way)
        ]
        if held_others:
            raise AssertionError(f"of others was held: {held_others}")
        let_in(rig, [gone])
        report = rig.check().demand()
        return (
            f"{held} held in {took:.2f} s, {after} POSTs after the revoke and 0 accepted,"
            f" 1 banner; {report.states.get('sent', 0)} of {report.actions} sent once it was mended"
        )


@row(
    "F47",
    f"Login with Amazon is slow for {SLOW_SECONDS // 60} min, then down for {DOWN_SECONDS // 60} min",
    "held back, not refused nor on hold; resumes by itself, lost 0",
    minutes=12,
)
def token_service_down(seed: int) -> str:
    """No process has an access token when it begins. A call's deadline is 0.8 s."""
    until = SLOW_SECONDS + DOWN_SECONDS
    with Rig(nodes=0, seed=seed) as rig:
        for kind in KINDS:
            rig.queue(30, kind)
        rig.redis.client().flushall()
        rig.add_node()
        rig.amazon.set_faults(
            [
                {
                    "operation": "lwa",
                    "when": {"until_s": SLOW_SECONDS},
                    "do": {"kind": "hang", "seconds": 600},
                },
                {
                    "operation": "lwa",
                    "when": {"until_s": until},
                    "do": {"kind": "status", "status": 503},
                },
            ]
        )
        begun = time.monotonic()
        rig.wait_resolved(until + 120)
        report = rig.check().demand()
        came = time.monotonic() - begun
        fired = [rule["fired"] for rule in rig.amazon.faults()["rules"]]
        ways = Counter(to for way in steps(rig).values() for _, to in way)
        if report.states != {"sent": report.actions} or ways["held"] or ways["refused"]:
            raise AssertionError(f"not all was sent without a detour: {report.states}, {ways}")
        if not all(fired):
            raise AssertionError(f"the token service was not asked in both times: {fired}")
        return (
            f"{sum(fired)} token requests failed, {report.actions} of {report.actions} sent,"
            f" the last {max(0.0, came - until):.1f} s after it was back; lost {report.lost}"
        )


@row(
    "F48",
    "the application's client secret has expired",
    "everything of all its accounts on hold, one alarm",
)
def secret_expired(seed: int) -> str:
    """`invalid_client` for three accounts of one application."""
    with Rig(nodes=0, seed=seed, sellers=3) as rig:
        for kind in KINDS:
            rig.queue(30, kind)
        rig.redis.client().flushall()
        rig.amazon.set_faults(
            [{"operation": "lwa", "do": {"kind": "lwa_error", "error": "invalid_client"}}]
        )
        rig.add_node()
        rig.wait_for(lambda: _are(rig, rig.actions, {"held"}), "all is on hold")
        banners = alarms(rig)
        if tries(rig) or rig.posts():
            raise AssertionError("something was tried without a token")
        if len(banners) != 1:
            raise AssertionError(f"{len(banners)} alarms: {banners}")
        let_in(rig, rig.accounts)
        report = rig.check().demand()
        return (
            f"{report.actions} of {report.actions} held, 0 POSTs, {len(banners)} alarm for"
            f" {len(rig.accounts)} accounts; {report.states.get('sent', 0)} sent once it was mended"
        )


def _are(rig: Rig, actions: Collection[int], wanted: set[str]) -> bool:
    found = states(rig)
    return all(found[action] in wanted for action in actions)


def _posts(rig: Rig, seller: str) -> list[dict[str, Any]]:
    return [post for post in rig.posts() if post["seller"] == seller]


def _accepted(rig: Rig, seller: str) -> set[str]:
    return {post["request_id"] for post in _posts(rig, seller) if post["accepted"]}
