"""Amazon's operations: where each lives, how often it may be called, and what it answers."""

from sandbox.buckets import Plan
from sandbox.faults.rules import UPLOAD
from sandbox.ledger import SOLICITATION
from sandbox.operations import (
    messaging,
    notifications,
    orders_v0,
    replenishment,
    reports,
    solicitations,
    uploads,
)
from sandbox.operations.lwa import exchange_token
from sandbox.operations.message_kinds import BY_OPERATION
from sandbox.operations.orders import get_order, search_orders
from sandbox.operations.restricted import create_restricted_data_token
from sandbox.operations.routing import Answerer, Call, Door, Operation, State, match
from sandbox.operations.sellers import get_marketplace_participations

__all__ = ["LWA", "OPERATIONS", "Call", "Operation", "State", "match"]

LWA = Operation("lwa", "POST", ("auth", "o2", "token"), Plan(1000, 1000), exchange_token)

_MESSAGING = ("messaging", "v1", "orders", None)
_UPLOADS = ("uploads", "2020-11-01", "uploadDestinations")
_REPORTS = ("reports", "2021-06-30")
_RARELY = Plan(0.0167, 15)
_DESTINATION = ("destinations", None)
_BY_TYPE = ("subscriptions", None)
_SUBSCRIPTION = ("subscriptions", None, None)
_NOTIFICATIONS: tuple[tuple[str, str, tuple[str | None, ...], Answerer, Door], ...] = (
    (
        "createDestination",
        "POST",
        ("destinations",),
        notifications.create_destination,
        Door.APPLICATION,
    ),
    (
        "getDestinations",
        "GET",
        ("destinations",),
        notifications.get_destinations,
        Door.APPLICATION,
    ),
    ("getDestination", "GET", _DESTINATION, notifications.get_destination, Door.APPLICATION),
    (
        "deleteDestination",
        "DELETE",
        _DESTINATION,
        notifications.delete_destination,
        Door.APPLICATION,
    ),
    ("createSubscription", "POST", _BY_TYPE, notifications.create_subscription, Door.SELLER),
    ("getSubscription", "GET", _BY_TYPE, notifications.get_subscription, Door.SELLER),
    (
        "getSubscriptions",
        "GET",
        ("subscriptions",),
        notifications.get_subscriptions,
        Door.SELLER,
    ),
    (
        "getSubscriptionById",
        "GET",
        _SUBSCRIPTION,
        notifications.get_subscription_by_id,
        Door.APPLICATION,
    ),
    (
        "deleteSubscriptionById",
        "DELETE",
        _SUBSCRIPTION,
        notifications.delete_subscription_by_id,
        Door.APPLICATION,
    ),
)

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
        _MESSAGING,
        Plan(1, 5),
        messaging.get_actions,
    ),
    Operation(
        "GetAttributes",
        "GET",
        (*_MESSAGING, "attributes"),
        Plan(1, 5),
        messaging.get_attributes,
    ),
    *(
        Operation(
            kind.operation,
            "POST",
            (*_MESSAGING, "messages", kind.path),
            Plan(1, 5),  # sendInvoice's is not published; all others of the API have this one
            messaging.send_message,
            messaging.may_send,
        )
        for kind in BY_OPERATION.values()
    ),
    Operation(
        "createUploadDestinationForResource",
        "POST",
        (*_UPLOADS, *_MESSAGING, "messages", None),
        Plan(10, 10),
        uploads.create_destination,
    ),
    Operation(
        "createUploadDestinationForResource",
        "POST",
        (*_UPLOADS, None),
        Plan(10, 10),
        uploads.refuse_encoded_slashes,
    ),
    *(
        Operation(
            UPLOAD,
            method,
            ("message-uploads", None, None),
            Plan(1000, 1000),
            uploads.take_file if method == "PUT" else uploads.refuse_method,
            door=Door.OPEN,
        )
        for method in ("PUT", "POST")
    ),
    Operation(
        "listOffers",
        "POST",
        ("replenishment", "2022-11-07", "offers", "search"),
        Plan(1, 1),
        replenishment.list_offers,
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
        "createRestrictedDataToken",
        "POST",
        ("tokens", "2021-03-01", "restrictedDataToken"),
        Plan(1, 10),
        create_restricted_data_token,
    ),
    Operation(
        "getOrdersV0", "GET", ("orders", "v0", "orders"), Plan(0.0167, 20), orders_v0.get_orders
    ),
    Operation(
        "getOrderV0", "GET", ("orders", "v0", "orders", None), Plan(0.5, 30), orders_v0.get_order
    ),
    Operation(
        "getOrderItemsV0",
        "GET",
        ("orders", "v0", "orders", None, "orderItems"),
        Plan(0.5, 30),
        orders_v0.get_order_items,
    ),
    Operation("createReport", "POST", (*_REPORTS, "reports"), _RARELY, reports.create_report),
    Operation("getReports", "GET", (*_REPORTS, "reports"), Plan(0.0222, 10), reports.get_reports),
    Operation("getReport", "GET", (*_REPORTS, "reports", None), Plan(2, 15), reports.get_report),
    Operation(
        "getReportDocument",
        "GET",
        (*_REPORTS, "documents", None),
        _RARELY,
        reports.get_report_document,
    ),
    Operation(
        "downloadReportDocument",
        "GET",
        ("report-documents", None),
        Plan(1000, 1000),
        reports.download_report_document,
        door=Door.OPEN,
    ),
    *(
        Operation(name, method, ("notifications", "v1", *path), Plan(1, 5), answer, door=door)
        for name, method, path, answer, door in _NOTIFICATIONS
    ),
)
