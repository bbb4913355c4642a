"""The pages that ask who it is once more, and then go back."""

from __future__ import annotations

from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.contrib import messages
from django.http import HttpResponseBase
from django.views.generic.edit import FormView

from people.confirmation import AGAIN

NOTHING_DONE = "You have confirmed that it is you. Nothing was changed yet: send the form again."


class _BackAgain:
    """Tells whoever sent a form that it was not taken, and stays on the page when it fails."""

    request: Any

    def form_valid(self, form: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().form_valid(form)  # type: ignore[misc]
        if self.request.session.pop(AGAIN, False):
            messages.info(self.request, NOTHING_DONE)
        return response


class ConfirmByPassword(_BackAgain, ReauthenticateView):
    """The password once more."""


class ConfirmByCode(_BackAgain, ReauthenticateByCodeView):
    """A code of an app, or a recovery code."""


class ConfirmByKey(_BackAgain, ReauthenticateWebAuthnView):
    """A passkey."""

    def form_invalid(self, form: Any) -> HttpResponseBase:
        # allauth would go to the log-in page, which leads away from here who is logged in
        response: HttpResponseBase = FormView.form_invalid(self, form)
        return response


confirm_by_password = ConfirmByPassword.as_view()
confirm_by_code = ConfirmByCode.as_view()
confirm_by_key = ConfirmByKey.as_view()
