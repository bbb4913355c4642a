"""What the forms of applications and connections take. No form shows a secret again."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.http import QueryDict
from django.urls import reverse

from sellers.applications import ApplicationFacts
from sellers.connection import ConnectError
from sellers.consent import places
from sellers.models import Application, Region, SellerAccount, utc_today
from solicit_dashboard.env_reader import is_loopback
from spapi import MARKETPLACES

APPLICATION_ID = re.compile(r"amzn1\.(sp\.solution|sellerapps\.app)\.[0-9a-zA-Z-]{1,64}")
_NAME_FAULTS = {
    "required": "Give it a name.",
    "max_length": "A name has at most 100 characters.",
}
_NOT_LISTED = "Choose one from the list."


def _text(label: str, *, help_text: str = "", **options: Any) -> forms.CharField:
    widget = options.pop("widget", forms.TextInput)
    # a browser that keeps passwords has none to fill in here, and none to keep
    completes = "new-password" if widget is forms.PasswordInput else "off"
    attributes = {"autocomplete": completes, "spellcheck": "false"}
    return forms.CharField(
        label=label, help_text=help_text, widget=widget(attrs=attributes), **options
    )


def _secret(label: str, *, help_text: str = "", required: bool = True, fault: str) -> Any:
    return _text(
        label,
        help_text=help_text,
        required=required,
        widget=forms.PasswordInput,
        error_messages={"required": fault},
    )


class SayingForm(forms.Form):
    """A form that can show what the services said of what it holds."""

    def blame(self, error: ConnectError) -> None:
        """The sentence stands at the field that it is about, or above the form."""
        self.add_error(error.field if error.field in self.fields else None, str(error))


class ApplicationForm(SayingForm):
    """An application; without `application` a new one."""

    name = _text("Name", max_length=100, error_messages=_NAME_FAULTS)
    client_id = _text(
        "LWA client id",
        max_length=200,
        help_text="Begins with amzn1.application-oa2-client.",
        error_messages={"required": "The LWA client id is missing."},
    )
    client_secret = _secret("LWA client secret", fault="The client secret is missing.")
    secret_made_on = forms.DateField(
        label="Secret made on",
        help_text="Amazon takes a secret for 180 days.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Say when it was made.", "invalid": "Write it as 2026-03-10."},
    )
    is_public = forms.BooleanField(
        label="Public application: sellers may be sent to Amazon to consent", required=False
    )
    application_id = _text(
        "Application id",
        required=False,
        max_length=100,
        help_text="Begins with amzn1.sp.solution. Only a public application needs it.",
    )
    is_draft = forms.BooleanField(
        label="Not published yet (its consent page is a beta)", required=False
    )
    redirect_uri = _text(
        "Redirect URI",
        required=False,
        max_length=500,
        help_text="As registered with Amazon. Empty: this dashboard's own address.",
    )

    def __init__(
        self, data: QueryDict | None = None, *, application: Application | None = None
    ) -> None:
        initial = {"secret_made_on": utc_today()}
        if application is not None:
            initial = {
                name: getattr(application, name)
                for name in self.base_fields
                if name[:7] != "client_"
            }
        super().__init__(data, initial=initial)
        self.application = application
        if application is not None:
            del self.fields["client_id"]
            self.fields["client_secret"].required = False
            self.fields["client_secret"].help_text = "Empty: the stored one stays."

    def clean_secret_made_on(self) -> date:
        """A day that has been."""
        day: date = self.cleaned_data["secret_made_on"]
        if day > utc_today():
            raise forms.ValidationError("That day has not come yet.")
        return day

    def clean_application_id(self) -> str:
        """Amazon's id of the application, not the client id of LWA."""
        given = str(self.cleaned_data["application_id"])
        if given and not APPLICATION_ID.fullmatch(given):
            raise forms.ValidationError("An application id begins with amzn1.sp.solution.")
        return given

    def clean_redirect_uri(self) -> str:
        """An address of this dashboard that Amazon can send people back to."""
        given = str(self.cleaned_data["redirect_uri"])
        if not given:
            return given
        path = reverse("sellers:callback")
        try:
            parts = urlsplit(given)
            is_safe = parts.scheme == "https" or is_loopback(parts.hostname)
        except ValueError:
            raise forms.ValidationError("That is not a web address.") from None
        if not is_safe or parts.scheme not in ("http", "https") or not parts.hostname:
            raise forms.ValidationError("Amazon sends people back to https addresses only.")
        if parts.username is not None or parts.query or parts.fragment or parts.path != path:
            raise forms.ValidationError(f"It ends with {path}, and nothing comes after that.")
        return given

    def clean(self) -> None:
        """Consent needs the application id."""
        public = self.cleaned_data.get("is_public")
        if public and not self.cleaned_data.get("application_id") and not self.errors:
            self.add_error("application_id", "A public application needs its application id.")

    def facts(self) -> ApplicationFacts:
        """What the person said. A new secret was made today, unless they give another day."""
        said = {name: self.cleaned_data[name] for name in self.fields if name != "client_id"}
        stored = self.application.secret_made_on if self.application else None
        if said["client_secret"] and said["secret_made_on"] == stored:
            said["secret_made_on"] = utc_today()
        return ApplicationFacts(**said)


