"""Amazon's own rule for who may be asked: the truth that the product can only estimate.

Shipped, sold on Amazon, not cancelled, not a replacement, not asked before, and now within
[earliest promised delivery + 5 days, latest promised delivery + 30 days]. Sources: use case guide
of the Solicitations API; an Amazon developer in selling-partner-api-models issue 4927.
"""

from enum import Enum

from sandbox.life import Life, Status


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
