"""What the forms about people take: a role, an invitation, a new person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User

from sellers.models import Role

# Generic for mypy, and not for Django.
if TYPE_CHECKING:
    AnyUserCreationForm = UserCreationForm[User]
else:
    AnyUserCreationForm = UserCreationForm

LONGEST_NOTE = 100
_ROLE_FAULTS = dict.fromkeys(("required", "invalid_choice"), "Choose a role from the list.")


class RoleForm(forms.Form):
    """The role that a member is to have."""

    role = forms.ChoiceField(choices=Role.choices, error_messages=_ROLE_FAULTS)


class InvitationForm(forms.Form):
    """Whom an invitation is for, and the role that it gives."""

    role = forms.ChoiceField(
        choices=Role.choices,
        label="Role",
        help_text=(
            "A viewer reads. An operator also sends, cancels and tries again. "
            "A manager also decides, connects the account and invites people."
        ),
        error_messages=_ROLE_FAULTS,
    )
    note = forms.CharField(
        required=False,
        label="For whom",
        max_length=LONGEST_NOTE,
        help_text="A name by which you will know the invitation again.",
        error_messages={"max_length": f"This has more than {LONGEST_NOTE} characters. Shorten it."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class NewPersonForm(AnyUserCreationForm):
    """A user name and a password for somebody who was invited; nothing else of a person is taken."""

    class Meta:
        model = User
        fields = ("username",)
        labels = {"username": "User name"}
        help_texts = {"username": "Letters, digits and @ . + - _"}

    def clean_username(self) -> str:
        """Nobody's name, nor their e-mail address: they would log in as this person with it."""
        username: str = super().clean_username()
        if username and User.objects.filter(email__iexact=username).exists():
            raise self.instance.unique_error_message(User, ("username",))
        return username
