"""Tokens for the next page: opaque, signed, and full of what a caller must not forget to encode."""

import hmac
import json
from base64 import b64decode, b64encode
from typing import Any

from sandbox.operations.routing import State
from sandbox.randomness import draw

_SIGNATURE = 16


def write_token(state: State, *place: Any) -> str:
    """A token that `read_token` gives back as the same place; it is base64 with `+`, `/` and `=`."""
    text = json.dumps(place).encode()
    return b64encode(_sign(state, text) + text).decode()


def read_token(state: State, token: str) -> list[Any] | None:
    """The place that the token was written for; None for a token that was not written here."""
    try:
        raw = b64decode(token, validate=True)
    except ValueError:
        return None
    signature, text = raw[:_SIGNATURE], raw[_SIGNATURE:]
    if not hmac.compare_digest(signature, _sign(state, text)):
        return None
    place: list[Any] = json.loads(text)
    return place


def _sign(state: State, text: bytes) -> bytes:
    key = draw(state.world.plan.seed, "next page").randbytes(32)
    return hmac.digest(key, text, "sha256")[:_SIGNATURE]
