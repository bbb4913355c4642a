"""Orders and what is never asked, to be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from messaging.models import OutgoingAction
from messaging.states import TAKEN, Status
from orders.models import (
    Door,
    Exclusion,
    HeardNotification,
    NotificationQueue,
    NotificationSubscription,
    Order,
    OrderHint,
    OrderImport,
    OrderItem,
    OrderReport,
    OrderSync,
    ParkedNotification,
)
from orders.notifications.parking import CannotReplayError, replay
from orders.states import Refusal
from sellers.models import Role, SellerAccount, SellerAccountQuerySet
from solicit_dashboard.access import get_user
from solicit_dashboard.admin_base import (
    SEARCH_HELP,
    ReadOnlyAdmin,
    ReadOnlyInline,
    account_led_filter,
    period_filter,
)

SOLICITATIONS = [(status.value, status.label) for status in Status if status in TAKEN]
FIXED_REFUSALS = [
    (refusal.value, refusal.label)
    for refusal in Refusal
    if refusal not in {Refusal.WINDOW_CLOSED, Refusal.TOO_EARLY}
]


class ItemInline(ReadOnlyInline):
    model = OrderItem
    fields = ("title", "sku", "asin", "quantity", "quantity_shipped", "is_subscribe_and_save")
    show_change_link = False


class ActionInline(ReadOnlyInline):
    model = OutgoingAction
    fields = ("kind", "status", "status_at", "reason", "requested_by", "created_at")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = (
        "amazon_order_id",
        "account",
        "marketplace_id",
        "fulfilled_by",
        "purchased_at",
        "latest_delivery_at",
        "fixed_refusal",
        "solicitation",
        "solicitation_at",
    )
    list_filter = (
        "account",
        account_led_filter("solicitation", "review request", SOLICITATIONS),
        account_led_filter("fixed_refusal", "refusal", FIXED_REFUSALS),
        period_filter("purchased_at", "purchased", is_led=True),
    )
    prefetched = ("account",)
    ordering = ("-pk",)
    ordering_in_account = ("-purchased_at", "-pk")
    search_order = ""
    day_field = "purchased_at"
    is_led = True
    search_help_text = SEARCH_HELP
    inlines = (ItemInline, ActionInline)


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    list_display = ("kind", "value", "account", "reason", "created_by", "created_at", "undone_at")
    list_filter = ("account", "kind")
    prefetched = ("account", "created_by")


@admin.register(OrderImport)
class OrderImportAdmin(ReadOnlyAdmin):
    """What was brought as CSV, by whom, and what came of it."""

    list_display = ("made_at", "account", "kind", "file_name", "made_by", "rows", "new", "bad_rows")
    list_filter = ("account", "kind")
    prefetched = ("account", "made_by")


@admin.register(OrderSync)
class OrderSyncAdmin(ReadOnlyAdmin):
    """How far each account's orders were read; the token of a search under way is not shown."""

    list_display = ("account", "updated_after", "due_at", "way", "returns_looked_at")
    prefetched = ("account",)
    fields = (
        "account",
        "updated_after",
        "search_after",
        "search_until",
        "search_before",
        "search_started_at",
        "pages",
        "span_seconds",
        "way",
        "way_since",
        "due_at",
        "hints_due_at",
        "returns_looked_at",
        "refunds_looked_at",
    )


@admin.register(Door)
class DoorAdmin(ReadOnlyAdmin):
    """By which doors each account's orders come in, and how each of them fares."""

    list_display = ("account", "door", "last_worked_at", "newest_heard_at", "error", "error_at")
    list_filter = ("door",)
    prefetched = ("account",)


@admin.register(OrderHint)
class OrderHintAdmin(ReadOnlyAdmin):
    """Orders that somebody said have changed, and that Amazon has not been asked for yet."""

    list_display = ("amazon_order_id", "account", "heard_at", "due_at", "attempts", "parked_at")
    list_filter = ("account",)
    prefetched = ("account",)


@admin.register(OrderReport)
class OrderReportAdmin(ReadOnlyAdmin):
    """The reports that Amazon was asked for, and how far each of them is."""

    list_display = (
        "report_type",
        "account",
        "status",
        "data_start",
        "data_end",
        "due_at",
        "lines",
        "error",
    )
    list_filter = ("account", "status")
    prefetched = ("account", "approved_by")


@admin.register(NotificationSubscription)
class NotificationSubscriptionAdmin(ReadOnlyAdmin):
    """Which accounts' order changes Amazon sends to which queue, and until when it did."""

    list_display = ("account", "subscription_id", "queue_arn", "made_at", "removed_at")
    list_filter = ("account",)
    prefetched = ("account",)


@admin.register(NotificationQueue)
class NotificationQueueAdmin(ReadOnlyAdmin):
    """How reading the queues fares."""

    list_display = ("arn", "read_at", "error", "error_at", "stranger_at")


@admin.register(HeardNotification)
class HeardNotificationAdmin(ReadOnlyAdmin):
    """The notifications of the last 15 days."""

    list_display = (
        "key",
        "account",
        "amazon_order_id",
        "order_status",
        "changed_at",
        "heard_at",
        "copies",
        "differing",
    )
    list_filter = ("account",)
    prefetched = ("account",)


@admin.register(ParkedNotification)
class ParkedNotificationAdmin(ReadOnlyAdmin):
    """Messages that could not be read; who manages their account may have them replayed."""

    list_display = (
        "message_id",
        "account",
        "amazon_order_id",
        "reason",
        "is_new_version",
        "parked_at",
        "replayed_at",
    )
    list_filter = ("account", "is_new_version", ("replayed_at", admin.EmptyFieldListFilter))
    prefetched = ("account",)
    actions = ("replay",)  # type: ignore[assignment]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The action, for superusers and whoever manages an account."""
        user = get_user(request)
        is_open = user.is_superuser or _managed_by(user).exists()
        return super().get_actions(request) if is_open else {}

    @admin.action(description="Ask Amazon for the orders that these messages name")
    def replay(self, request: HttpRequest, rows: QuerySet[ParkedNotification]) -> None:
        """Each message is a hint again; those of accounts that are not one's own are left alone."""
        user = get_user(request)
        mine = rows if user.is_superuser else rows.filter(account__in=_managed_by(user))
        done = 0
        for row in mine:
            try:
                replay(row, user=user, at=timezone.now())
            except CannotReplayError as error:
                self.message_user(request, f"{row}: {error}", messages.WARNING)
            else:
                done += 1
        left = len(rows) - len(mine)
        if left:
            text = f"{left} of accounts that you do not manage were left alone."
            self.message_user(request, text, messages.WARNING)
        self.message_user(request, f"Amazon will be asked for {done} orders.")


def _managed_by(user: User) -> SellerAccountQuerySet:
    return SellerAccount.objects.for_user(user, Role.MANAGER)
