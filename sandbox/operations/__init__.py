"""Amazon's operations: where each lives, how often it may be called, and what it answers."""

from sandbox.buckets import Plan
from sandbox.ledger import SOLICITATION
from sandbox.operations import messaging, solicitations
from sandbox.operations.lwa import exchange_token
from sandbox.operations.orders import get_order, search_orders
from sandbox.operations.reports import get_reports
from sandbox.operations.restricted import create_restricted_data_token
from sandbox.operations.routing import Call, Operation, State, match
from sandbox.operations.sellers import get_marketplace_participations

__all__ = ["LWA", "OPERATIONS", "Call", "Operation", "State", "match"]

LWA = Operation("lwa", "POST", ("auth", "o2", "token"), Plan(1000, 1000), exchange_token)

# Rates: the operations' descriptions in Amazon's models.
OPERATIONS = (
    LWA,
    Operation(
        "getSolicitationActionsForOrder",
        "GET",
        ("solicitations", "v1", "orders", None),
        Plan(1, 5),
        solicitations.get_actions,
    ),
    Operation(
        SOLICITATION,
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
        solicitations.create_solicitation,
        solicitations.may_ask,
    ),
    Operation(
        "getMessagingActionsForOrder",
        "GET",
        ("messaging", "v1", "orders", None),
        Plan(1, 5),
        messaging.get_actions,
    ),
    Operation(
        "createConfirmOrderDetails",
        "POST",
        ("messaging", "v1", "orders", None, "messages", messaging.NAME),
        Plan(1, 5),
        messaging.create_confirm_order_details,
        messaging.may_write,
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
    Operation(
        "getReports", "GET", ("reports", "2021-06-30", "reports"), Plan(0.0222, 10), get_reports
    ),
    Operation(
        "createRestrictedDataToken",
        "POST",
        ("tokens", "2021-03-01", "restrictedDataToken"),
        Plan(1, 10),
        create_restricted_data_token,
    ),
)
