"""What is never asked."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from sellers.models import SellerAccount


class ExclusionKind(models.TextChoices):
    ORDER = "order", "Order number"
    SKU = "sku", "SKU"
    ASIN = "asin", "ASIN"


class Exclusion(models.Model):
    """Orders that are never asked, by a fact of the order; undone, not deleted."""

    account = models.ForeignKey(SellerAccount, on_delete=models.PROTECT)
    kind = models.CharField(max_length=8, choices=ExclusionKind)
    value = models.CharField(max_length=64)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "value"],
                condition=Q(undone_at=None),
                name="one_standing_exclusion_per_value",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"
