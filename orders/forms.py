"""What an address of the list of orders may say, and what is wrong when it says something else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict
from django.utils import timezone

from orders.states import FulfilledBy
from orders.views.pills import ALL, PILLS_BY_NAME, SORT_NAMES
from sellers.models import AccountMarketplace
from solicit_dashboard.access import Reach
from spapi import MARKETPLACES

MOST_DAYS = 400
LONGEST_TEXT = 200
# Amazon opened its doors in July 1995.
FIRST_DAY = date(1995, 7, 1)
CHANNELS = {"fba": FulfilledBy.AMAZON, "fbm": FulfilledBy.MERCHANT}
DIRECTIONS = ("asc", "desc")

# The names in the address, where a Python name cannot be the same.
_NAMES = {"day_from": "from", "day_to": "to", "direction": "dir"}
_DAY_HELP = "Write days like 2026-11-24."


class OrderFilterForm(forms.Form):
    """The filters of an address; each may stand in it once."""

    state = forms.CharField(required=False, widget=forms.HiddenInput)
    sort = forms.CharField(required=False, widget=forms.HiddenInput)
    direction = forms.CharField(required=False, widget=forms.HiddenInput)
    q = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT,
        label="Order number, SKU or ASIN",
        error_messages={"max_length": f"has more than {LONGEST_TEXT} characters."},
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "id": "filter-q",
                "placeholder": "Order, SKU or ASIN",
                "data-search": True,
            }
        ),
    )
    account = forms.ChoiceField(
        required=False, label="Account", widget=forms.Select(attrs={"id": "filter-account"})
    )
    marketplace = forms.ChoiceField(
        required=False, label="Marketplace", widget=forms.Select(attrs={"id": "filter-marketplace"})
    )
    channel = forms.ChoiceField(
        required=False,
        label="Channel",
        choices=[("", "All channels"), *((name, word.label) for name, word in CHANNELS.items())],
        widget=forms.Select(attrs={"id": "filter-channel"}),
    )
    day_from = forms.DateField(
        required=False,
        label="Purchased from",
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": f"is not a day of the calendar. {_DAY_HELP}"},
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "id": "filter-from"}),
    )
    day_to = forms.DateField(
        required=False,
        label="to",
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": f"is not a day of the calendar. {_DAY_HELP}"},
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "id": "filter-to"}),
    )

    def __init__(self, data: QueryDict, *, reach: Reach) -> None:
        super().__init__(data)
        self.repeated = [
            name for name in map(self.add_prefix, self.fields) if len(data.getlist(name)) > 1
        ]
        self.reach = reach
        accounts: Any = self.fields["account"]
        accounts.choices = [
            ("", "All accounts"),
            *((str(account.pk), account.name) for account in reach.accounts),
        ]
        marketplaces: Any = self.fields["marketplace"]
        marketplaces.choices = [("", "All marketplaces"), *_marketplaces(reach)]
        for name in ("account", "marketplace", "channel"):
            self.fields[name].error_messages["invalid_choice"] = "is not one that you can choose."

    def add_prefix(self, field_name: str) -> str:
        """The name of the field in the address."""
        return _NAMES.get(field_name, field_name)

    def clean_state(self) -> str:
        """The name of a pill; `all` without one."""
        return _one_of(self.cleaned_data["state"] or ALL.name, PILLS_BY_NAME)

    def clean_sort(self) -> str:
        """The name of a sort order; "" stands for the pill's usual one."""
        return _one_of(self.cleaned_data["sort"], ("", *SORT_NAMES))

    def clean_direction(self) -> str:
        """`asc` or `desc`; "" stands for the usual one."""
        return _one_of(self.cleaned_data["direction"], ("", *DIRECTIONS))

    def clean_day_from(self) -> date | None:
        """The first day, neither before Amazon nor in the future."""
        return _plausible_day(self.cleaned_data["day_from"])

    def clean_day_to(self) -> date | None:
        """The last day, not before Amazon."""
        return _plausible_day(self.cleaned_data["day_to"], may_be_future=True)

    def clean(self) -> dict[str, Any]:
        """The days run forward and span at most 400; nothing was said twice."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = cleaned.get("day_from"), cleaned.get("day_to")
        if first and last and first > last:
            self.add_error("day_from", f"is after {last}. Swap the two days.")
        elif first and not self.errors:
            days = ((last or timezone.localdate()) - first).days
            if days > MOST_DAYS:
                self.add_error(
                    "day_from",
                    f"is {days:,} days before the end. At most {MOST_DAYS} days at a time.",
                )
        for name in self.repeated:
            self.add_error(None, f"“{name}” stands in the address more than once. Give it once.")
        return cleaned

    def sentences(self) -> list[str]:
        """What is wrong, each with the field and the value that was given."""
        found = []
        for field, errors in self.errors.items():
            if field == NON_FIELD_ERRORS:
                found += [str(error) for error in errors]
                continue
            name = self.add_prefix(field)
            given = str(self.data.get(name, ""))
            shown = given if len(given) <= 40 else f"{given[:40]}…"
            found += [f"{name}: “{shown}” {error}" for error in errors]
        return found

    def names_foreign_account(self) -> bool:
        """Whether the address names an account that is not this person's, or none at all."""
        given = self.data.get("account", "")
        return given.isdecimal() and "account" in self.errors and not self.repeated


def _one_of(given: str, allowed: Any) -> str:
    if given not in allowed:
        names = ", ".join(name for name in allowed if name)
        raise forms.ValidationError(f"is not known here. It can be: {names}.")
    return given


def _plausible_day(day: date | None, *, may_be_future: bool = False) -> date | None:
    if day is None:
        return None
    if day < FIRST_DAY:
        raise forms.ValidationError(f"is before Amazon's first day. Begin at {FIRST_DAY} or later.")
    if not may_be_future and day > timezone.localdate() + timedelta(days=1):
        raise forms.ValidationError("is still to come. Choose today or a day before.")
    return day


def _marketplaces(reach: Reach) -> list[tuple[str, str]]:
    """The marketplaces of these accounts, by the name that a seller knows: amazon.de."""
    rows = (
        AccountMarketplace.objects.filter(account_id__in=reach.ids())
        .order_by()
        .values_list("marketplace_id", "name")
        .distinct()
    )
    names = {pk: MARKETPLACES[pk].domain if pk in MARKETPLACES else name for pk, name in rows}
    return sorted(names.items(), key=lambda pair: pair[1])
