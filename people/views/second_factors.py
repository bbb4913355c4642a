"""allauth's pages of second factors, behind our own confirmation."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.stagekit import clear_login, unstash_login
from allauth.account.views import PasswordChangeView
from allauth.mfa.base.views import IndexView, authenticate
from allauth.mfa.totp.views import ActivateTOTPView, deactivate_totp
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    LoginWebAuthnView,
    RemoveWebAuthnView,
    edit_webauthn,
)
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from audit.models import AuditKind
from audit.services import record_event
from people.confirmation import confirmed_recently
from people.factors import has_factor, is_address, must_have_factor
from people.first_step import is_first_step_valid
from people.limits import remember_browser
from people.recovery_codes import (
    NUMBER,
    count_codes,
    make_promised_codes,
    promise_codes,
    promise_new_codes,
)
from people.sessions import end_other_sessions
from solicit_dashboard.access import get_user


class Security(IndexView):
    """What this person logs in with, and whether that is enough for their role."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        user = get_user(self.request)
        context["lacks_factor"] = (
            settings.SECOND_FACTOR_REQUIRED and must_have_factor(user) and not has_factor(user)
        )
        context["codes_left"] = count_codes(user)
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


class _BringsCodes:
    """The first factor brings recovery codes, which are shown next."""

    request: Any

    def get_success_url(self) -> str:
        is_first = promise_codes(get_user(self.request))
        return reverse("mfa_view_recovery_codes" if is_first else "mfa_index")


class AddApp(_BringsCodes, ActivateTOTPView):
    """An app is set up by its first code."""


class AddKey(_BringsCodes, AddWebAuthnView):
    """A passkey is added."""


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


@confirmed_recently
@require_safe
def show_recovery_codes(request: HttpRequest) -> HttpResponse:
    """The codes, once; from then on how many are left. 404 for who has none."""
    user = get_user(request)
    codes = make_promised_codes(user)
    left = count_codes(user)
    if left is None:
        raise Http404
    context = {"codes": codes, "left": left, "number": NUMBER}
    return render(request, "mfa/recovery_codes/index.html", context)


@confirmed_recently
@require_http_methods(["GET", "HEAD", "POST"])
def make_recovery_codes(request: HttpRequest) -> HttpResponse:
    """New codes instead of the old ones, after a question; the other sessions end."""
    user = get_user(request)
    if not has_factor(user):
        return redirect("mfa_index")
    if request.method != "POST":
        context = {"codes_left": count_codes(user)}
        return render(request, "mfa/recovery_codes/generate.html", context)
    promise_new_codes(user)
    subject = user.get_username()
    record_event(AuditKind.CODES_RENEWED, user=user, subject=subject, factor="recovery_codes")
    end_other_sessions(request, user, why="recovery codes made anew")
    return redirect("mfa_view_recovery_codes")


log_in_by_key = login_not_required(LoginWebAuthnView.as_view())
change_password = sensitive_post_parameters()(confirmed_recently(ChangePassword.as_view()))
add_app = confirmed_recently(AddApp.as_view())
remove_app = confirmed_recently(deactivate_totp)
add_key = confirmed_recently(AddKey.as_view())
rename_key = confirmed_recently(edit_webauthn)
remove_key = confirmed_recently(RemoveKey.as_view())
