"""Notifications: where Amazon sends them, which were taken, and those that could not be read.

Nothing here holds a message as it came: in it may stand a buyer's postal code.
"""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from sellers.models import SellerAccount


class NotificationSubscription(models.Model):
    """Amazon sends this account's order changes to our queue; the row stays when that has ended."""

    account = models.ForeignKey(
        SellerAccount, on_delete=models.CASCADE, related_name="notification_subscriptions"
    )
    subscription_id = models.CharField(max_length=100, unique=True)
    destination_id = models.CharField(max_length=100)
    queue_arn = models.CharField("queue", max_length=300)
    made_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(removed_at=None),
                name="one_open_subscription_an_account",
            )
        ]

    def __str__(self) -> str:
        return f"Notifications of {self.account}"


class NotificationQueue(models.Model):
    """How reading a queue fares; what cannot be laid at an account's door is counted here."""

    arn = models.CharField("queue", max_length=300, unique=True)
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read.")
    error = models.CharField(max_length=500, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    stranger_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it last held a message for a seller or subscription that is not ours.",
    )
    counters = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.arn


class HeardNotification(models.Model):
    """A notification that was taken, so that the next copy of it changes nothing; kept 15 days.

    A queue holds a message for 14 days at most.
    """

    key = models.CharField(
        max_length=100, unique=True, help_text="Amazon's NotificationId, else a hash of the body."
    )
    body_hash = models.CharField(max_length=64)
    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+")
    amazon_order_id = models.CharField("order number", max_length=32)
    order_status = models.CharField(max_length=32, blank=True, help_text="As it was told.")
    changed_at = models.DateTimeField(
        null=True, blank=True, help_text="Amazon's time of the change; empty where none is told."
    )
    heard_at = models.DateTimeField(db_index=True)
    copies = models.PositiveIntegerField(default=0, help_text="How often it came again.")
    differing = models.PositiveIntegerField(
        default=0, help_text="Copies that said something else; the first one counts."
    )
    is_settled = models.BooleanField(
        default=False, help_text="Looked at again: the order was here as new as was told, or asked."
    )

    class Meta:
        ordering = ["-pk"]
        indexes = [
            # what ask_again reads next
            models.Index(
                fields=["heard_at"], condition=Q(is_settled=False), name="heard_and_not_settled"
            )
        ]

    def __str__(self) -> str:
        return self.key


class ParkedNotificationQuerySet(models.QuerySet["ParkedNotification"]):
    def waiting(self) -> Self:
        """Those that nobody has had replayed with success."""
        return self.filter(replayed_at=None)


class ParkedNotification(models.Model):
    """A message that could not be read three times: out of the queue, and kept to be replayed.

    `kept` holds the few words of it that we read at all, each only if it looks as it should.
    """

    message_id = models.CharField(max_length=100, unique=True, help_text="The queue's.")
    queue_arn = models.CharField("queue", max_length=300)
    account = models.ForeignKey(
        SellerAccount, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    amazon_order_id = models.CharField("order number", max_length=32, blank=True)
    reason = models.CharField(max_length=300)
    is_new_version = models.BooleanField(
        default=False,
        help_text="A type or version of notification that this program does not know.",
    )
    kept = models.JSONField(default=dict, blank=True)
    body_hash = models.CharField(max_length=64)
    size = models.PositiveIntegerField(help_text="Bytes of the message.")
    parked_at = models.DateTimeField()
    replayed_at = models.DateTimeField(null=True, blank=True)
    replayed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = ParkedNotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.message_id
