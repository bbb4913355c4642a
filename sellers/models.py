"""Seller accounts, who may work with them, and the credentials they are reached with."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models

from sellers.consent_models import ConsentState
from sellers.encryption import decrypt_secret, encrypt_secret
from sellers.membership_models import Invitation, Membership, PeopleReview
from sellers.roles import Role

__all__ = [
    "AccountMarketplace",
    "Application",
    "ApplicationQuerySet",
    "Connection",
    "ConsentState",
    "Invitation",
    "Membership",
    "PeopleReview",
    "Region",
    "Role",
    "SellerAccount",
    "SellerAccountQuerySet",
]


class Region(models.TextChoices):
    """Amazon's three regional endpoints; an authorization is good for one of them."""

    NA = "na", "North America"
    EU = "eu", "Europe"
    FE = "fe", "Far East"


class Connection(models.TextChoices):
    """Whether Amazon lets us in."""

    CONNECTED = "connected", "Connected"
    RECONNECT = "reconnect", "Reconnect: Amazon no longer accepts the token"
    ROLE_MISSING = "role_missing", "A role is missing in the application"
    DISCONNECTED = "disconnected", "Disconnected"


def utc_today() -> date:
    """The day that it is in UTC."""
    return datetime.now(UTC).date()


class ApplicationQuerySet(models.QuerySet["Application"]):
    def for_user(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The applications that this person may use and change; nothing for a stranger.

        Theirs are those of the accounts that they manage, and those that they added and that no
        account uses yet: on the others rests the sending of people whom they may have left. What
        nobody can be found for is the superusers', beside all that they have added themselves.
        """
        if not user.is_authenticated:
            return self.none()
        managed = SellerAccount.objects.for_user(user, Role.MANAGER)
        theirs = models.Q(pk__in=managed.values("application_id"))
        added = models.Q(created_by_id=user.pk)
        in_use = models.Q(pk__in=SellerAccount.objects.values("application_id"))
        if not getattr(user, "is_superuser", False):
            return self.filter(theirs | added & ~in_use)
        managers = Membership.objects.filter(role=Role.MANAGER, user__is_active=True)
        managed_by_nobody = ~models.Q(pk__in=managers.values("account__application_id"))
        left = models.Q(created_by=None) | models.Q(created_by__is_active=False) | in_use
        return self.filter(theirs | added | managed_by_nobody & left)

    def gone_from(self, user: AbstractBaseUser) -> Self:
        """The applications that this person added and that others look after now.

        Who added one and manages none of the accounts that use it neither sees nor changes it: it
        is told that it is there.
        """
        return self.filter(created_by_id=user.pk).exclude(pk__in=self.for_user(user).values("pk"))


class Application(models.Model):
    """An application registered with Amazon: the LWA client that all its sellers are reached through."""

    name = models.CharField(max_length=100)
    client_id = models.CharField(max_length=200, unique=True)
    client_secret_encrypted = models.BinaryField()
    secret_made_on = models.DateField(
        default=utc_today,
        help_text="When the client secret was made; Amazon takes it for 180 days.",
    )
    application_id = models.CharField(
        max_length=100,
        blank=True,
        help_text="amzn1.sp.solution.…; only consent at Amazon needs it.",
    )
    is_public = models.BooleanField(
        default=False, help_text="Only public applications may send sellers to Amazon to consent."
    )
    is_draft = models.BooleanField(
        default=False, help_text="Not published yet: the consent page is asked for its beta."
    )
    redirect_uri = models.CharField(
        max_length=500, blank=True, help_text="Where Amazon sends sellers back to, as registered."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def client_secret(self) -> str:
        """The LWA client secret in the clear; never log or show it."""
        return decrypt_secret(self.client_secret_encrypted, context=self._secret_context)

    @client_secret.setter
    def client_secret(self, value: str) -> None:
        self.client_secret_encrypted = encrypt_secret(value, context=self._secret_context)

    @property
    def _secret_context(self) -> str:
        return f"application:{self.client_id}:client_secret"


class SellerAccountQuerySet(models.QuerySet["SellerAccount"]):
    def for_user(
        self, user: AbstractBaseUser | AnonymousUser, at_least: Role = Role.VIEWER
    ) -> Self:
        """The accounts on which this person has that role or a higher one; nothing for a stranger."""
        if not user.is_authenticated:
            return self.none()
        roles = [role for role in Role if role.includes(at_least)]
        return self.filter(
            pk__in=Membership.objects.filter(user_id=user.pk, role__in=roles).values("account_id")
        )

    def sending(self) -> Self:
        """The accounts for which something may leave now."""
        return self.filter(connection=Connection.CONNECTED, paused_at=None)

    def reachable(self) -> Self:
        """The accounts that Amazon answers for, paused or not."""
        return self.filter(connection=Connection.CONNECTED)


class SellerAccount(models.Model):
    """One selling partner in one region. Disconnected, never deleted: a reconnect finds its history."""

    name = models.CharField(max_length=100)
    selling_partner_id = models.CharField(max_length=32)
    region = models.CharField(max_length=2, choices=Region)
    application = models.ForeignKey(Application, on_delete=models.PROTECT)
    refresh_token_encrypted = models.BinaryField(blank=True, default=b"")
    authorized_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When we got the refresh token; Amazon wants it renewed yearly.",
    )
    connection = models.CharField(max_length=16, choices=Connection, default=Connection.CONNECTED)
    trouble = models.CharField(
        max_length=500, blank=True, help_text="What Amazon said when the connection was lost."
    )
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    pause_reason = models.CharField(max_length=300, blank=True)
    one_message_per_order = models.BooleanField(
        default=False,
        help_text="Refuse a message after a review request, and the other way round.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership")

    objects = SellerAccountQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            # a reconnect must find the account's history, so that nobody is asked again
            models.UniqueConstraint(
                fields=["selling_partner_id", "region"], name="one_account_per_partner_and_region"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def refresh_token(self) -> str:
        """The LWA refresh token in the clear; never log or show it. Empty when disconnected."""
        if not self.refresh_token_encrypted:
            return ""
        return decrypt_secret(self.refresh_token_encrypted, context=self._token_context)

    @refresh_token.setter
    def refresh_token(self, value: str) -> None:
        self.refresh_token_encrypted = encrypt_secret(value, context=self._token_context)

    @property
    def _token_context(self) -> str:
        return f"seller:{self.selling_partner_id}:{self.region}:refresh_token"

    @property
    def is_sending(self) -> bool:
        """Whether something may leave for this account now."""
        return self.connection == Connection.CONNECTED and self.paused_at is None

    def why_held(self) -> str:
        """The sentence that says why nothing leaves, or nothing when it may."""
        if self.connection == Connection.RECONNECT:
            return "Reconnect the account: Amazon no longer accepts its token."
        if self.connection == Connection.ROLE_MISSING:
            return (
                "Amazon refuses the application: a role is missing, or the token is older than it."
            )
        if self.connection == Connection.DISCONNECTED:
            return "The account is disconnected."
        if self.paused_at is not None:
            return "The account is paused."
        return ""


class AccountMarketplace(models.Model):
    """A marketplace in which the account sells, as getMarketplaceParticipations told it."""

    account = models.ForeignKey(
        SellerAccount, on_delete=models.CASCADE, related_name="marketplaces"
    )
    marketplace_id = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=8)
    domain = models.CharField(max_length=100)
    is_participating = models.BooleanField(default=True)

    class Meta:
        ordering = ["country"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "marketplace_id"], name="marketplace_once_per_account"
            )
        ]

    def __str__(self) -> str:
        return self.name
