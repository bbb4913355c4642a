"""The tries at an outgoing action and the steps that it took: records that are never changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from messaging.states import Status


class AttemptOutcome(models.TextChoices):
    """What we know of the effect of one try."""

    ACCEPTED = "accepted", "Accepted"
    NOT_SENT = "not_sent", "Not sent"
    REJECTED = "rejected", "Rejected"
    UNKNOWN = "unknown", "Not known"


class ActionAttempt(models.Model):
    """One try, written before the call and finished after it; never changed once finished.

    When the worker died, the sweeper sets `abandoned_at` and the outcome stays empty: nobody knows.
    """

    # found through the constraint that numbers them
    action = models.ForeignKey(
        "OutgoingAction", on_delete=models.PROTECT, related_name="attempts", db_index=False
    )
    number = models.PositiveIntegerField()
    claimed_at = models.DateTimeField()
    worker = models.CharField(max_length=100, blank=True, help_text="Host and process.")
    finished_at = models.DateTimeField(null=True, blank=True)
    abandoned_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=8, choices=AttemptOutcome, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    code = models.CharField(max_length=100, blank=True)
    message = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    body = models.TextField(blank=True, help_text="Amazon's raw answer, at most 4 kB.")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["action", "number"], name="attempts_are_numbered_per_action"
            ),
            models.UniqueConstraint(
                fields=["action"],
                condition=Q(finished_at=None, abandoned_at=None),
                name="one_open_attempt_per_action",
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None) | ~Q(outcome=""), name="finished_needs_an_outcome"
            ),
        ]
        indexes = [models.Index(fields=["claimed_at"], name="attempt_by_time")]

    def __str__(self) -> str:
        return f"Attempt {self.number}"


class ActionEvent(models.Model):
    """One step of an action; replayed from "queued" they give its state. Never changed or deleted.

    Its making is no step: the action itself says when it was made and by whom.
    """

    action = models.ForeignKey("OutgoingAction", on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    before = models.CharField(max_length=16, choices=Status)
    after = models.CharField(max_length=16, choices=Status)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"
