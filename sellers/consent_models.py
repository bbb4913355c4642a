"""Journeys to Amazon's consent page that have begun and not come back."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ConsentState(models.Model):
    """One journey to Amazon's consent page, known by the digest of the `state` that it carries.

    It is good for one return, in the session and by the person that began it, within ten minutes.
    """

    state_digest = models.CharField(max_length=64, unique=True)
    session_digest = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    application = models.ForeignKey(
        "sellers.Application", on_delete=models.CASCADE, related_name="+"
    )
    region = models.CharField(max_length=2)
    account = models.ForeignKey(
        "sellers.SellerAccount",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The account that is renewed; none for a new one.",
    )
    name = models.CharField(max_length=100, help_text="What a new account will be called.")
    selling_partner_id = models.CharField(
        max_length=32, blank=True, help_text="Who has to come back, where that is known before."
    )
    redirect_uri = models.CharField(max_length=500)
    started_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["started_at"], name="consent_by_age")]

    def __str__(self) -> str:
        return f"{self.name} · {self.region} · {self.started_at:%Y-%m-%d %H:%M}"
