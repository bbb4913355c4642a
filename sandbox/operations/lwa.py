"""Login with Amazon: an access token for a refresh token (`POST /auth/o2/token`)."""

import json
from urllib.parse import parse_qsl

from sandbox.messages import Answer, Request, json_answer
from sandbox.operations.routing import Call, State
from sandbox.tokens import LIFETIME


def exchange_token(state: State, call: Call) -> Answer:
    """200 with a new access token, or the OAuth 2 error that fits.

    Form or JSON. The application's key is checked before the seller's, as OAuth 2 wants it.
    """
    fields = token_fields(call.request)
    grant = fields.get("grant_type")
    if grant is None:
        return _error(400, "invalid_request", "The request is missing a parameter : grant_type")
    if grant != "refresh_token":
        return _error(
            400, "unsupported_grant_type", f"The grant type {grant[:50]} is not supported"
        )
    keys = (fields.get("client_id"), fields.get("client_secret"))
    if keys != (state.world.client_id, state.world.client_secret):
        return _error(401, "invalid_client", "Client authentication failed")
    refresh_token = fields.get("refresh_token", "")
    seller = state.world.by_refresh_token.get(refresh_token)
    if seller is None:
        return _error(
            400,
            "invalid_grant",
            "The request has an invalid grant parameter : refresh_token. "
            "User may have revoked or didn't grant the permission.",
        )
    return json_answer(
        200,
        {
            "access_token": state.tokens.issue(seller, call.now),
            "refresh_token": refresh_token,
            "token_type": "bearer",
            "expires_in": LIFETIME,
        },
    )


def token_fields(request: Request) -> dict[str, str]:
    """The fields of a token request, sent as a form or as JSON; empty when it is neither."""
    try:
        text = request.body.decode()
        if request.headers.get("content-type", "").startswith("application/json"):
            document = json.loads(text)
            if not isinstance(document, dict):
                return {}
            return {str(name): str(value) for name, value in document.items()}
        return dict(parse_qsl(text, max_num_fields=50))
    except ValueError:
        return {}


def _error(status: int, code: str, description: str) -> Answer:
    return json_answer(status, {"error": code, "error_description": description})
