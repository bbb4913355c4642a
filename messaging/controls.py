"""Judging looks at what is unconfirmed: each counts at once, or waits for its control.

That an order is not offered says something only when, in the same minute, another one that should
be offered is. A control that was offered a moment ago serves all looks of its minute. Every step can
be repeated: when the database goes away in the middle, the look is judged again and counted once.
"""

from __future__ import annotations

from datetime import datetime

from messaging.lanes import Control, Lane
from messaging.looks import Look, control_orders, record_control, record_watched
from spapi import OfferedActions, SpApiError

CONTROLS_PER_LOOK = 3


def judge(lane: Lane, look: Look, *, now: datetime) -> None:
    """The look at an unconfirmed action is written, or waits for the controls that were sent out."""
    marketplace = look.job.marketplace_id
    if not look.is_absent or lane.control_is_fresh(marketplace, look.asked_at):
        _settle(lane, look, now)
        return
    if not lane.controls_out[marketplace]:
        for order in control_orders(look.job, now=now, limit=CONTROLS_PER_LOOK):
            lane.controls_out[marketplace].add(order)
            lane.controls.append(Control(order, marketplace, look.job.kind))
    lane.awaiting_control[marketplace][look.job.action_id] = look
    if not lane.controls_out[marketplace]:
        _settle_awaiting(lane, marketplace, now)


def note_control(
    lane: Lane,
    control: Control,
    answer: OfferedActions | SpApiError,
    asked_at: datetime,
    *,
    now: datetime,
) -> None:
    """The control has answered: what waited for it is written when it was the one, or the last."""
    marketplace = control.marketplace
    if isinstance(answer, OfferedActions):
        record_control(lane.account, control.order, control.kind, answer, now=now)
        if answer.offers(control.kind):
            lane.note_offer(marketplace, asked_at)
            _settle_awaiting(lane, marketplace, now)
    lane.controls_out[marketplace].discard(control.order)
    if not lane.controls_out[marketplace]:
        _settle_awaiting(lane, marketplace, now)


def _settle_awaiting(lane: Lane, marketplace: str, now: datetime) -> None:
    awaiting = lane.awaiting_control[marketplace]
    for look in list(awaiting.values()):
        _settle(lane, look, now)
        del awaiting[look.job.action_id]


def _settle(lane: Lane, look: Look, now: datetime) -> None:
    marketplace = look.job.marketplace_id
    is_fresh = lane.control_is_fresh(marketplace, look.asked_at)
    record_watched(look, control_is_offered=is_fresh, now=now)
    if look.is_offered:
        lane.note_offer(marketplace, look.asked_at)
    lane.drop(look.job)
