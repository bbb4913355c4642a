"""Everything that was asked of Amazon, each attempt and each step, to be read."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from messaging.models import (
    ActionAttempt,
    ActionEvent,
    ActionFile,
    Batch,
    KillSwitch,
    MessageTemplate,
    OutgoingAction,
    StoredFile,
)
from messaging.states import Status
from solicit_dashboard.admin_base import (
    SEARCH_HELP,
    ReadOnlyAdmin,
    ReadOnlyInline,
    account_led_filter,
    period_filter,
)


class AttemptInline(ReadOnlyInline):
    model = ActionAttempt
    fields = (
        "number",
        "claimed_at",
        "finished_at",
        "abandoned_at",
        "outcome",
        "status_code",
        "code",
        "message",
        "request_id",
        "duration_ms",
    )


class EventInline(ReadOnlyInline):
    model = ActionEvent
    fields = ("at", "before", "after", "user", "reason")
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ActionEvent]:
        events: QuerySet[ActionEvent] = super().get_queryset(request)
        return events.select_related("user")


class FileInline(ReadOnlyInline):
    model = ActionFile
    fields = ("place", "name", "file")
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ActionFile]:
        files: QuerySet[ActionFile] = super().get_queryset(request)
        return files.select_related("file")


@admin.register(OutgoingAction)
class OutgoingActionAdmin(ReadOnlyAdmin):
    list_display = (
        "order",
        "account",
        "status",
        "status_at",
        "reason",
        "requested_by",
        "batch",
        "created_at",
    )
    list_display_links = ("order", "status")
    list_filter = (
        "account",
        account_led_filter("status", "state", Status.choices),
        period_filter("status_at", "last step", is_led=True),
    )
    prefetched = ("order", "account", "requested_by", "batch")
    ordering = ("-pk",)
    ordering_in_account = ("-status_at", "-pk")
    search_order = "order"
    search_help_text = "An order number or its beginning."
    linked_lookups = ("batch__id__exact",)
    inlines = (AttemptInline, FileInline, EventInline)


@admin.register(ActionAttempt)
class ActionAttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "order_number",
        "number",
        "claimed_at",
        "outcome",
        "status_code",
        "code",
        "message",
        "request_id",
    )
    list_filter = ("outcome", period_filter("claimed_at", "claimed"))
    prefetched = ("action__order",)
    ordering = ("-pk",)
    search_order = "action__order"
    day_field = "claimed_at"
    search_help_text = SEARCH_HELP

    @admin.display(description="order")
    def order_number(self, attempt: ActionAttempt) -> str:
        return attempt.action.order.amazon_order_id


@admin.register(ActionEvent)
class ActionEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "order_number", "before", "after", "user", "reason")
    prefetched = ("action__order", "user")
    ordering = ("-pk",)
    search_order = "action__order"
    search_help_text = "An order number or its beginning."

    @admin.display(description="order")
    def order_number(self, event: ActionEvent) -> str:
        return event.action.order.amazon_order_id


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = (
        "pk",
        "kind",
        "description",
        "origin",
        "created_at",
        "created_by",
        "selected",
        "queued",
        "stopped_at",
        "actions_of_batch",
    )
    list_filter = ("origin", "kind")
    prefetched = ("created_by",)
    ordering = ("-pk",)

    @admin.display(description="actions")
    def actions_of_batch(self, batch: Batch) -> SafeString:
        address = reverse("admin:messaging_outgoingaction_changelist")
        return format_html('<a href="{}?batch__id__exact={}">Show</a>', address, batch.pk)


@admin.register(KillSwitch)
class KillSwitchAdmin(ReadOnlyAdmin):
    list_display = ("set_at", "account", "kind", "reason", "set_by", "lifted_at", "lifted_by")
    prefetched = ("account", "set_by", "lifted_by")


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ReadOnlyAdmin):
    list_display = ("name", "account", "kind", "language", "changed_by", "changed_at", "deleted_at")
    prefetched = ("account", "changed_by")
    ordering = ("-pk",)


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    """What is known of each file; its content is nobody's business here."""

    list_display = (
        "name",
        "account",
        "content_type",
        "size",
        "is_scanned",
        "uploaded_by",
        "uploaded_at",
        "emptied_at",
    )
    prefetched = ("account", "uploaded_by")
    ordering = ("-pk",)
