"""Why not, in a sentence."""

from __future__ import annotations

from datetime import UTC, datetime

from orders.eligibility import ReviewWindow
from orders.models import Order
from orders.states import Refusal


def explain_refusal(order: Order, refusal: Refusal, window: ReviewWindow | None = None) -> str:
    """The sentence that tells a person why this order may not be asked, with the facts in UTC."""
    if refusal == Refusal.TOO_EARLY:
        return f"Can be asked from {_moment(order.opens_at(window))}."
    if refusal == Refusal.WINDOW_CLOSED:
        return f"The window closed on {_moment(order.closes_at(window))}."
    if refusal == Refusal.NOT_SHIPPED:
        return f"Not shipped yet: Amazon says “{order.fulfillment_label}”."
    return {
        Refusal.NOT_AMAZON: "Not sold on Amazon, so Amazon cannot ask the buyer.",
        Refusal.CANCELLED: "The order was cancelled.",
        Refusal.REPLACEMENT: "It replaces or exchanges another order.",
        Refusal.RETURNED: "The order was returned.",
        Refusal.REFUNDED: "The order was refunded.",
        Refusal.EXCLUDED: "The order is on the list of exclusions.",
        Refusal.PARTIAL: "Known from a report or a file; Amazon is being asked for the details.",
        Refusal.NO_DATES: "Amazon has not said when it is delivered, and it cannot be estimated yet.",
    }[refusal]


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%-d %b %Y %H:%M UTC") if at else "an unknown date"
