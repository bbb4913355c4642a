"""What people type to log in and about themselves."""

from __future__ import annotations

from django import forms
from django.contrib.auth.models import User

WRONG = "That name and password do not fit together."


class LogInForm(forms.Form):
    """A name (or e-mail address) and a password; nothing is told of which was wrong."""

    username = forms.CharField(
        label="User name or e-mail address",
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username webauthn", "autofocus": True, "autocapitalize": "none"}
        ),
    )
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    person: User | None = None
