"""Reports that Amazon is asked for, and how far each of them is."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models

from sellers.models import SellerAccount


class ReportType(models.TextChoices):
    """The reports that are read, by Amazon's names.

    https://developer-docs.amazon.com/sp-api/docs/report-type-values
    """

    BY_UPDATE = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL", "Orders by last change"
    BY_ORDER = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL", "Orders by purchase"
    SHIPMENTS = "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL", "FBA shipments"
    FBA_RETURNS = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA", "FBA returns"
    MFN_RETURNS = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE", "Seller-fulfilled returns"


class ReportStatus(models.TextChoices):
    """How far a report is; each step to the next is one task, and can be killed."""

    WANTED = "wanted", "To be asked for"
    ASKED = "asked", "Asked for"
    CREATED = "created", "Amazon is making it"
    DOWNLOADING = "downloading", "Being fetched"
    PARSING = "parsing", "Being read"
    DONE = "done", "Read"
    EMPTY = "empty", "Nothing to report"
    FAILED = "failed", "Failed"


ENDED = (ReportStatus.DONE, ReportStatus.EMPTY, ReportStatus.FAILED)
SUCCEEDED = (ReportStatus.DONE, ReportStatus.EMPTY)


class OrderReportQuerySet(models.QuerySet["OrderReport"]):
    def due(self, now: datetime) -> Self:
        """Those whose next step may be done at that moment (UTC), the longest due first."""
        return self.filter(due_at__lte=now).order_by("due_at", "pk")

    def under_way(self) -> Self:
        """Those that have not ended."""
        return self.exclude(status__in=ENDED)


class OrderReport(models.Model):
    """One report: what it is about, and how far it is; written by orders.reports alone.

    Those of one account with the same `planned_at` were planned together.
    """

    account = models.ForeignKey(
        SellerAccount, on_delete=models.CASCADE, related_name="order_reports", db_index=False
    )
    report_type = models.CharField(max_length=64, choices=ReportType)
    marketplace_ids = models.JSONField(default=list)
    data_start = models.DateTimeField(help_text="From when on it tells.")
    data_end = models.DateTimeField(help_text="Until when it tells.")
    planned_at = models.DateTimeField()
    is_backfill = models.BooleanField(
        default=False, help_text="Of a back-fill that a person approved; else the daily reading."
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(max_length=16, choices=ReportStatus, default=ReportStatus.WANTED)
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the next step may be done; empty when it has ended."
    )
    asked_at = models.DateTimeField(null=True, blank=True)
    report_id = models.CharField(max_length=64, blank=True)
    document_id = models.CharField(max_length=255, blank=True)
    polls = models.PositiveIntegerField(
        default=0, help_text="How often Amazon was asked whether it is made."
    )
    attempts = models.PositiveIntegerField(
        default=0, help_text="Steps that failed since one succeeded."
    )
    failures = models.PositiveIntegerField(
        default=0, help_text="Reports that Amazon could not make of it."
    )
    position = models.PositiveBigIntegerField(
        default=0, help_text="Bytes of our copy that are in the tables."
    )
    lines = models.PositiveIntegerField(default=0, help_text="Orders that were read of it.")
    counters = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = OrderReportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            # what is to be done next
            models.Index(
                fields=["due_at", "id"],
                condition=models.Q(due_at__isnull=False),
                name="report_by_due_moment",
            ),
            # those of an account, planned together
            models.Index(fields=["account", "-planned_at"], name="report_by_plan"),
        ]

    def __str__(self) -> str:
        return f"{self.get_report_type_display()} of {self.account}"
