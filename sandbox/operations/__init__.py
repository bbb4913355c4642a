"""Amazon's operations: where each lives, how often it may be called, and what it answers."""

from sandbox.buckets import Plan
from sandbox.operations.lwa import exchange_token
from sandbox.operations.orders import get_order, search_orders
from sandbox.operations.routing import Call, Operation, State, match
from sandbox.operations.sellers import get_marketplace_participations
from sandbox.operations.solicitations import create_solicitation, get_actions

__all__ = ["LWA", "OPERATIONS", "POST_NAME", "Call", "Operation", "State", "match"]

POST_NAME = "createProductReviewAndSellerFeedbackSolicitation"

LWA = Operation("lwa", "POST", ("auth", "o2", "token"), Plan(1000, 1000), exchange_token)

# Rates: the operations' descriptions in Amazon's models.
OPERATIONS = (
    LWA,
    Operation(
        "getSolicitationActionsForOrder",
        "GET",
        ("solicitations", "v1", "orders", None),
        Plan(1, 5),
        get_actions,
    ),
    Operation(
        POST_NAME,
        "POST",
        (
            "solicitations",
            "v1",
            "orders",
            None,
            "solicitations",
            "productReviewAndSellerFeedback",
        ),
        Plan(1, 5),
        create_solicitation,
    ),
    Operation(
        "searchOrders", "GET", ("orders", "2026-01-01", "orders"), Plan(0.0056, 20), search_orders
    ),
    Operation(
        "getOrder", "GET", ("orders", "2026-01-01", "orders", None), Plan(0.5, 30), get_order
    ),
    Operation(
        "getMarketplaceParticipations",
        "GET",
        ("sellers", "v1", "marketplaceParticipations"),
        Plan(0.016, 15),
        get_marketplace_participations,
    ),
)
