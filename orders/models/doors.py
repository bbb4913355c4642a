"""The doors by which orders come in, and how each of them fares."""

from __future__ import annotations

from django.db import models

from orders.states import DoorName
from sellers.models import SellerAccount


class Door(models.Model):
    """How one door of one account fares; written by orders.doors alone."""

    # found through the constraint that names it first
    account = models.ForeignKey(
        SellerAccount, on_delete=models.CASCADE, related_name="doors", db_index=False
    )
    door = models.CharField(max_length=16, choices=DoorName)
    last_worked_at = models.DateTimeField(
        null=True, blank=True, help_text="When it last did all that it had to do."
    )
    newest_heard_at = models.DateTimeField(
        null=True, blank=True, help_text="Amazon's time of the newest that came by it."
    )
    error = models.CharField(max_length=500, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    counters = models.JSONField(
        default=dict, blank=True, help_text="What was counted, by name: unknown words, unreadable …"
    )

    class Meta:
        ordering = ["account", "door"]
        constraints = [
            models.UniqueConstraint(fields=["account", "door"], name="each_door_once_an_account")
        ]

    def __str__(self) -> str:
        return f"{self.get_door_display()} of {self.account}"
