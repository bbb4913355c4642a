"""What is given for a message to the buyers of many orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from messaging.action_types import ActionType
from messaging.drafting import Coverage, Writing
from messaging.message_forms import FIRST_DAY, LAST_DAY
from messaging.models import StoredFile
from messaging.services.templates import check_template
from spapi import plain_newlines

# With placeholders; what is made of it for each order has Amazon's limit.
LONGEST_TEXT = 4_000
MOST_MONTHS = 240
SAME, BY_NUMBER = "same", "by_number"


class BulkForm(forms.Form):
    """One message of one kind for many orders; only the fields that the kind takes are there.

    `stored` are the files that are kept here already, and `file_faults` are sentences about those that were not.
    """

    text = forms.CharField(
        strip=False,
        label="Message",
        max_length=LONGEST_TEXT,
        error_messages={
            "required": "The message is empty.",
            "max_length": f"This has more than {LONGEST_TEXT:,} characters. Shorten it.",
        },
        widget=forms.Textarea(attrs={"rows": 9, "autocomplete": "off"}),
    )
    months = forms.IntegerField(
        label="Months covered",
        min_value=1,
        max_value=MOST_MONTHS,
        initial=24,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            f"Give a whole number of months, 1 to {MOST_MONTHS}.",
        ),
    )
    first_day = forms.DateField(
        required=False,
        label="From",
        help_text="Empty: from the day on which each order was bought.",
        error_messages={"invalid": "Give a day, such as 2026-11-20."},
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    file_use = forms.ChoiceField(
        label="Which file goes to whom",
        choices=[
            (BY_NUMBER, "To each order the files with its number in their names"),
            (SAME, "The same files to every order"),
        ],
        initial=BY_NUMBER,
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), "Choose which file goes to whom."
        ),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        action_type: ActionType,
        files: Sequence[StoredFile] = (),
        file_faults: Sequence[str] = (),
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.action_type = action_type
        self.stored = list(files)
        self.file_faults = list(file_faults)
        wanted = {
            "text": action_type.text is not None,
            "months": action_type.coverage,
            "first_day": action_type.coverage,
            "file_use": action_type.files is not None,
        }
        for name, is_wanted in wanted.items():
            if not is_wanted:
                del self.fields[name]

    def clean_text(self) -> str:
        """A text that could be sent, were the orders' facts like the sample's."""
        text = plain_newlines(str(self.cleaned_data["text"])).strip()
        fatal = [one for one in check_template(self.action_type.name, text) if one.is_fatal]
        if fatal:
            raise ValidationError([ValidationError(one.sentence) for one in fatal])
        return text

    def clean_first_day(self) -> date | None:
        """A day within living memory, or none."""
        day: date | None = self.cleaned_data["first_day"]
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(f"Give a day from {FIRST_DAY} to {LAST_DAY}.")
        return day

    def clean(self) -> dict[str, Any]:
        """Files are there where the message needs them."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        limits = self.action_type.files
        for fault in self.file_faults:
            self.add_error(None, fault)
        if limits is not None and limits.least and not self.stored and not self.file_faults:
            self.add_error(None, f"“{self.action_type.label}” needs a file.")
        return cleaned

    def writing(self) -> Writing:
        """What was given, of a valid form."""
        given = self.cleaned_data
        coverage = None
        if self.action_type.coverage:
            coverage = Coverage(months=given["months"], first_day=given["first_day"])
        return Writing(
            text=given.get("text", ""),
            files=self.stored,
            by_number=bool(self.stored) and given.get("file_use") == BY_NUMBER,
            coverage=coverage,
        )
