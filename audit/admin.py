"""Who did what, to be read and to be taken away as a file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from audit.models import AuditEvent
from sellers.models import SellerAccount
from solicit_dashboard.access import single_value
from solicit_dashboard.admin_base import ReadOnlyAdmin, period_filter
from solicit_dashboard.audit_export import BadPeriodError, begin_export, parse_day

FORMS = {"csv": "text/csv", "json": "application/json"}


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "user", "account", "subject")
    list_filter = ("kind", period_filter("at", "when"))
    prefetched = ("user",)
    ordering = ("-pk",)
    day_field = "at"
    search_help_text = "A user name, or a day such as 2026-03-14."
    fields = ("at", "kind", "user", "account", "account_id", "subject", "detail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # by its id alone: an event has no foreign key to its account
        name = SellerAccount.objects.filter(pk=OuterRef("account_id")).values("name")
        return super().get_queryset(request).annotate(account_name=Subquery(name))

    @admin.display(description="account", empty_value="-")
    def account(self, event: Any) -> str | None:
        """The account's name of today."""
        name: str | None = event.account_name
        return name

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.export))
        return [path("export/", view, name="audit_auditevent_export"), *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What the person of that name did, or what was done on that day."""
        name = search_term.strip()
        person = User.objects.filter(username=name).first() if name else None
        if person is not None:
            return queryset.filter(user=person), False
        return super().get_search_results(request, queryset, search_term)

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """The events of the days `from` to `to` as a file, `form` csv or json."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = single_value(request.GET, "form") or "csv"
        if form not in FORMS:
            raise BadRequest(f"“{form[:40]}” is no form of a file. There are csv and json.")
        try:
            first = parse_day(single_value(request.GET, "from"))
            last = parse_day(single_value(request.GET, "to"))
            export = begin_export(first, last, user=request.user, form=form)
        except BadPeriodError as error:
            raise BadRequest(str(error)) from None
        return StreamingHttpResponse(
            export.json_lines() if form == "json" else export.csv_lines(),
            content_type=f"{FORMS[form]}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="audit.{form}"'},
        )
