"""Orders 2026-01-01: search by time of creation or change, and one order.

A search is answered from the moment of its first page, so that its pages together hold each order
once, whatever happens meanwhile. Orders come in the order of the time that was searched by.
"""

import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from sandbox.life import Life, Status
from sandbox.messages import Answer, Request, error_answer, json_answer
from sandbox.moments import DAY, MINUTE, to_text
from sandbox.operations.order_document import DATA_SETS, order_document
from sandbox.operations.parameters import invalid, marketplaces, moment, one, refuse_unknown, words
from sandbox.operations.routing import Call, State
from sandbox.randomness import draw
from sandbox.world import Seller

LAG = 2 * MINUTE  # "at least two minutes before the time of the request"
_TOKEN_LIFETIME = DAY
_SNAPSHOTS = 32
_FREE = ("maxResultsPerPage", "includedData", "paginationToken")
_PINNED = (
    "createdAfter",
    "createdBefore",
    "lastUpdatedAfter",
    "lastUpdatedBefore",
    "fulfillmentStatuses",
    "marketplaceIds",
    "fulfilledBy",
)


@dataclass(frozen=True, slots=True)
class _Search:
    """A search as it was asked at `at`; moments in seconds since 1970; empty sets mean all."""

    at: float
    by_update: bool
    after: float
    before: float
    statuses: frozenset[str]
    marketplaces: frozenset[str]
    fulfilled_by: frozenset[str]

    def moment_of(self, life: Life) -> int:
        return life.updated_at(self.at) if self.by_update else life.purchased

    def finds(self, life: Life) -> bool:
        return (
            self.after <= self.moment_of(life) <= self.before
            and (not self.marketplaces or life.marketplace.id in self.marketplaces)
            and (not self.statuses or life.status_at(self.at) in self.statuses)
            and (not self.fulfilled_by or life.fulfilled_by in self.fulfilled_by)
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a pagination token points: a search by its digest, when it began, how far it came."""

    seller: int
    digest: str
    at: float
    offset: int


def search_orders(state: State, call: Call) -> Answer:
    """200 with one page of the orders that were found, and a token when there are more."""
    request, seller = call.request, call.partner
    refuse_unknown(request, (*_PINNED, *_FREE))
    included = _included(call)
    size = _page_size(request)
    place = _place(state, call)
    search = _parse(request, place.at)
    found = _found(state, seller, place, search)
    page = found[place.offset : place.offset + size]
    document: dict[str, object] = {
        "orders": [order_document(state.world, seller, life, place.at, included) for life in page]
    }
    if place.offset + size < len(found):
        following = _Place(place.seller, place.digest, place.at, place.offset + size)
        document["pagination"] = {"nextToken": _write_token(state, following)}
    name = "lastUpdatedBefore" if search.by_update else "createdBefore"
    document[name] = to_text(int(search.before))
    return json_answer(200, document)


def get_order(state: State, call: Call) -> Answer:
    """200 with the order as it is now; 404 for one that the seller does not have."""
    refuse_unknown(call.request, ("includedData",))
    included = _included(call)
    life = state.world.find(call.partner, call.order_id, call.now)
    if life is None:
        return error_answer(404, "NotFound", "The requested order was not found.")
    document = order_document(state.world, call.partner, life, call.now, included)
    return json_answer(200, {"order": document})


def _included(call: Call) -> frozenset[str]:
    """The data sets asked for; 400 for one that a fault has Amazon refuse.

    On one endpoint it refused FULFILLMENT from one hour to the next (selling-partner-api-models
    issue 5365).
    """
    included = words(call.request, "includedData", DATA_SETS)
    refused = call.rule.do.get("data_set") if call.rule else None
    if refused in included:
        raise invalid(
            "The input you have submitted is not valid. Please check your input and try again."
        )
    return included


def _parse(request: Request, at: float) -> _Search:
    """The search that the parameters describe, valid when asked at `at`; 400 otherwise."""
    created = moment(request, "createdAfter")
    updated = moment(request, "lastUpdatedAfter")
    if (created is None) == (updated is None):
        raise invalid("Exactly one of createdAfter and lastUpdatedAfter must be given.")
    by_update = updated is not None
    after = updated if updated is not None else created
    assert after is not None
    stray = "createdBefore" if by_update else "lastUpdatedBefore"
    if one(request, stray) is not None:
        raise invalid(f"{stray} may not be given with the other kind of time.")
    latest = float(int(at) - LAG)
    before = moment(request, "lastUpdatedBefore" if by_update else "createdBefore")
    if before is None:
        before = latest
    if max(after, before) > latest:
        raise invalid("Times must be at least two minutes before the time of the request.")
    if before < after:
        raise invalid("The end of the time period must not lie before its start.")
    return _Search(
        at,
        by_update,
        after,
        before,
        words(request, "fulfillmentStatuses", tuple(Status)),
        marketplaces(request),
        words(request, "fulfilledBy", ("AMAZON", "MERCHANT")),
    )


def _found(state: State, seller: Seller, place: _Place, search: _Search) -> list[Life]:
    """All orders of the search; kept for the next page, and found again when they were forgotten."""
    key = (place.seller, place.digest, place.at)
    found = state.snapshots.get(key)
    if found is None:
        found = [life for life in state.world.orders_at(seller, search.at) if search.finds(life)]
        found.sort(key=search.moment_of)
        if len(state.snapshots) >= _SNAPSHOTS:
            del state.snapshots[next(iter(state.snapshots))]
        state.snapshots[key] = found
    return found


def _page_size(request: Request) -> int:
    text = one(request, "maxResultsPerPage") or "100"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100):
        raise invalid("maxResultsPerPage: Must be between 1 and 100.", text)
    return int(text)


def _place(state: State, call: Call) -> _Place:
    """Where the request's page begins: at the start, or where its token says."""
    digest = _digest(call.request)
    token = one(call.request, "paginationToken")
    if token is None:
        return _Place(call.partner.number, digest, call.now, 0)
    place = _read_token(state, token)
    if place is None or place.seller != call.partner.number:
        raise invalid("paginationToken: Invalid value.")
    if call.now - place.at > _TOKEN_LIFETIME:
        raise invalid("paginationToken: The token has expired.")
    if place.digest != digest:
        raise invalid("paginationToken: All other parameters must be those of the first request.")
    return place


def _digest(request: Request) -> str:
    """What has to stay the same from page to page, in a short form."""
    pinned = {name: sorted(request.values(name)) for name in _PINNED if name in request.query}
    return sha256(json.dumps(pinned, sort_keys=True).encode()).hexdigest()[:16]


def _write_token(state: State, place: _Place) -> str:
    """An opaque text; base64 with `+`, `/` and `=`, so that a caller who does not encode it fails."""
    text = f"{place.seller} {place.digest} {place.at!r} {place.offset}".encode()
    return b64encode(_sign(state, text) + text).decode()


def _read_token(state: State, token: str) -> _Place | None:
    try:
        raw = b64decode(token, validate=True)
    except ValueError:
        return None
    signature, text = raw[:16], raw[16:]
    if not hmac.compare_digest(signature, _sign(state, text)):
        return None
    seller, digest, at, offset = text.decode().split()
    return _Place(int(seller), digest, float(at), int(offset))


def _sign(state: State, text: bytes) -> bytes:
    key = draw(state.world.plan.seed, "pagination").randbytes(32)
    return hmac.digest(key, text, "sha256")[:16]
