"""Applications, accounts and who may work with them. Secrets are never shown, encrypted or not."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.decorators import method_decorator

from audit.models import AuditKind
from audit.services import record_event
from people.confirmation import confirmed_recently
from sellers.consent_models import ConsentState
from sellers.memberships import (
    MembershipError,
    change_role,
    is_only_manager,
    remove_member,
    require_other_manager,
)
from sellers.models import (
    AccountMarketplace,
    Application,
    Invitation,
    Membership,
    PeopleReview,
    Role,
    SellerAccount,
)
from solicit_dashboard.access import get_user
from solicit_dashboard.admin_base import AnyModelAdmin, ReadOnlyAdmin, ReadOnlyInline


class MarketplaceInline(ReadOnlyInline):
    model = AccountMarketplace
    fields = ("name", "marketplace_id", "country", "currency", "language", "is_participating")
    show_change_link = False


class MembershipInline(ReadOnlyInline):
    model = Membership
    fields = ("user", "role", "created_at")


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    list_display = ("name", "client_id", "is_public", "secret_made_on", "created_at")
    fields = (
        "name",
        "client_id",
        "secret_made_on",
        "application_id",
        "is_public",
        "is_draft",
        "redirect_uri",
        "created_by",
        "created_at",
    )


@admin.register(SellerAccount)
class SellerAccountAdmin(ReadOnlyAdmin):
    list_display = ("name", "selling_partner_id", "region", "connection", "paused_at", "created_at")
    list_filter = ("region", "connection")
    fields = (
        "name",
        "selling_partner_id",
        "region",
        "application",
        "authorized_at",
        "connection",
        "trouble",
        "paused_at",
        "paused_by",
        "pause_reason",
        "created_at",
    )
    inlines = (MarketplaceInline, MembershipInline)


class MembershipForm(forms.ModelForm):
    """A role; never is an account left without a manager."""

    class Meta:
        model = Membership
        fields = ("user", "account", "role")

    def clean_role(self) -> str:
        role: str = self.cleaned_data["role"]
        if self.instance.pk and role != Role.MANAGER:
            try:
                require_other_manager(self.instance)
            except MembershipError as error:
                raise forms.ValidationError(str(error)) from None
        return role


@method_decorator(confirmed_recently, name="changeform_view")
@method_decorator(confirmed_recently, name="delete_view")
@admin.register(Membership)
class MembershipAdmin(AnyModelAdmin):
    """Who has which role on which account: no record, so a superuser changes it here, on record."""

    form = MembershipForm
    actions = None  # each on its own page, so that each stands in the audit trail
    list_display = ("user", "account", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "account")
    search_fields = ("user__username", "account__name")
    ordering = ("account__name", "user__username")
    fields = ("user", "account", "role")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Membership | None = None
    ) -> tuple[str, ...]:
        return ("user", "account") if obj else ()

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if change:
            change_role(obj, Role(obj.role), get_user(request))
            return
        super().save_model(request, obj, form, change)
        record_event(
            AuditKind.ROLE_GIVEN,
            user=request.user,
            account_id=obj.account_id,
            subject=obj.user.get_username(),
            role=obj.role,
        )

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        remove_member(obj, get_user(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return _is_superuser(request) and (obj is None or not is_only_manager(obj))


@admin.register(ConsentState)
class ConsentStateAdmin(ReadOnlyAdmin):
    """Journeys to Amazon's consent page; the digests that tie one to its browser are left out."""

    list_display = ("name", "region", "account", "user", "started_at", "used_at")
    prefetched = ("account", "user")
    fields = (
        "name",
        "region",
        "account",
        "user",
        "application",
        "selling_partner_id",
        "redirect_uri",
        "started_at",
        "used_at",
    )


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("account", "role", "note", "created_by", "created_at", "accepted_by")
    list_filter = ("role",)
    prefetched = ("account", "created_by", "accepted_by")
    fields = (
        "account",
        "role",
        "note",
        "created_by",
        "created_at",
        "expires_at",
        "accepted_by",
        "accepted_at",
        "revoked_by",
        "revoked_at",
    )


@admin.register(PeopleReview)
class PeopleReviewAdmin(ReadOnlyAdmin):
    list_display = ("account", "at", "by")
    prefetched = ("account", "by")
    fields = ("account", "at", "by")


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
