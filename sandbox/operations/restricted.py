"""Tokens 2021-03-01: a token for personal data (`models/tokens_2021-03-01.json`)."""

import json

from sandbox.messages import Answer, json_answer
from sandbox.operations.parameters import invalid, refuse_unknown
from sandbox.operations.routing import Call, State
from sandbox.tokens import LIFETIME, RESTRICTED

_METHODS = ("GET", "PUT", "POST", "DELETE")
_MOST = 50


def create_restricted_data_token(state: State, call: Call) -> Answer:
    """200 with a token that speaks for the seller; what it was asked for is not looked at again."""
    refuse_unknown(call.request, ())
    try:
        document = json.loads(call.request.body)
    except ValueError:
        raise invalid("The request body is not JSON.") from None
    resources = document.get("restrictedResources") if isinstance(document, dict) else None
    if not isinstance(resources, list) or not 1 <= len(resources) <= _MOST:
        raise invalid(f"restrictedResources: 1 to {_MOST} are needed.")
    for one in resources:
        if not isinstance(one, dict) or one.get("method") not in _METHODS:
            raise invalid("restrictedResources: Invalid method.")
        if not str(one.get("path", "")).startswith("/"):
            raise invalid("restrictedResources: Invalid path.")
    token = state.tokens.issue(call.partner, call.now, RESTRICTED)
    return json_answer(200, {"restrictedDataToken": token, "expiresIn": LIFETIME})
