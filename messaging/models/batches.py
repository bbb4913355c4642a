"""Batches: the outgoing actions of one click or one command."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef

from messaging.action_types import ACTION_TYPES, REVIEW_REQUEST, ActionType, Api
from messaging.models.actions import OutgoingAction
from messaging.models.kinds import unknown_type
from sellers.models import Role, SellerAccount


class Origin(models.TextChoices):
    """Where a batch came from."""

    PAGE = "page", "Dashboard"
    COMMAND = "command", "Command line"


class BatchQuerySet(models.QuerySet["Batch"]):
    def for_user(
        self, user: AbstractBaseUser | AnonymousUser, at_least: Role = Role.VIEWER
    ) -> Self:
        """The batches that hold an action of an account on which this person has such a role."""
        accounts = SellerAccount.objects.for_user(user, at_least)
        return self.filter(
            Exists(OutgoingAction.objects.filter(batch=OuterRef("pk"), account__in=accounts))
        )


class Batch(models.Model):
    """The outgoing actions of one click (or one command)."""

    client_key = models.UUIDField(
        unique=True, default=uuid.uuid4, help_text="Made with the form: one form makes one batch."
    )
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.PAGE)
    kind = models.CharField(
        max_length=48, default=REVIEW_REQUEST.name, help_text="Name in Amazon's list of actions."
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    description = models.CharField(
        max_length=300, blank=True, help_text="What was selected, in words."
    )
    release_at = models.DateTimeField(help_text="End of the hold: nothing is sent before.")
    selected = models.PositiveIntegerField(default=0, help_text="How many orders were selected.")
    queued = models.PositiveIntegerField(default=0, help_text="How many actions were made.")
    skipped = models.JSONField(
        default=dict,
        help_text="How many orders were left out: by account id, then by reason (a refusal or a"
        " state).",
    )
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return f"Batch {self.pk}"

    @property
    def type(self) -> ActionType:
        """What it asks for."""
        # there is one solicitation: what is not known is a message
        return ACTION_TYPES.get(self.kind) or unknown_type(self.kind, Api.MESSAGING)

    def left_out(self, account_ids: Collection[int]) -> Counter[str]:
        """How many orders of these accounts were left out, by reason."""
        counts: Counter[str] = Counter()
        for account_id in account_ids:
            counts.update(self.skipped.get(str(account_id), {}))
        return counts
