"""Who did what, for ever: one append-only table that every app above may write to."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class AuditKind(models.TextChoices):
    """What an audit event is about; the words that an auditor filters by."""

    LOGGED_IN = "logged_in", "Logged in"
    LOGIN_FAILED = "login_failed", "Log-in failed"
    LOGGED_OUT = "logged_out", "Logged out"
    DENIED = "denied", "Access denied"
    REQUESTED = "requested", "Reviews requested"
    MESSAGED = "messaged", "Message requested"
    CANCELLED = "cancelled", "Sending cancelled"
    RETRIED = "retried", "Sending tried again"
    PAUSED = "paused", "Sending paused"
    RESUMED = "resumed", "Sending resumed"
    STOPPED = "stopped", "Kill switch set"
    LIFTED = "lifted", "Kill switch lifted"
    DECIDED = "decided", "Unclear outcome decided"
    CONNECTED = "connected", "Seller account connected"
    EXPORTED = "exported", "Data exported"
    INVITED = "invited", "Invitation made"
    UNINVITED = "uninvited", "Invitation revoked"
    ROLE_GIVEN = "role_given", "Role given"
    ROLE_CHANGED = "role_changed", "Role changed"
    ROLE_REMOVED = "role_removed", "Role taken away"
    PEOPLE_REVIEWED = "people_reviewed", "Roles reviewed"
    DISCONNECTED = "disconnected", "Seller account disconnected"
    APPLICATION_ADDED = "application_added", "Application added"
    APPLICATION_CHANGED = "application_changed", "Application changed"
    OAUTH_STATE_MISMATCH = "oauth_state_mismatch", "Consent came back to somebody else"
    FACTOR_ADDED = "factor_added", "Second factor added"
    FACTOR_REMOVED = "factor_removed", "Second factor removed"
    CODES_RENEWED = "codes_renewed", "Recovery codes made anew"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    SESSION_ENDED = "session_ended", "Session ended"
    FIRST_PERSON = "first_person", "First person made"
    PERSON_ADDED = "person_added", "Person added in the admin"
    PERSON_CHANGED = "person_changed", "Person changed in the admin"
    GROUP_CHANGED = "group_changed", "Group of people changed in the admin"
    IMPORTED = "imported", "CSV file imported"
    EXCLUSION_UNDONE = "exclusion_undone", "Exclusion undone"
    BACKFILLED = "backfilled", "Back-fill of orders begun"
    SUBSCRIBED = "subscribed", "Notifications set up"
    UNSUBSCRIBED = "unsubscribed", "Notifications ended"
    NOTIFICATION_REPLAYED = "notification_replayed", "Parked notification replayed"
    TEMPLATE_ADDED = "template_added", "Message template added"
    TEMPLATE_CHANGED = "template_changed", "Message template changed"
    TEMPLATE_DELETED = "template_deleted", "Message template deleted"
    ACCOUNT_CHANGED = "account_changed", "Settings of a seller account changed"


class AuditEvent(models.Model):
    """One thing that a person did or was refused. Never changed, never deleted (the database forbids it)."""

    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=32, choices=AuditKind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    account_id = models.BigIntegerField(
        null=True, blank=True, help_text="Seller account; no foreign key, the record stands alone."
    )
    subject = models.CharField(
        max_length=200, blank=True, help_text="What it was done to: an order, a batch, an address."
    )
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            # the admin's filter by kind, newest first
            models.Index(fields=["kind", "-id"], name="audit_by_kind"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject}".strip()
