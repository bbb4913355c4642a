"""Every operation of Amazon's Selling Partner API that this package calls, as data.

Rates are Amazon's published defaults. They hold per application, selling partner, regional
endpoint and operation; the `x-amzn-RateLimit-Limit` header of an answer overrides them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

_KIB = 1024

NOTIFICATIONS_SCOPE = "sellingpartnerapi::notifications"
"""https://developer-docs.amazon.com/sp-api/docs/grantless-operations"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: how it is called, how often it may be called, and where that is written.

    `rate` is in requests per second, `burst` in requests, `max_body` in bytes of a decoded answer.
    `success` is the one status that means that Amazon did what was asked. `scope` is that of the
    application's own token for a grantless operation, "" for one that a seller has to authorize.
    """

    name: str
    api: str
    version: str
    method: str
    path: str
    rate: float
    burst: int
    success: int
    source: str
    max_body: int = 1024 * _KIB
    scope: str = ""

    def url_path(self, **parameters: str) -> str:
        """The path with each parameter quoted into it; `/` in a value cannot add a segment.

        Raises ValueError for an empty value and for `.` and `..`, which servers and proxies
        resolve as steps in the path.
        """
        quoted = {}
        for name, value in parameters.items():
            if value in {"", ".", ".."}:
                raise ValueError(f"{name} must not be {value!r}")
            quoted[name] = quote(value, safe="")
        return self.path.format(**quoted)


_MODELS = "https://github.com/amzn/selling-partner-api-models/blob/main/models"
_SOLICITATIONS = f"{_MODELS}/solicitations-api-model/solicitations.json"
_MESSAGING = f"{_MODELS}/messaging-api-model/messaging.json"
_MESSAGING_BEFORE = (
    "https://github.com/amzn/selling-partner-api-models/blob/7c93eb1%5E/models"
    "/messaging-api-model/messaging.json"
)
_UPLOADS = f"{_MODELS}/uploads-api-model/uploads_2020-11-01.json"
_REPLENISHMENT = f"{_MODELS}/replenishment-api-model/replenishment-2022-11-07.json"
_ORDERS = f"{_MODELS}/orders-api-model/orders_2026-01-01.json"
_ORDERS_V0 = f"{_MODELS}/orders-api-model/ordersV0.json"
_NOTIFICATIONS = f"{_MODELS}/notifications-api-model/notifications.json"
_SELLERS = f"{_MODELS}/sellers-api-model/sellers.json"
_TOKENS = f"{_MODELS}/tokens-api-model/tokens_2021-03-01.json"
_REPORTS = f"{_MODELS}/reports-api-model/reports_2021-06-30.json"

GET_SOLICITATION_ACTIONS = Operation(
    name="getSolicitationActionsForOrder",
    api="solicitations",
    version="v1",
    method="GET",
    path="/solicitations/v1/orders/{order_id}",
    rate=1.0,
    burst=5,
    success=200,
    source=_SOLICITATIONS,
)
CREATE_SOLICITATION = Operation(
    name="createProductReviewAndSellerFeedbackSolicitation",
    api="solicitations",
    version="v1",
    method="POST",
    path="/solicitations/v1/orders/{order_id}/solicitations/productReviewAndSellerFeedback",
    rate=1.0,
    burst=5,
    success=201,
    source=_SOLICITATIONS,
    # Amazon answers `{}` or a short list of errors; nothing longer is of use.
    max_body=64 * _KIB,
)


def _messaging(
    name: str, path: str, method: str = "POST", success: int = 201, source: str = _MESSAGING
) -> Operation:
    path = f"/messaging/v1/orders/{{order_id}}{path}"
    # To a POST Amazon answers `{}` or a short list of errors, as for solicitations.
    most = 64 * _KIB if method == "POST" else 1024 * _KIB
    return Operation(
        name, "messaging", "v1", method, path, 1.0, 5, success, source=source, max_body=most
    )


GET_MESSAGING_ACTIONS = _messaging("getMessagingActionsForOrder", "", "GET", 200)
GET_ATTRIBUTES = _messaging("GetAttributes", "/attributes", "GET", 200)
CONFIRM_CUSTOMIZATION_DETAILS = _messaging(
    "confirmCustomizationDetails", "/messages/confirmCustomizationDetails"
)
CREATE_CONFIRM_DELIVERY_DETAILS = _messaging(
    "createConfirmDeliveryDetails", "/messages/confirmDeliveryDetails"
)
CREATE_LEGAL_DISCLOSURE = _messaging("createLegalDisclosure", "/messages/legalDisclosure")
CREATE_CONFIRM_ORDER_DETAILS = _messaging(
    "createConfirmOrderDetails", "/messages/confirmOrderDetails"
)
CREATE_CONFIRM_SERVICE_DETAILS = _messaging(
    "createConfirmServiceDetails", "/messages/confirmServiceDetails"
)
CREATE_WARRANTY = _messaging("CreateWarranty", "/messages/warranty")
CREATE_DIGITAL_ACCESS_KEY = _messaging("createDigitalAccessKey", "/messages/digitalAccessKey")
CREATE_UNEXPECTED_PROBLEM = _messaging("createUnexpectedProblem", "/messages/unexpectedProblem")
# Amazon publishes no rate for this one; all others of the API have 1 and 5.
SEND_INVOICE = _messaging("sendInvoice", "/messages/invoice")
# Withdrawn from Amazon's model on 2025-08-04 and 2026-01-30; the lists of orders may still name them.
CREATE_NEGATIVE_FEEDBACK_REMOVAL = _messaging(
    "createNegativeFeedbackRemoval",
    "/messages/negativeFeedbackRemoval",
    source=_MESSAGING_BEFORE,
)
CREATE_AMAZON_MOTORS = _messaging(
    "CreateAmazonMotors", "/messages/amazonMotors", source=_MESSAGING_BEFORE
)
CREATE_UPLOAD_DESTINATION = Operation(
    name="createUploadDestinationForResource",
    api="uploads",
    version="2020-11-01",
    method="POST",
    # A resource is a path of its own: see `spapi.uploads`, which keeps its slashes.
    path="/uploads/2020-11-01/uploadDestinations/{resource}",
    rate=10.0,
    burst=10,
    success=201,
    source=_UPLOADS,
    max_body=64 * _KIB,
)
LIST_OFFERS = Operation(
    name="listOffers",
    api="replenishment",
    version="2022-11-07",
    method="POST",
    path="/replenishment/2022-11-07/offers/search",
    rate=1.0,
    burst=1,
    success=200,
    source=_REPLENISHMENT,
)
SEARCH_ORDERS = Operation(
    name="searchOrders",
    api="orders",
    version="2026-01-01",
    method="GET",
    path="/orders/2026-01-01/orders",
    rate=0.0056,
    burst=20,
    success=200,
    source=_ORDERS,
    # A page holds up to 100 orders with all their items and packages.
    max_body=8 * 1024 * _KIB,
)
GET_ORDER = Operation(
    name="getOrder",
    api="orders",
    version="2026-01-01",
    method="GET",
    path="/orders/2026-01-01/orders/{order_id}",
    rate=0.5,
    burst=30,
    success=200,
    source=_ORDERS,
)
GET_MARKETPLACE_PARTICIPATIONS = Operation(
    name="getMarketplaceParticipations",
    api="sellers",
    version="v1",
    method="GET",
    path="/sellers/v1/marketplaceParticipations",
    rate=0.016,
    burst=15,
    success=200,
    source=_SELLERS,
)
CREATE_RESTRICTED_DATA_TOKEN = Operation(
    name="createRestrictedDataToken",
    api="tokens",
    version="2021-03-01",
    method="POST",
    path="/tokens/2021-03-01/restrictedDataToken",
    rate=1.0,
    burst=10,
    success=200,
    source=_TOKENS,
    max_body=64 * _KIB,
)


def _report(
    name: str, method: str, path: str, rate: float, burst: int = 15, success: int = 200
) -> Operation:
    path = f"/reports/2021-06-30/{path}"
    return Operation(
        name, "reports", "2021-06-30", method, path, rate, burst, success, source=_REPORTS
    )


CREATE_REPORT = _report("createReport", "POST", "reports", 0.0167, success=202)
GET_REPORTS = _report("getReports", "GET", "reports", 0.0222, burst=10)
GET_REPORT = _report("getReport", "GET", "reports/{report_id}", 2.0)
GET_REPORT_DOCUMENT = _report("getReportDocument", "GET", "documents/{document_id}", 0.0167)


def _notification(name: str, method: str, path: str, scope: str = "") -> Operation:
    path = f"/notifications/v1/{path}"
    return Operation(
        name, "notifications", "v1", method, path, 1.0, 5, 200, source=_NOTIFICATIONS, scope=scope
    )


_ONE_DESTINATION = "destinations/{destination_id}"
_BY_TYPE = "subscriptions/{notification_type}"
_ONE_SUBSCRIPTION = "subscriptions/{notification_type}/{subscription_id}"

CREATE_DESTINATION = _notification("createDestination", "POST", "destinations", NOTIFICATIONS_SCOPE)
GET_DESTINATIONS = _notification("getDestinations", "GET", "destinations", NOTIFICATIONS_SCOPE)
GET_DESTINATION = _notification("getDestination", "GET", _ONE_DESTINATION, NOTIFICATIONS_SCOPE)
DELETE_DESTINATION = _notification(
    "deleteDestination", "DELETE", _ONE_DESTINATION, NOTIFICATIONS_SCOPE
)
CREATE_SUBSCRIPTION = _notification("createSubscription", "POST", _BY_TYPE)
GET_SUBSCRIPTION = _notification("getSubscription", "GET", _BY_TYPE)
GET_SUBSCRIPTIONS = _notification("getSubscriptions", "GET", "subscriptions")
GET_SUBSCRIPTION_BY_ID = _notification(
    "getSubscriptionById", "GET", _ONE_SUBSCRIPTION, NOTIFICATIONS_SCOPE
)
DELETE_SUBSCRIPTION_BY_ID = _notification(
    "deleteSubscriptionById", "DELETE", _ONE_SUBSCRIPTION, NOTIFICATIONS_SCOPE
)


def _order_v0(name: str, path: str, rate: float, burst: int) -> Operation:
    # Named apart from those of 2026-01-01: a seller's bucket is found by the name.
    return Operation(
        f"{name}V0", "orders", "v0", "GET", path, rate, burst, 200, _ORDERS_V0, 4096 * _KIB
    )


GET_ORDERS_V0 = _order_v0("getOrders", "/orders/v0/orders", 0.0167, 20)
GET_ORDER_V0 = _order_v0("getOrder", "/orders/v0/orders/{order_id}", 0.5, 30)
GET_ORDER_ITEMS_V0 = _order_v0("getOrderItems", "/orders/v0/orders/{order_id}/orderItems", 0.5, 30)

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        operation.name: operation
        for operation in (
            GET_SOLICITATION_ACTIONS,
            CREATE_SOLICITATION,
            GET_MESSAGING_ACTIONS,
            GET_ATTRIBUTES,
            CONFIRM_CUSTOMIZATION_DETAILS,
            CREATE_CONFIRM_DELIVERY_DETAILS,
            CREATE_LEGAL_DISCLOSURE,
            CREATE_NEGATIVE_FEEDBACK_REMOVAL,
            CREATE_CONFIRM_ORDER_DETAILS,
            CREATE_CONFIRM_SERVICE_DETAILS,
            CREATE_AMAZON_MOTORS,
            CREATE_WARRANTY,
            CREATE_DIGITAL_ACCESS_KEY,
            CREATE_UNEXPECTED_PROBLEM,
            SEND_INVOICE,
            CREATE_UPLOAD_DESTINATION,
            LIST_OFFERS,
            SEARCH_ORDERS,
            GET_ORDER,
            GET_MARKETPLACE_PARTICIPATIONS,
            CREATE_RESTRICTED_DATA_TOKEN,
            CREATE_REPORT,
            GET_REPORTS,
            GET_REPORT,
            GET_REPORT_DOCUMENT,
            CREATE_DESTINATION,
            GET_DESTINATIONS,
            GET_DESTINATION,
            DELETE_DESTINATION,
            CREATE_SUBSCRIPTION,
            GET_SUBSCRIPTION,
            GET_SUBSCRIPTIONS,
            GET_SUBSCRIPTION_BY_ID,
            DELETE_SUBSCRIPTION_BY_ID,
            GET_ORDERS_V0,
            GET_ORDER_V0,
            GET_ORDER_ITEMS_V0,
        )
    }
)
