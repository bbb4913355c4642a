"""The emergency stop: everything, one account, or one kind."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from messaging.action_types import ACTION_TYPES
from sellers.models import SellerAccount


class KillSwitchQuerySet(models.QuerySet["KillSwitch"]):
    def standing(self) -> Self:
        """Those that are on."""
        return self.filter(lifted_at=None)

    def covering(self, account_id: Any, kind: Any) -> Self:
        """Those that stop this account and kind; both may be expressions."""
        return self.filter(Q(account=None) | Q(account_id=account_id), Q(kind="") | Q(kind=kind))


class KillSwitch(models.Model):
    """Nothing is claimed while it stands: everything, one account, or one kind. Kept as a record."""

    account = models.ForeignKey(
        SellerAccount, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(max_length=48, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = KillSwitchQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "kill switches"
        # Two that stop the same thing would have to be lifted twice. An account that is NULL is
        # equal to no other, hence the second.
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind"],
                condition=Q(lifted_at=None),
                name="one_standing_switch_per_account_and_kind",
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(lifted_at=None, account=None),
                name="one_standing_switch_per_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"Stop {self.scope}"

    @property
    def scope(self) -> str:
        """What it stops, in words: "everything", "Nordwind", "Review request of Nordwind"."""
        kind = ACTION_TYPES[self.kind].label if self.kind in ACTION_TYPES else self.kind
        if self.account is None:
            return f"{kind} of every account" if kind else "everything"
        return f"{kind} of {self.account.name}" if kind else self.account.name
