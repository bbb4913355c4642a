"""Who may work with an account, who is asked to, and when somebody last looked whether that is right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from sellers.roles import Role

# How long a link works that makes somebody a member.
INVITATION_LASTS = timedelta(days=7)


class Membership(models.Model):
    """A person's role on an account."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    account = models.ForeignKey("sellers.SellerAccount", on_delete=models.CASCADE)
    role = models.CharField(max_length=16, choices=Role)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "account"], name="one_role_per_person_and_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.account} · {self.get_role_display()}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, at: datetime) -> Self:
        """Those that still make somebody a member at that moment (UTC).

        An invitation is worth no more than who made it: it ends with their being a manager.
        """
        managers = Membership.objects.filter(
            account_id=OuterRef("account_id"),
            user_id=OuterRef("created_by_id"),
            role=Role.MANAGER,
            user__is_active=True,
        )
        return self.filter(Exists(managers), accepted_at=None, revoked_at=None, expires_at__gt=at)


class Invitation(models.Model):
    """A link that makes whoever opens it first a member. The link is known by its hash alone."""

    account = models.ForeignKey("sellers.SellerAccount", on_delete=models.CASCADE)
    role = models.CharField(max_length=16, choices=Role)
    note = models.CharField(max_length=100, blank=True, help_text="For whom it is.")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None),
                name="invitation_accepted_or_revoked",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None, accepted_by=None)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="invitation_accepted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} · {self.get_role_display()} · {self.note or 'no note'}"


class PeopleReview(models.Model):
    """Somebody has looked at who has which role on the account, and found it right."""

    account = models.ForeignKey("sellers.SellerAccount", on_delete=models.CASCADE)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["account", "-at"], name="reviews_of_account")]

    def __str__(self) -> str:
        return f"{self.account} · {self.at:%Y-%m-%d}"
