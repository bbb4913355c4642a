"""Amazon's own rules for who may be asked and written to: the truth that the product can only estimate.

Shipped, sold on Amazon, not cancelled, not a replacement, not asked before, and now within
[earliest promised delivery + 5 days, latest promised delivery + 30 days]. Sources: use case guide
of the Solicitations API; an Amazon developer in selling-partner-api-models issue 4927.

A question about an order may be put before it is shipped, as often as the seller likes (model
messaging.json, createConfirmOrderDetails; issues 193 and 1662 of selling-partner-api-models).
"""

from enum import Enum

from sandbox.life import Life, Status

NO_SUCH_MESSAGE = "Invalid amazonOrderId and template combination."
"""The text of the 403 for a message that the order's state does not allow."""


class Refusal(Enum):
    """Why Amazon refuses, with the text of its 403 (facts from public issue threads)."""

    ALREADY_REQUESTED = "You have already requested a review for this order."
    OUTSIDE_WINDOW = (
        "You can\N{RIGHT SINGLE QUOTATION MARK}t use this feature to request a review outside "
        "the 5-30 day range after the order delivery date."
    )
    NOT_AVAILABLE = "The requested solicitation is not available for this amazonOrderId."


def refusal(life: Life, at: float, asked: bool) -> Refusal | None:
    """None when the order may be asked at `at`; `asked` says whether it was already."""
    if asked:
        return Refusal.ALREADY_REQUESTED
    sold_here = life.on_amazon and life.replaces is None
    if not sold_here or life.status_at(at) is not Status.SHIPPED:
        return Refusal.NOT_AVAILABLE
    if not life.opens <= at <= life.closes:
        return Refusal.OUTSIDE_WINDOW
    return None


def may_be_written_to(life: Life, at: float) -> bool:
    """Whether a question about the order may be put to its buyer at `at`."""
    return life.on_amazon and life.status_at(at) is Status.UNSHIPPED
