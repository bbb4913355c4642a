"""Orders of which somebody said that they changed, and facts that came before their order."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from sellers.models import SellerAccount


class OrderHintQuerySet(models.QuerySet["OrderHint"]):
    def due(self, now: datetime) -> Self:
        """Those that may be asked about at that moment (UTC), the longest due first."""
        return self.filter(parked_at=None, due_at__lte=now).order_by("due_at", "pk")

    def parked(self) -> Self:
        """Those about which Amazon gave no usable answer so often that nobody asks by itself."""
        return self.filter(parked_at__isnull=False)


class OrderHint(models.Model):
    """Somebody said that this order changed: Amazon is to be asked for it (getOrder).

    One row for an order however often and by whichever doors it is heard of. It goes in the
    transaction that stores the answer, unless more was heard meanwhile (`renewals`).
    """

    # found through the constraint that names it first
    account = models.ForeignKey(
        SellerAccount, on_delete=models.CASCADE, related_name="order_hints", db_index=False
    )
    amazon_order_id = models.CharField("order number", max_length=32)
    doors = models.JSONField(default=list, help_text="The doors by which it was heard of.")
    heard_at = models.DateTimeField(help_text="When it was last heard of.")
    renewals = models.PositiveIntegerField(
        default=0, help_text="How often it was heard of again while it waited."
    )
    due_at = models.DateTimeField(help_text="When Amazon may be asked.")
    attempts = models.PositiveIntegerField(
        default=0, help_text="Answers that were of no use since it was last heard of."
    )
    error = models.CharField(max_length=500, blank=True)
    parked_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was given up, until it is heard of again."
    )

    objects = OrderHintQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "amazon_order_id"], name="one_hint_an_order")
        ]
        indexes = [
            # what fetch_hinted reads next
            models.Index(
                fields=["account", "due_at", "id"],
                condition=Q(parked_at=None),
                name="hint_by_due_moment",
            )
        ]

    def __str__(self) -> str:
        return self.amazon_order_id


class EarlyFact(models.Model):
    """What a report or file told of an order that is not here yet; goes when the order comes.

    Only what the orders API does not tell: it cannot be had by asking for the order.
    """

    account = models.ForeignKey(
        SellerAccount, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    amazon_order_id = models.CharField("order number", max_length=32)
    fba_arrival_at = models.DateTimeField(null=True, blank=True)
    is_returned = models.BooleanField(default=False)
    returned_looked_at = models.DateTimeField(null=True, blank=True)
    is_refunded = models.BooleanField(default=False)
    refunded_looked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "amazon_order_id"], name="one_early_fact_an_order"
            )
        ]

    def __str__(self) -> str:
        return self.amazon_order_id
