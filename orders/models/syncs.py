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
    search_before = models.DateTimeField(null=True, blank=True)
    search_started_at = models.DateTimeField(null=True, blank=True)
    next_token = models.TextField(blank=True)
    page_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last page was read: its token counts from then."
    )
    pages = models.PositiveIntegerField(default=0, help_text="Pages read of the search under way.")
    due_at = models.DateTimeField(null=True, blank=True, help_text="When the next run may begin.")
    worked_at = models.DateTimeField(
        null=True, blank=True, help_text="When a search last ran to its end."
    )
    hints_due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the next order that was heard of may be asked for."
    )
    returns_looked_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when we know which orders were returned."
    )
    refunds_looked_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when we know which orders were refunded."
    )
    error = models.CharField(max_length=500, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Orders of {self.account}"
