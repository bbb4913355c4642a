"""Login with Amazon: tokens for a refresh token, a code or the application (`POST /auth/o2/token`)."""

import json
from collections.abc import Callable
from urllib.parse import parse_qsl

from sandbox.messages import Answer, Request, json_answer
from sandbox.operations.routing import Call, State
from sandbox.tokens import LIFETIME
from sandbox.world import Seller


def exchange_token(state: State, call: Call) -> Answer:
    """200 with a new access token, or the OAuth 2 error that fits.

    Form or JSON. The application's key is checked before the seller's, as OAuth 2 wants it.
    """
    fields = token_fields(call.request)
    grant = fields.get("grant_type")
    if grant is None:
        return _error(400, "invalid_request", "The request is missing a parameter : grant_type")
    if grant not in _GRANTS:
        return _error(
            400, "unsupported_grant_type", f"The grant type {grant[:50]} is not supported"
        )
    keys = (fields.get("client_id"), fields.get("client_secret"))
    if keys != (state.world.client_id, state.world.client_secret):
        return _error(401, "invalid_client", "Client authentication failed")
    return _GRANTS[grant](state, fields, call.now)


def _for_refresh_token(state: State, fields: dict[str, str], now: float) -> Answer:
    seller = state.world.by_refresh_token.get(fields.get("refresh_token", ""))
    return _invalid_grant("refresh_token") if seller is None else _tokens(state, seller, now)


def _for_code(state: State, fields: dict[str, str], now: float) -> Answer:
    seller = state.codes.take(fields.get("code", ""), fields.get("redirect_uri", ""), now)
    return _invalid_grant("code") if seller is None else _tokens(state, seller, now)


def _for_application(state: State, fields: dict[str, str], now: float) -> Answer:
    scope = fields.get("scope")
    if scope not in _SCOPES:
        return _error(400, "invalid_scope", "The requested scope is invalid, unknown or malformed")
    return json_answer(
        200,
        {
            "access_token": state.tokens.issue_grantless(),
            "scope": scope,
            "token_type": "bearer",
            "expires_in": LIFETIME,
        },
    )


_GRANTS: dict[str, Callable[[State, dict[str, str], float], Answer]] = {
    "refresh_token": _for_refresh_token,
    "authorization_code": _for_code,
    "client_credentials": _for_application,
}
_SCOPES = (
    "sellingpartnerapi::notifications",
    "sellingpartnerapi::client_credential:rotation",
)


def _tokens(state: State, seller: Seller, now: float) -> Answer:
    return json_answer(
        200,
        {
            "access_token": state.tokens.issue(seller, now),
            "refresh_token": seller.refresh_token,
            "token_type": "bearer",
            "expires_in": LIFETIME,
        },
    )


def _invalid_grant(parameter: str) -> Answer:
    return _error(
        400,
        "invalid_grant",
        f"The request has an invalid grant parameter : {parameter}. "
        "User may have revoked or didn't grant the permission.",
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
