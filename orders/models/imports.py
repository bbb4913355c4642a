"""What people brought as CSV: who, when, which file, what came of it. Never the file itself."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from orders.models.exclusions import ExclusionKind
from sellers.models import SellerAccount


class ImportKind(models.TextChoices):
    ORDERS = "orders", "Orders"
    EXCLUDED_ORDERS = ExclusionKind.ORDER.value, "Excluded order numbers"
    EXCLUDED_SKUS = ExclusionKind.SKU.value, "Excluded SKUs"
    EXCLUDED_ASINS = ExclusionKind.ASIN.value, "Excluded ASINs"


class OrderImport(models.Model):
    """One import of one file or pasted text; written by orders.csv_import alone."""

    account = models.ForeignKey(
        SellerAccount, on_delete=models.PROTECT, related_name="imports", db_index=False
    )
    kind = models.CharField(max_length=8, choices=ImportKind)
    client_key = models.UUIDField(unique=True, help_text="Of the page on which it was confirmed.")
    file_name = models.CharField(max_length=100, help_text="Cleaned; it was never opened by it.")
    digest = models.CharField("SHA-256", max_length=64, help_text="Of the bytes of the file.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: by the command line.",
    )
    made_at = models.DateTimeField()
    finished_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: it was cut off, and can be imported again."
    )
    rows = models.PositiveIntegerField(help_text="In the file, without the names of the columns.")
    bad_rows = models.PositiveIntegerField(default=0, help_text="Left out, as was agreed.")
    repeats = models.PositiveIntegerField(default=0, help_text="About what stood in it before.")
    elsewhere = models.PositiveIntegerField(
        default=0, help_text="Orders of another account, left out."
    )
    new = models.PositiveIntegerField(
        default=0, help_text="Orders that were not here, or exclusions that did not stand."
    )
    known = models.PositiveIntegerField(default=0, help_text="Those that were here already.")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["account", "digest"], name="import_by_file"),
            models.Index(fields=["account", "-id"], name="import_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.file_name}"
