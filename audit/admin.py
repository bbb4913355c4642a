"""Who did what, to be read."""

from __future__ import annotations

from django.contrib import admin

from audit.models import AuditEvent
from solicit_dashboard.admin_base import ReadOnlyAdmin, period_filter


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "user", "account_id", "subject")
    list_filter = ("kind", period_filter("at", "when"))
    prefetched = ("user",)
    ordering = ("-pk",)
    fields = ("at", "kind", "user", "account_id", "subject", "detail")
