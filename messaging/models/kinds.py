"""What there is to say of a kind that only a newer release knows."""

from __future__ import annotations

from messaging.action_types import ACTION_TYPES, ActionType, Api


def unknown_type(kind: str, api: str) -> ActionType:
    """A type of this name and of the pace of its API.

    After a step back to an older release its records are there still. Nothing of it is sent.
    """
    like = next(one for one in ACTION_TYPES.values() if one.api == api)
    return ActionType(kind, Api(api), label=kind, look=like.look, send=like.send, source="")