class ConnectForm(SayingForm):
    """A refresh token pasted for a new account, or for `account` to renew it."""

    application = forms.ChoiceField(
        label="Application", error_messages={"invalid_choice": _NOT_LISTED, "required": _NOT_LISTED}
    )
    region = forms.ChoiceField(
        label="Region",
        choices=Region.choices,
        error_messages={"invalid_choice": _NOT_LISTED, "required": _NOT_LISTED},
    )
    selling_partner_id = _text(
        "Selling partner id",
        max_length=200,
        help_text="The merchant token, on Seller Central's page Account Info. Begins with A.",
        error_messages={"required": "The selling partner id is missing."},
    )
    refresh_token = _secret(
        "Refresh token",
        help_text=(
            "Seller Central or the Solution Provider Portal → Develop Apps → Authorize. "
            "Begins with Atzr|."
        ),
        fault="The refresh token is missing.",
    )
    name = _text(
        "Name",
        max_length=100,
        help_text="What people here call the account.",
        error_messages=_NAME_FAULTS,
    )
    marketplaces = forms.MultipleChoiceField(
        label="Only these marketplaces",
        required=False,
        help_text="Without a tick: all in which the seller sells.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _NOT_LISTED},
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        applications: list[Application],
        account: SellerAccount | None = None,
    ) -> None:
        initial = {"application": account.application_id} if account else {}
        super().__init__(data, initial=initial)
        fields: Any = self.fields
        fields["application"].choices = [(str(one.pk), one.name) for one in applications]
        fields["marketplaces"].choices = [
            (one.id, f"{one.domain} ({one.country})")
            for one in MARKETPLACES.values()
            if account is None or one.region == account.region
        ]
        if account is not None:
            for name in ("region", "selling_partner_id", "name"):
                del self.fields[name]


class ConsentForm(SayingForm):
    """Where a seller consents: for a new account, or for `account` to renew it."""

    application = forms.ChoiceField(
        label="Application", error_messages={"invalid_choice": _NOT_LISTED, "required": _NOT_LISTED}
    )
    marketplace = forms.ChoiceField(
        label="Seller Central of",
        help_text="One consent is good for all marketplaces of the region.",
        error_messages={"invalid_choice": _NOT_LISTED, "required": _NOT_LISTED},
    )
    name = _text(
        "Name",
        max_length=100,
        help_text="What people here call the account.",
        error_messages=_NAME_FAULTS,
    )
    amazon_callback_uri = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)
    amazon_state = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)
    selling_partner_id = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        applications: list[Application],
        account: SellerAccount | None = None,
        initial: dict[str, str] | None = None,
    ) -> None:
        super().__init__(data, initial=initial, auto_id="id_consent_%s")
        fields: Any = self.fields
        fields["application"].choices = [
            (str(one.pk), one.name) for one in applications if one.is_public
        ]
        fields["marketplace"].choices = [
            (place, words)
            for place, words in places()
            if account is None or MARKETPLACES[place].region == account.region
        ]
        if account is not None:
            del self.fields["name"]
