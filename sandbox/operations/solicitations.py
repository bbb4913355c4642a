"""Solicitations v1: what Amazon offers for an order, and asking the buyer.

Where Amazon does not say what it answers, the sandbox does this:
an order that does not exist, or is another seller's: 404 for both operations;
a marketplace of Amazon's in which the order was not placed: an empty list, and for the POST 403
"not available", because neither ever gives a reason; an id that is no marketplace: 400.
"""

from typing import Any

from sandbox.eligibility import Refusal, refusal
from sandbox.life import Life
from sandbox.messages import HAL, Answer, error_answer, json_answer
from sandbox.operations.parameters import the_marketplace
from sandbox.operations.routing import Call, RequestError, State
from sandbox.randomness import draw

NAME = "productReviewAndSellerFeedback"
_TITLE = "Request seller feedback and product review"


def get_actions(state: State, call: Call) -> Answer:
    """200 with the action exactly when the buyer may be asked now; else with an empty list.

    With `empty_share` an offer is left out at random, each look anew (selling-partner-api-models
    issue 187).
    """
    marketplace = the_marketplace(call.request)
    life = _order(state, call)
    why_not = judge(state, call, life, marketplace)
    kind = call.rule.kind if call.rule else ""
    if kind == "listed_although_accepted" and why_not is Refusal.ALREADY_REQUESTED:
        why_not = None
    offered = why_not is None and kind != "empty_list" and not _left_out(state, call)
    return json_answer(200, _hal(call.order_id, marketplace, offered), HAL)


def create_solicitation(state: State, call: Call) -> Answer:
    """201 exactly when the buyer may be asked now, and then Amazon has asked; else 403."""
    marketplace = the_marketplace(call.request)
    life = _order(state, call)
    why_not = judge(state, call, life, marketplace)
    if why_not is not None:
        return error_answer(403, "Unauthorized", why_not.value)
    call.accepted = True
    return json_answer(201, {})


def judge(state: State, call: Call, life: Life, marketplace: str) -> Refusal | None:
    """None when the order may be asked now through this marketplace."""
    if marketplace != life.marketplace.id:
        return Refusal.NOT_AVAILABLE
    asked = state.ledger.has(call.partner.selling_partner_id, call.order_id)
    return refusal(life, call.now, asked)


def _order(state: State, call: Call) -> Life:
    life = state.world.find(call.partner, call.order_id, call.now)
    if life is None:
        message = "The requested order was not found."
        raise RequestError(error_answer(404, "NotFound", message))
    return life


def _left_out(state: State, call: Call) -> bool:
    if not state.empty_share:
        return False
    look = state.looks[call.order_id] = state.looks.get(call.order_id, 0) + 1
    chance = draw(state.world.plan.seed, "empty list", call.order_id, look)
    return chance.random() < state.empty_share


def _hal(order_id: str, marketplace: str, offered: bool) -> dict[str, Any]:
    """The list as Amazon really sends it: name and title on the action, not under `payload`."""
    order = f"/solicitations/v1/orders/{order_id}"
    query = f"?marketplaceIds={marketplace}"
    links = {"actions": [], "self": {"href": order + query}}
    if not offered:
        return {"_links": links, "_embedded": {"actions": []}}
    action = f"{order}/solicitations/{NAME}"
    this = {"href": action + query, "name": NAME}
    schema_link = {"href": f"{action}/schema", "name": NAME}
    schema = {
        "_links": {"self": schema_link},
        "type": "object",
        "name": NAME,
        "title": _TITLE,
        "description": _TITLE,
        "properties": {},
        "required": [],
        "$schema": "http://json-schema.org/draft-04/schema#",
        "x-ui-hidden": True,
    }
    embedded = {
        "_links": {"schema": schema_link, "self": this},
        "_embedded": {"schema": schema},
        "name": NAME,
        "title": _TITLE,
    }
    return {"_links": {**links, "actions": [this]}, "_embedded": {"actions": [embedded]}}
