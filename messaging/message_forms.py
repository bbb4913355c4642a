"""What the form of a message takes: each kind has the fields that it needs, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from messaging.action_types import ActionType
from messaging.models import StoredFile
from messaging.payloads import PayloadError, clean_payload
from messaging.text_rules import Finding, check_text
from orders.models import Order
from spapi import MARKETPLACES

# Zones were not those of today before, and nobody gives a warranty beyond.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
END_OF_DAY = time(23, 59, 59)
_DAY_FAULTS = dict.fromkeys(("required", "invalid"), "Give a day, such as 2026-11-20.")


class MessageForm(forms.Form):
    """One message of one kind; `findings` are what a person should know of a text that may be sent.

    `action_type` has the limits that apply to this order. `files` were stored already, and
    `file_faults` are sentences about those that were not.
    """

    text = forms.CharField(
        required=False,
        strip=False,
        label="Message",
        widget=forms.Textarea(attrs={"rows": 9, "autocomplete": "off"}),
    )
    first_day = forms.DateField(
        label="First day",
        error_messages=_DAY_FAULTS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    last_day = forms.DateField(
        label="Last day",
        error_messages=_DAY_FAULTS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    acknowledged = forms.BooleanField(
        error_messages={"required": "Amazon's condition: say that it is so, or do not send it."}
    )
    file = forms.Field(required=False, widget=forms.MultipleHiddenInput)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        action_type: ActionType,
        order: Order,
        locale: str,
        files: Sequence[StoredFile] = (),
        file_faults: Sequence[str] = (),
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.action_type = action_type
        self.order = order
        self.locale = locale
        self.picked = list(files)
        self.file_faults = list(file_faults)
        self.findings: list[Finding] = []
        wanted = {
            "text": action_type.text is not None,
            "first_day": action_type.coverage,
            "last_day": action_type.coverage,
            "acknowledged": bool(action_type.acknowledgement),
            "file": action_type.files is not None,
        }
        for name, is_wanted in wanted.items():
            if not is_wanted:
                del self.fields[name]
        if action_type.acknowledgement:
            self.fields["acknowledged"].label = action_type.acknowledgement
        if action_type.text is not None and locale:
            self.fields["text"].widget.attrs |= {"lang": locale, "dir": "auto"}

    def clean_text(self) -> str:
        """The text as it goes to Amazon; what it would refuse, or forbids, is a fault here."""
        only = replace(self.action_type, files=None, coverage=False)
        try:
            text = str(clean_payload(only, {"text": self.cleaned_data["text"]})["text"])
        except PayloadError as fault:
            raise ValidationError(str(fault)) from fault
        found = check_text(self.action_type, text, self.locale)
        fatal = [ValidationError(one.sentence) for one in found if one.is_fatal]
        if fatal:
            raise ValidationError(fatal)
        self.findings = [one for one in found if not one.is_fatal]
        return text

    def clean_first_day(self) -> date:
        """A day within living memory."""
        return self._sound_day("first_day")

    def clean_last_day(self) -> date:
        """A day within living memory, not before the first."""
        last = self._sound_day("last_day")
        first = self.cleaned_data.get("first_day")
        if first is not None and last < first:
            raise ValidationError("The warranty must not end before it starts.")
        return last

    def clean_file(self) -> list[StoredFile]:
        """The files, as many as Amazon takes."""
        if self.file_faults:
            raise ValidationError([ValidationError(one) for one in self.file_faults])
        only = replace(self.action_type, text=None, coverage=False)
        try:
            clean_payload(only, {}, self.picked)
        except PayloadError as fault:
            raise ValidationError(str(fault)) from fault
        return self.picked

    def payload(self) -> dict[str, object]:
        """What `request_message` takes, of a valid form."""
        payload: dict[str, object] = {}
        if self.action_type.text is not None:
            payload["text"] = self.cleaned_data["text"]
        if self.action_type.coverage:
            zone = marketplace_zone(self.order)
            first, last = self.cleaned_data["first_day"], self.cleaned_data["last_day"]
            payload["coverage_start"] = datetime.combine(first, time.min, tzinfo=zone)
            payload["coverage_end"] = datetime.combine(last, END_OF_DAY, tzinfo=zone)
        return payload

    def _sound_day(self, name: str) -> date:
        day: date = self.cleaned_data[name]
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(f"Give a day from {FIRST_DAY} to {LAST_DAY}.")
        return day


def marketplace_zone(order: Order) -> ZoneInfo:
    """The time zone of the order's marketplace; UTC for one that is not known."""
    known = MARKETPLACES.get(order.marketplace_id)
    return ZoneInfo(known.time_zone if known else "UTC")
