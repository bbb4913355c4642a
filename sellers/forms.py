"""What the forms of the pages of accounts take."""

from __future__ import annotations

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest

from solicit_dashboard.access import single_value

LONGEST_REASON = 300


class ReasonForm(forms.Form):
    """Why something is done, in a person's words."""

    reason = forms.CharField(
        required=False,
        max_length=LONGEST_REASON,
        error_messages={"max_length": f"it has more than {LONGEST_REASON} characters"},
    )


class OneMessageForm(forms.Form):
    """Whether an order gets one message at most, Amazon's review request counted."""

    one_message_per_order = forms.ChoiceField(choices=[("yes", "Yes"), ("no", "No")])


def read_reason(request: HttpRequest) -> str:
    """The reason of the form, trimmed, "" without one; raises BadRequest for one that cannot be kept."""
    single_value(request.POST, "reason")
    form = ReasonForm(request.POST)
    if not form.is_valid():
        raise BadRequest(f"reason: {form.errors['reason'][0]}")
    return str(form.cleaned_data["reason"])
