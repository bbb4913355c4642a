"""What is known of an action's kind, one that only a newer release knows included."""

from __future__ import annotations

from messaging.action_types import ACTION_TYPES, ActionType, Api


def type_of(kind: str, api: str) -> ActionType:
    """The kind's type; of one that this release does not know, its name and the pace of its API.

    After a step back to an older release its records are there still. Nothing of it is sent.
    """
    known = ACTION_TYPES.get(kind)
    if known is not None:
        return known
    like = next(one for one in ACTION_TYPES.values() if one.api == api)
    return ActionType(kind, Api(api), label=kind, look=like.look, send=like.send, source="")
