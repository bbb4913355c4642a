"""allauth's pages of second factors, behind our own confirmation."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.stagekit import clear_login, unstash_login
from allauth.account.views import PasswordChangeView
from allauth.mfa.base.views import IndexView, authenticate
from allauth.mfa.recovery_codes.views import generate_recovery_codes, view_recovery_codes
from allauth.mfa.totp.views import activate_totp, deactivate_totp
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    LoginWebAuthnView,
    RemoveWebAuthnView,
    edit_webauthn,
)
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.decorators.debug import sensitive_post_parameters

from people.confirmation import confirmed_recently
from people.factors import has_factor, is_address, must_have_factor
from people.first_step import is_first_step_valid
from people.limits import remember_browser
from solicit_dashboard.access import get_user


class Security(IndexView):
    """What this person logs in with, and whether that is enough for their role."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        user = get_user(self.request)
        context["lacks_factor"] = (
            settings.SECOND_FACTOR_REQUIRED and must_have_factor(user) and not has_factor(user)
        )
        # A passkey is bound to a name; a bare address has none.
        context["host_has_name"] = not is_address(self.request.get_host())
        return context


class ChangePassword(PasswordChangeView):
    """A new password; every other session of this person ends, and this browser stays known."""

    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().form_valid(form)
        remember_browser(self.request, response, get_user(self.request))
        return response


class RemoveKey(RemoveWebAuthnView):
    """A passkey goes, after a question."""

    success_url = reverse_lazy("mfa_index")


security = Security.as_view()


@login_not_required
def second_step(request: HttpRequest) -> HttpResponseBase:
    """A code or a passkey, for who gave the password that counts still."""
    login = unstash_login(request, peek=True)
    if login is not None and not is_first_step_valid(request, login.user):
        clear_login(request)
        return redirect("login")
    response: HttpResponseBase = authenticate(request)
    return response


log_in_by_key = login_not_required(LoginWebAuthnView.as_view())
change_password = sensitive_post_parameters()(confirmed_recently(ChangePassword.as_view()))
add_app = confirmed_recently(activate_totp)
remove_app = confirmed_recently(deactivate_totp)
add_key = confirmed_recently(AddWebAuthnView.as_view())
rename_key = confirmed_recently(edit_webauthn)
remove_key = confirmed_recently(RemoveKey.as_view())
show_recovery_codes = confirmed_recently(view_recovery_codes)
make_recovery_codes = confirmed_recently(generate_recovery_codes)
