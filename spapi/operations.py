"""Every operation of Amazon's Selling Partner API that this package calls, as data.

Rates are Amazon's published defaults. They hold per application, selling partner, regional
endpoint and operation; the `x-amzn-RateLimit-Limit` header of an answer overrides them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

_KIB = 1024


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: how it is called, how often it may be called, and where that is written.

    `rate` is in requests per second, `burst` in requests, `max_body` in bytes of a decoded answer.
    `success` is the one status that means that Amazon did what was asked.
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
_ORDERS = f"{_MODELS}/orders-api-model/orders_2026-01-01.json"
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
GET_MESSAGING_ACTIONS = Operation(
    name="getMessagingActionsForOrder",
    api="messaging",
    version="v1",
    method="GET",
    path="/messaging/v1/orders/{order_id}",
    rate=1.0,
    burst=5,
    success=200,
    source=_MESSAGING,
)
CREATE_CONFIRM_ORDER_DETAILS = Operation(
    name="createConfirmOrderDetails",
    api="messaging",
    version="v1",
    method="POST",
    path="/messaging/v1/orders/{order_id}/messages/confirmOrderDetails",
    rate=1.0,
    burst=5,
    success=201,
    source=_MESSAGING,
    # Amazon answers `{}` or a short list of errors, as for solicitations.
    max_body=64 * _KIB,
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
GET_REPORTS = Operation(
    name="getReports",
    api="reports",
    version="2021-06-30",
    method="GET",
    path="/reports/2021-06-30/reports",
    rate=0.0222,
    burst=10,
    success=200,
    source=_REPORTS,
)

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        operation.name: operation
        for operation in (
            GET_SOLICITATION_ACTIONS,
            CREATE_SOLICITATION,
            GET_MESSAGING_ACTIONS,
            CREATE_CONFIRM_ORDER_DETAILS,
            SEARCH_ORDERS,
            GET_ORDER,
            GET_MARKETPLACE_PARTICIPATIONS,
            CREATE_RESTRICTED_DATA_TOKEN,
            GET_REPORTS,
        )
    }
)
