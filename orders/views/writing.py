"""Messages on the page of an order: what Amazon offered when it was last asked, and what moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from messaging.models import OutgoingAction
from messaging.offers import Listing, known_offers
from messaging.order_rules import MESSAGE_RULES
from messaging.progress import next_look
from messaging.seller_central import seller_central_address
from messaging.states import Status
from orders.models import Order
from orders.refusals import explain_refusal

_SOON_SECONDS = 120


@dataclass(frozen=True)
class Writing:
    """What is known of writing to the buyer, without asking; `refusal` is why nobody may.

    `seller_central` is where people do what no program can, "" where that is not known.
    """

    listing: Listing
    refusal: str = ""
    seller_central: str = ""


def writing_to(order: Order) -> Writing:
    """What the page says of messages; one query at most. Needs `check_…` annotated."""
    broken = (rule for rule in MESSAGE_RULES if not getattr(order, f"check_{rule.refusal}"))
    rule = next(broken, None)
    if rule is not None:
        return Writing(Listing(), explain_refusal(order, rule.refusal))
    address = seller_central_address(order.marketplace_id, order.amazon_order_id)
    return Writing(known_offers(order), seller_central=address)


def is_moving_message(action: OutgoingAction, now: datetime) -> bool:
    """Whether it is a message that will soon be in another state by itself."""
    if action.type.is_solicitation:
        return False
    look_at = next_look(action)
    return action.status == Status.SENDING or (
        action.status == Status.QUEUED and look_at is not None and is_soon(look_at, now)
    )


def is_soon(at: datetime, now: datetime) -> bool:
    """Whether somebody who looks at the page will still be there."""
    return (at - now).total_seconds() < _SOON_SECONDS
