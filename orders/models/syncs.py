"""How far the orders of an account were read."""

from __future__ import annotations

from django.db import models

from sellers.models import SellerAccount


class OrderSync(models.Model):
    """How far an account's orders were read; one row per account, moved in the page's transaction."""

    account = models.OneToOneField(
        SellerAccount, on_delete=models.CASCADE, related_name="order_sync"
    )
    updated_after = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Everything that Amazon changed before this moment is here.",
    )
    # A search that is under way: its parameters must be repeated exactly, its token is good for 24 h.
    search_after = models.DateTimeField(null=True, blank=True)
    search_until = models.DateTimeField(
        null=True, blank=True, help_text="Where the span ends that is read; empty for the last."
    )
    search_before = models.DateTimeField(
        null=True, blank=True, help_text="Until when Amazon's first page said it is complete."
    )
    search_started_at = models.DateTimeField(null=True, blank=True)
    next_token = models.TextField(blank=True)
    page_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last page was read: its token counts from then."
    )
    pages = models.PositiveIntegerField(default=0, help_text="Pages read of the search under way.")
    span_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How much time one search covers, since one was too long."
    )
    way = models.PositiveSmallIntegerField(
        default=0, help_text="How Amazon is asked: 0 with all data sets, 1 with fewer, 2 version 0."
    )
    way_since = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="When the next run may begin.")
    hints_due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the next order that was heard of may be asked for."
    )
    returns_looked_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when we know which orders were returned."
    )
    refunds_looked_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when we know which orders were refunded."
    )

    def __str__(self) -> str:
        return f"Orders of {self.account}"
