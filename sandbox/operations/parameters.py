"""Query parameters, checked as Amazon's models describe them.

A parameter that the operation does not know is refused, more strictly than Amazon does, because a
misspelt parameter is always a mistake of ours.
"""

import json
from collections.abc import Collection
from typing import Any

from sandbox.marketplaces import BY_ID
from sandbox.messages import Request, error_answer
from sandbox.moments import from_text
from sandbox.operations.routing import RequestError


def invalid(message: str, details: str = "") -> RequestError:
    """The 400 that Amazon gives for a bad parameter."""
    return RequestError(error_answer(400, "InvalidInput", message, details))


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object; 400 for anything else."""
    try:
        document = json.loads(request.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise invalid("The request body is not a JSON object.")
    return document


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    """Every parameter of the request is one of `known`."""
    for name in request.query:
        if name not in known:
            raise invalid(f"Unknown request parameter: {name}")


def one(request: Request, name: str) -> str | None:
    """The parameter's only value, or None when it is missing; 400 when it is given twice."""
    values = request.query.get(name, [])
    if len(values) > 1:
        raise invalid(f"{name}: Only one value may be given.")
    return values[0] if values else None


def moment(request: Request, name: str) -> float | None:
    """The parameter's date and time in seconds since 1970, or None when it is missing."""
    text = one(request, name)
    if text is None:
        return None
    try:
        return from_text(text)
    except ValueError:
        raise invalid(f"{name}: Invalid date and time.", text) from None


def words(request: Request, name: str, known: Collection[str]) -> frozenset[str]:
    """The parameter's words, all of them among `known`; empty when it is missing."""
    found = frozenset(request.values(name))
    for word in sorted(found - frozenset(known)):
        raise invalid(f"{name}: Invalid value.", word)
    return found


def marketplaces(request: Request, name: str = "marketplaceIds") -> frozenset[str]:
    """The marketplace ids given, at most 50 and all of them Amazon's."""
    found = words(request, name, BY_ID)
    if len(found) > 50:
        raise invalid(f"{name}: At most 50 values may be given.")
    return found


def the_marketplace(request: Request, *others: str) -> str:
    """The one marketplace id that Solicitations and Messaging want, from the query.

    `others` are the other parameters that the operation knows.
    """
    refuse_unknown(request, ("marketplaceIds", *others))
    given = request.values("marketplaceIds")
    if not given:
        raise invalid("marketplaceIds: Missing or invalid request parameter: marketplaceId")
    if len(given) > 1:
        raise invalid("marketplaceIds: Only one marketplace can be specified.")
    [marketplace] = marketplaces(request)
    return marketplace
