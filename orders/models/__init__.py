"""Orders, what is never asked, and how orders come in."""

from orders.models.doors import Door
from orders.models.exclusions import Exclusion, ExclusionKind
from orders.models.hints import EarlyFact, OrderHint, OrderHintQuerySet
from orders.models.imports import ImportKind, OrderImport
from orders.models.notifications import (
    HeardNotification,
    NotificationQueue,
    NotificationSubscription,
    ParkedNotification,
)
from orders.models.orders import AMAZON_ORDER_ID, Order, OrderItem, OrderQuerySet
from orders.models.reports import (
    ENDED,
    SUCCEEDED,
    OrderReport,
    OrderReportQuerySet,
    ReportStatus,
    ReportType,
)
from orders.models.syncs import OrderSync

__all__ = [
    "AMAZON_ORDER_ID",
    "ENDED",
    "SUCCEEDED",
    "Door",
    "EarlyFact",
    "Exclusion",
    "ExclusionKind",
    "HeardNotification",
    "ImportKind",
    "NotificationQueue",
    "NotificationSubscription",
    "Order",
    "OrderHint",
    "OrderHintQuerySet",
    "OrderImport",
    "OrderItem",
    "OrderQuerySet",
    "OrderReport",
    "OrderReportQuerySet",
    "OrderSync",
    "ParkedNotification",
    "ReportStatus",
    "ReportType",
]
