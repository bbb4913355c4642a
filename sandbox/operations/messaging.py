"""Messaging v1: which messages Amazon offers for an order, and a question to its buyer.

Amazon delivers every message that it accepts: there is no key that would make a second POST
harmless, no id in the answer, and nothing in the list that tells what was sent.
Where Amazon does not say what it answers, the sandbox does as for solicitations: 404 for an order
that the seller does not have, an empty list and 403 for another marketplace.
"""

import json
from typing import Any

from sandbox.eligibility import NO_SUCH_MESSAGE, may_be_written_to
from sandbox.messages import HAL, JSON, Answer, Request, error_answer, json_answer
from sandbox.operations.offers import Schema, hal_list, is_left_out, the_order
from sandbox.operations.parameters import invalid, the_marketplace
from sandbox.operations.routing import Call, RequestError, State

NAME = "confirmOrderDetails"
MOST_CHARACTERS = 2000
# Title and description are ours, in the manner of the captured ones of other messages.
_SCHEMA = Schema(
    NAME,
    "Ask a question about the order",
    "Ask your customer an order-related question prior to shipping their order.",
    properties={
        "rawMessageBody": {
            "type": "string",
            "title": "Explain why you are contacting and any action you need your customer to take. ",
            "description": "2000 character limit. Only links related to order completion are allowed, "
            "no HTML or email addresses.",
            "x-ui-field-type": "text",
            "minLength": 1,
            "maxLength": MOST_CHARACTERS,
        }
    },
    required=("rawMessageBody",),
)


def get_actions(state: State, call: Call) -> Answer:
    """200 with the question exactly when it may be put now; else with an empty list.

    With `empty_share` an offer is left out at random, as in the list of solicitations.
    """
    marketplace = the_marketplace(call.request)
    offered = _is_possible(state, call, marketplace)
    kind = call.rule.kind if call.rule else ""
    offered = offered and kind != "empty_list" and not is_left_out(state, call)
    schemas = [_SCHEMA] if offered else []
    return json_answer(200, hal_list(call, "messaging", marketplace, schemas), HAL)


def create_confirm_order_details(state: State, call: Call) -> Answer:
    """201 exactly when the question may be put now, and then the buyer has got it; else 400 or 403."""
    marketplace = the_marketplace(call.request)
    _check_body(call.request)
    if not _is_possible(state, call, marketplace):
        return error_answer(403, "Unauthorized", NO_SUCH_MESSAGE)
    call.accepted = True
    return json_answer(201, {})


def may_write(state: State, call: Call) -> bool:
    """Whether the order's buyer may be written to now, whatever else is wrong with the request."""
    life = state.world.find(call.partner, call.order_id, call.now)
    return life is not None and may_be_written_to(life, call.now)


def message_text(request: Request) -> str:
    """The text that a POST holds for the buyer, empty when it holds none that can be read."""
    try:
        document = json.loads(request.body)
    except ValueError:
        return ""
    text = document.get("text") if isinstance(document, dict) else None
    # Half a surrogate pair could not be shown in the record.
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""


def _is_possible(state: State, call: Call, marketplace: str) -> bool:
    life = the_order(state, call)
    return marketplace == life.marketplace.id and may_be_written_to(life, call.now)


def _check_body(request: Request) -> None:
    """The body is as the model CreateConfirmOrderDetailsRequest has it, with nothing else; else 400."""
    if not request.headers.get("content-type", "").startswith(JSON):
        message = "The request payload is in an unsupported format."
        raise RequestError(error_answer(415, "UnsupportedMediaType", message))
    try:
        document: Any = json.loads(request.body)
    except ValueError:
        raise invalid("Request body is not valid JSON.") from None
    if not isinstance(document, dict) or set(document) != {"text"}:
        raise invalid("Invalid Input", "The body is an object with the one key text.")
    text = document["text"]
    # Amazon does not say how it counts; the sandbox takes the larger number, UTF-16 units.
    if not isinstance(text, str) or not 1 <= _length(text) <= MOST_CHARACTERS:
        raise invalid("Invalid Input", f"text: 1 to {MOST_CHARACTERS} characters.")


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
