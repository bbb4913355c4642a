"""What is kept of log-ins for a while: attempts that count against a limit, the age of
passwords, the first-run code."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class LogInAttempt(models.Model):
    """One try that has not succeeded. Kept for as long as it counts, then deleted."""

    key = models.CharField(
        max_length=64, help_text="Keyed hash of whom and from where; names are not kept."
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["key", "at"], name="log_in_attempt_by_key"),
            models.Index(fields=["at"], name="log_in_attempt_by_time"),
        ]

    def __str__(self) -> str:
        return f"attempt at {self.at:%Y-%m-%d %H:%M}"


class PasswordAge(models.Model):
    """Since when somebody has their password; without a row, since they were made."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    changed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"password of {self.changed_at:%Y-%m-%d}"


class FirstRunCode(models.Model):
    """The code that lets somebody make the first person, as a hash. Gone once there is one."""

    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"first-run code of {self.made_at:%Y-%m-%d %H:%M}"
