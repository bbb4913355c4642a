"""The page that asks who it is once more, and then goes back."""

from __future__ import annotations

from typing import Any

from allauth.account.views import ReauthenticateView
from django.contrib import messages
from django.http import HttpResponseBase

from people.confirmation import AGAIN

NOTHING_DONE = "You have confirmed that it is you. Nothing was changed yet: send the form again."


class _BackAgain:
    """Tells whoever sent a form that it was not taken."""

    request: Any

    def form_valid(self, form: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().form_valid(form)  # type: ignore[misc]
        if self.request.session.pop(AGAIN, False):
            messages.info(self.request, NOTHING_DONE)
        return response


class ConfirmByPassword(_BackAgain, ReauthenticateView):
    """The password once more."""


confirm_by_password = ConfirmByPassword.as_view()
