"""What the sandbox received and what it knows, for people, tests and the demonstration.

GET  /            the record as a page
GET  /_stats      counts by seller, operation and status
GET  /_ledger     every accepted solicitation, every message, and every POST with its answer
GET  /_eligible   the orders that may be asked now and were not, by seller
GET  /_messageable    the orders whose buyers may be written to now, by seller
GET  /_message_offers    the orders for which each message is offered now, or disabled, by seller
GET  /_history    what was asked before the start
GET  /_sellers    the keys to connect the sellers with (only from this machine)
GET  /_faults     the rules in force, and how often they fired
POST /_faults     other rules (JSON, only from this machine)
GET  /_time       Amazon's clock and the world's plan
POST /_time       {"offset_s": n}: moves Amazon's clock (only from this machine)
POST /_outbox     {"limit": n, "since": moment}: takes notifications out (only from this machine);
                  with `since` the subscriptions count as made then
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sandbox.amazon import Amazon
from sandbox.faults import FaultError
from sandbox.messages import HTML, JSON, Answer, Request, json_answer
from sandbox.moments import from_text, to_exact_text
from sandbox.page import POLICY, record_page


def is_record(request: Request) -> bool:
    """Whether the request is for the record and not for Amazon."""
    return request.path == "/" or request.path.startswith("/_")


def answer_record(amazon: Amazon, request: Request) -> Answer:
    """The part of the record that was asked for, or why it is not given."""
    key = (request.method, request.path)
    if key == ("GET", "/"):
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return Answer(200, record_page(amazon).encode(), f"{HTML}; charset=utf-8", headers)
    if key in _PRIVATE and not request.loopback:
        return _refusal(403, "Only from the machine that the sandbox runs on.")
    if key in _DOCUMENTS:
        return json_answer(200, _DOCUMENTS[key](amazon))
    if key in _TAKES:
        return _with_json(request, lambda document: _TAKES[key](amazon, document))
    if key in _CHANGES:
        return _change(_CHANGES[key], amazon, request)
    return _refusal(404, f"There is no {request.method} {request.path[:100]}.")


def _change(change: "Callable[[Amazon, Any], None]", amazon: Amazon, request: Request) -> Answer:
    """The change is made, and the page shows it."""

    def made(document: Any) -> Any:
        change(amazon, document)
        return _DOCUMENTS["GET", request.path](amazon)

    return _with_json(request, made)


def _with_json(request: Request, answer: Callable[[Any], Any]) -> Answer:
    """What is answered to the JSON sent. A page in a browser may not send any unasked."""
    if not request.headers.get("content-type", "").startswith(JSON):
        return _refusal(415, "Send JSON, with Content-Type: application/json.")
    try:
        return json_answer(200, answer(json.loads(request.body)))
    except ValueError as error:  # a FaultError is one, and so is JSON that cannot be read
        return _refusal(400, str(error))


def _refusal(status: int, text: str) -> Answer:
    return json_answer(status, {"error": text})


def _stats(amazon: Amazon) -> dict[str, Any]:
    duplicates = amazon.ledger.duplicates()
    again = amazon.ledger.message_duplicates()
    fresh = [entry for entry in amazon.ledger.accepted.values() if not entry.history]
    return {
        **amazon.tally.as_json(),
        "accepted": len(fresh),
        "accepted_not_eligible": sum(not entry.eligible for entry in fresh),
        "duplicates": {"total": duplicates.total(), "by_seller": dict(duplicates)},
        "messages": {
            "delivered": sum(message.times for message in amazon.ledger.messages.values()),
            "duplicates": {"total": again.total(), "by_seller": dict(again)},
        },
    }


def _ledger(amazon: Amazon) -> dict[str, Any]:
    return amazon.ledger.as_json()


def _eligible(amazon: Amazon) -> dict[str, Any]:
    return {seller.selling_partner_id: amazon.eligible(seller) for seller in amazon.world.sellers}


def _messageable(amazon: Amazon) -> dict[str, Any]:
    sellers = amazon.world.sellers
    return {seller.selling_partner_id: amazon.messageable(seller) for seller in sellers}


def _message_offers(amazon: Amazon) -> dict[str, Any]:
    return {
        word: {
            seller.selling_partner_id: amazon.message_offers(seller, disabled=disabled)
            for seller in amazon.world.sellers
        }
        for word, disabled in (("offered", False), ("disabled", True))
    }


def _history(amazon: Amazon) -> list[dict[str, Any]]:
    return [
        {
            "seller": past.seller.selling_partner_id,
            "order_id": amazon.world.order_id(past.seller, past.life),
            "marketplace_id": past.life.marketplace.id,
            "at": to_exact_text(past.at),
            "outcome": past.outcome,
            "request_id": past.request_id,
        }
        for past in amazon.history
    ]


def _sellers(amazon: Amazon) -> list[dict[str, Any]]:
    return [
        {
            "name": seller.name,
            "region": seller.region,
            "selling_partner_id": seller.selling_partner_id,
            "client_id": amazon.world.client_id,
            "client_secret": amazon.world.client_secret,
            "application_id": amazon.world.application_id,
            "refresh_token": seller.refresh_token,
            "marketplace_ids": [market.id for market in seller.marketplaces],
        }
        for seller in amazon.world.sellers
    ]


def _faults(amazon: Amazon) -> dict[str, Any]:
    return amazon.faults.as_json()


def _time(amazon: Amazon) -> dict[str, Any]:
    plan = amazon.world.plan
    return {
        "now": to_exact_text(amazon.now()),
        "offset_s": amazon.offset,
        **asdict(plan),
    }


def _set_faults(amazon: Amazon, document: Any) -> None:
    amazon.set_faults(document)


def _set_time(amazon: Amazon, document: Any) -> None:
    offset = document.get("offset_s") if isinstance(document, dict) else None
    if isinstance(offset, bool) or not isinstance(offset, int | float) or abs(offset) > 10**9:
        raise ValueError('Send {"offset_s": seconds}.')
    amazon.offset = float(offset)


def _take(amazon: Amazon, document: Any) -> dict[str, Any]:
    limit = document.get("limit", 1_000) if isinstance(document, dict) else None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise ValueError('Send {"limit": how many, "since": a moment or nothing}.')
    if "since" in document:
        amazon.state.post.start_at(from_text(str(document["since"])))
    messages, left = amazon.take_notifications(limit)
    return {"messages": [message.as_json() for message in messages], "left": left}


_DOCUMENTS: dict[tuple[str, str], Callable[[Amazon], Any]] = {
    ("GET", "/_stats"): _stats,
    ("GET", "/_ledger"): _ledger,
    ("GET", "/_eligible"): _eligible,
    ("GET", "/_messageable"): _messageable,
    ("GET", "/_message_offers"): _message_offers,
    ("GET", "/_history"): _history,
    ("GET", "/_sellers"): _sellers,
    ("GET", "/_faults"): _faults,
    ("GET", "/_time"): _time,
}
_CHANGES: dict[tuple[str, str], Callable[[Amazon, Any], None]] = {
    ("POST", "/_faults"): _set_faults,
    ("POST", "/_time"): _set_time,
}
_TAKES: dict[tuple[str, str], Callable[[Amazon, Any], Any]] = {("POST", "/_outbox"): _take}
_PRIVATE = frozenset((("GET", "/_sellers"), *_CHANGES, *_TAKES))

__all__ = ["FaultError", "answer_record", "is_record"]
