"""Solicitations v1: what Amazon offers for an order, and asking the buyer.

Where Amazon does not say what it answers, the sandbox does this:
an order that does not exist, or is another seller's: 404 for both operations;
a marketplace of Amazon's in which the order was not placed: an empty list, and for the POST 403
"not available", because neither ever gives a reason; an id that is no marketplace: 400.
"""

from sandbox.eligibility import Refusal, refusal
from sandbox.life import Life
from sandbox.messages import HAL, Answer, error_answer, json_answer
from sandbox.operations.offers import Schema, hal_list, is_left_out, the_order
from sandbox.operations.parameters import invalid, the_marketplace
from sandbox.operations.routing import Call, State

NAME = "productReviewAndSellerFeedback"
_TITLE = "Request seller feedback and product review"
_SCHEMA = Schema(NAME, _TITLE, _TITLE, hidden=True)


def get_actions(state: State, call: Call) -> Answer:
    """200 with the action exactly when the buyer may be asked now; else with an empty list.

    With `empty_share` an offer is left out at random, each look anew (selling-partner-api-models
    issue 187).
    """
    marketplace = the_marketplace(call.request)
    life = the_order(state, call)
    why_not = judge(state, call, life, marketplace)
    kind = call.rule.kind if call.rule else ""
    if kind == "listed_although_accepted" and why_not is Refusal.ALREADY_REQUESTED:
        why_not = None
    offered = why_not is None and kind != "empty_list" and not is_left_out(state, call)
    schemas = [_SCHEMA] if offered else []
    return json_answer(200, hal_list(call, "solicitations", marketplace, schemas), HAL)


def create_solicitation(state: State, call: Call) -> Answer:
    """201 exactly when the buyer may be asked now, and then Amazon has asked; else 403."""
    if b"marketplaceIds" in call.request.body:
        raise invalid("marketplaceIds: Missing or invalid request parameter: marketplaceId")
    marketplace = the_marketplace(call.request)
    life = the_order(state, call)
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


def may_ask(state: State, call: Call) -> bool:
    """Whether the order's buyer may be asked now, whatever else is wrong with the request."""
    life = state.world.find(call.partner, call.order_id, call.now)
    asked = state.ledger.has(call.partner.selling_partner_id, call.order_id)
    return life is not None and refusal(life, call.now, asked) is None
