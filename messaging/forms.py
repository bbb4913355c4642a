"""What the forms of the pages on sending take: stopping, and deciding."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from messaging.action_types import ACTION_TYPES
from messaging.decisions import Choice
from sellers.models import SellerAccount

LONGEST_REASON = 300
_REASON_FAULTS = {
    "required": "Say why: it stands on the record.",
    "max_length": f"This has more than {LONGEST_REASON} characters. Shorten it.",
}


class SwitchForm(forms.Form):
    """What is stopped, and why."""

    account = forms.ChoiceField(
        required=False,
        label="Account",
        error_messages={"invalid_choice": "Choose an account from the list."},
    )
    kind = forms.ChoiceField(
        required=False,
        label="What",
        error_messages={"invalid_choice": "Choose a kind from the list."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        error_messages=_REASON_FAULTS,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        accounts: list[SellerAccount],
        may_stop_everything: bool,
    ) -> None:
        super().__init__(data)
        self.may_stop_everything = may_stop_everything
        scopes: Any = self.fields["account"]
        scopes.choices = [
            *([("", "Every account")] if may_stop_everything else []),
            *((str(account.pk), account.name) for account in accounts),
        ]
        kinds: Any = self.fields["kind"]
        kinds.choices = [
            ("", "Everything"),
            *((kind.name, f"{kind.label} only") for kind in ACTION_TYPES.values()),
        ]


class DecisionForm(forms.Form):
    """What a person decides, with the reason; to send again, the order number too."""

    choice = forms.ChoiceField(
        choices=Choice.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose one of them.",
            "invalid_choice": "Choose one of them.",
        },
    )
    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        error_messages=_REASON_FAULTS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    order_number = forms.CharField(
        required=False,
        label="Order number",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    seen_step = forms.IntegerField(
        min_value=0,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value"), "Reload the page and decide again."
        ),
    )
