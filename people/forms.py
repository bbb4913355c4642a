"""What people type to log in and about themselves."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm as _AllauthChangePasswordForm
from allauth.account.forms import ReauthenticateForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.internal.auth import get_state
from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import password_validators_help_text_html
from fido2.webauthn import UserVerificationRequirement

from people.codes import accept_app_code
from people.counters import JUNK, is_counter_new, read_counter
from people.failures import record_failure
from people.limits import PER_PERSON_AND_ADDRESS, begin_attempt
from people.recovery_codes import accept_recovery_code
from sellers.encryption import SecretUnreadableError

WRONG = "That name and password do not fit together."
WRONG_CODE = "That code is not right, or was used already. Wait for the next one."
UNREADABLE = (
    "No code can be checked: the key that encrypts them is missing here. Whoever runs the dashboard "
    "puts it back into TOKEN_KEYS, or resets your second factor."
)
WRONG_PASSWORD = "That is not your password."  # noqa: S105  (a sentence)
NO_KEY = "No passkey was made. Try again."
WRONG_KEY = "That passkey is not known here, or was not confirmed. Try again."


class LogInForm(forms.Form):
    """A name (or e-mail address) and a password; nothing is told of which was wrong."""

    username = forms.CharField(
        label="User name or e-mail address",
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}
        ),
    )
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ConfirmByPasswordForm(ReauthenticateForm):
    """The password of who is logged in; tries are limited."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs.pop("placeholder", None)

    def clean_password(self) -> str:
        attempt = begin_attempt(context.request, "confirm", "", self.user)
        password: str = self.cleaned_data["password"]
        if not self.user.check_password(password):
            record_failure(context.request, self.user, "confirm", is_last=attempt.is_last)
            raise forms.ValidationError(WRONG_PASSWORD)
        attempt.succeeded()
        return password


class _ByCode:
    """A code of an app or a recovery code; tries are limited, each code is taken once."""

    user: User
    step: str
    cleaned_data: dict[str, Any]
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attributes = self.fields["code"].widget.attrs
        attributes.pop("placeholder", None)
        attributes |= {"inputmode": "numeric", "autofocus": True}
        self.fields["code"].label = "Code of your app, or a recovery code"

    def clean_code(self) -> str:
        # Whoever comes here has the password already, so the limit needs no mercy.
        attempt = begin_attempt(context.request, "code", "", self.user, most=PER_PERSON_AND_ADDRESS)
        code = "".join(self.cleaned_data["code"].split()).replace("-", "")
        try:
            for authenticator in Authenticator.objects.filter(user=self.user):
                if self.user.is_active and _accept(authenticator, code):
                    authenticator.user = self.user
                    self.authenticator = authenticator
                    attempt.succeeded()
                    return code
        except SecretUnreadableError:
            raise forms.ValidationError(UNREADABLE) from None
        record_failure(context.request, self.user, self.step, is_last=attempt.is_last)
        raise forms.ValidationError(WRONG_CODE)


class CodeForm(_ByCode, AuthenticateForm):
    """The second step of a log-in."""

    step = "code"


class ConfirmByCodeForm(_ByCode, ReauthenticateByCodeForm):
    """A code once more, of who is logged in."""

    step = "confirm by code"


class ActivateAppForm(ActivateTOTPForm):
    """The first code of a new app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attributes = self.fields["code"].widget.attrs
        attributes.pop("placeholder", None)
        attributes |= {"inputmode": "numeric"}
        self.fields["code"].label = "Code that the app shows"

    def clean_code(self) -> str:
        attempt = begin_attempt(context.request, "activate", "", self.user)
        self.cleaned_data["code"] = "".join(self.cleaned_data["code"].split())
        code: str = super().clean_code()
        attempt.succeeded()
        return code


class CredentialField(forms.JSONField):
    """What a passkey answers, however deep it is nested and however long its numbers are."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (RecursionError, ValueError):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        return None  # what was sent is not shown again


