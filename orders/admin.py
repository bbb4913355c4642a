"""Orders and what is never asked, to be read."""

from __future__ import annotations

from django.contrib import admin

from messaging.models import OutgoingAction
from messaging.states import TAKEN, Status
from orders.models import (
    Door,
    Exclusion,
    Order,
    OrderHint,
    OrderImport,
    OrderItem,
    OrderReport,
    OrderSync,
)
from orders.states import Refusal
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
