"""What Amazon last said that may be written to an order's buyer."""

from __future__ import annotations

from django.db import models

from orders.models import Order


class OrderOffers(models.Model):
    """Amazon's last list of messages for an order, as a person was shown it, and when (UTC)."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="message_offers")
    asked_at = models.DateTimeField()
    offers = models.JSONField(
        default=list, help_text="Each with its name, title, description, reason and limits."
    )
    locale = models.CharField(max_length=20, blank=True, help_text="The buyer's language.")

    class Meta:
        verbose_name_plural = "order offers"

    def __str__(self) -> str:
        return f"Offers for order {self.order_id}"