class AddKeyForm(AddWebAuthnForm):
    """A new passkey; junk is refused."""

    credential = CredentialField()

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except JUNK:
            raise forms.ValidationError(NO_KEY) from None
        return cleaned


class _ByKey:
    """A passkey's answer; junk is refused like a wrong key. Refusals are in the audit trail.

    They are limited, though nobody guesses a key: each leaves a line there for ever.
    """

    user: User | None
    step: str
    cleaned_data: dict[str, Any]

    def clean_credential(self) -> Authenticator:
        attempt = begin_attempt(context.request, self.step, "", self.user)
        # it becomes a passkey of ours in what follows
        counter = read_counter(self.cleaned_data["credential"])
        step, person = self.step, self.user
        try:
            authenticator = self.read_credential()
            person = authenticator.user
            if not person.is_active:
                raise forms.ValidationError(WRONG_KEY)
            if not is_counter_new(authenticator, counter):
                step = f"{self.step}, its counter went back"
                raise forms.ValidationError(WRONG_KEY)
        except (forms.ValidationError, *JUNK):
            record_failure(context.request, person, step, is_last=attempt.is_last)
            raise forms.ValidationError(WRONG_KEY) from None
        attempt.succeeded()
        return authenticator

    def read_credential(self) -> Authenticator:
        """The passkey that has answered; raises ValidationError and what junk leads to."""
        return super().clean_credential()  # type: ignore[misc]


class KeyForm(_ByKey, AuthenticateWebAuthnForm):
    """The second step of a log-in."""

    credential = CredentialField()
    step = "passkey"


class LogInByKeyForm(_ByKey, LoginWebAuthnForm):
    """A log-in by a passkey alone, which has asked for a PIN, a fingerprint or a face."""

    credential = CredentialField()
    step = "passkey alone"

    def read_credential(self) -> Authenticator:
        # The session keeps one question to a passkey, whoever asked it last. The second step of a
        # log-in asks without a PIN: an answer to that is no second factor by itself.
        asked = (get_state() or {}).get("user_verification")
        if asked != UserVerificationRequirement.REQUIRED:
            raise forms.ValidationError(WRONG_KEY)
        return super().read_credential()


class ConfirmByKeyForm(_ByKey, ReauthenticateWebAuthnForm):
    """A passkey once more, of who is logged in."""

    credential = CredentialField()
    step = "confirm by passkey"


def _accept(authenticator: Authenticator, code: str) -> bool:
    if authenticator.type == Authenticator.Type.TOTP:
        return accept_app_code(authenticator, code)
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return accept_recovery_code(authenticator, code)
    return False


class FirstPersonForm(BaseUserCreationForm):
    """The first person and the code that the installation has shown."""

    field_order = ("code", "username", "email", "password1", "password2")
    code = forms.CharField(
        label="Code",
        max_length=60,
        help_text="./run --real has shown it; so does ./run manage first_run_code.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "autofocus": True}
        ),
    )
    email = forms.EmailField(label="E-mail address", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = password_validators_help_text_html()
        self.fields["username"].widget.attrs.pop("autofocus", None)

    class Meta(BaseUserCreationForm.Meta):
        fields = ("username", "email")
        labels = {"username": "User name"}
        help_texts = {"username": "Letters, digits and @ . + - _"}


class ChangePasswordForm(_AllauthChangePasswordForm):
    """The old password and a new one; tries of the old one are limited."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = ("Your password now", "New password", "New password once more")
        for name, label in zip(("oldpassword", "password1", "password2"), labels, strict=True):
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)
        self.fields["password1"].help_text = password_validators_help_text_html()

    def clean_oldpassword(self) -> str:
        attempt = begin_attempt(context.request, "confirm", "", self.user)
        password: str = self.cleaned_data["oldpassword"]
        if not self.user.check_password(password):
            record_failure(context.request, self.user, "change password", is_last=attempt.is_last)
            raise forms.ValidationError(WRONG_PASSWORD)
        attempt.succeeded()
        return password
