"""What people wrote to be used again."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from sellers.models import SellerAccount


class MessageTemplateQuerySet(models.QuerySet["MessageTemplate"]):
    def current(self) -> Self:
        """Those that were not deleted."""
        return self.filter(deleted_at=None)


class MessageTemplate(models.Model):
    """A text for one kind of message of one account, with placeholders for facts of the order."""

    account = models.ForeignKey(SellerAccount, on_delete=models.PROTECT)
    kind = models.CharField(max_length=48, help_text="Name in Amazon's list of actions.")
    name = models.CharField(max_length=80)
    language = models.CharField(
        max_length=12,
        blank=True,
        help_text="The language that it is in, such as de; empty for any.",
    )
    text = models.TextField()
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = MessageTemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                "account",
                "kind",
                Lower("name"),
                condition=models.Q(deleted_at=None),
                name="one_template_of_a_name",
            )
        ]

    def __str__(self) -> str:
        return self.name
