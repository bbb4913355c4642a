"""What an address of the offers may say, and what is wrong when it says something else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict

from replenishment.words import ELIGIBILITIES, ENROLMENTS, PROMOTIONS, SORTS
from sellers.models import AccountMarketplace, SellerAccount
from solicit_dashboard.access import Reach
from spapi import MARKETPLACES, REPLENISHMENT_COUNTRIES

# What the model replenishment-2022-11-07.json allows in one question.
MOST_NAMED = 20
MOST_PERCENTAGES = 10
# Twenty SKUs, which Amazon lets be 40 characters long, and what stands between them.
LONGEST_TEXT = 1_000
# Every page but the last begins within the first 9,000.
LAST_PAGE = 91
_ASIN = re.compile(r"[A-Z0-9]{10}")
_BETWEEN_SKUS = re.compile(r"[\n\r\t,;]")
_BETWEEN_ASINS = re.compile(r"[\s,;]")
_PERCENTAGE = re.compile(r"[^\s,;%]+")
_ORDERS = ("asc", "desc")


@dataclass(frozen=True)
class Shop:
    """One marketplace of one account, where Amazon has Subscribe & Save."""

    account: SellerAccount
    marketplace_id: str

    @property
    def key(self) -> str:
        """How an address names it."""
        return f"{self.account.pk}:{self.marketplace_id}"

    @property
    def domain(self) -> str:
        """The marketplace's name as sellers know it: amazon.de."""
        return MARKETPLACES[self.marketplace_id].domain

    def __str__(self) -> str:
        return f"{self.account.name} · {self.domain}"


def shops_of(reach: Reach) -> list[Shop]:
    """The shops of these accounts in which Amazon has the programme, by account and marketplace."""
    accounts = {account.pk: account for account in reach.accounts}
    rows = AccountMarketplace.objects.filter(
        account_id__in=accounts, is_participating=True
    ).values_list("account_id", "marketplace_id")
    shops = [
        Shop(accounts[account_id], marketplace_id)
        for account_id, marketplace_id in rows
        if marketplace_id in MARKETPLACES
        and MARKETPLACES[marketplace_id].country in REPLENISHMENT_COUNTRIES
    ]
    return sorted(shops, key=lambda shop: (shop.account.name, shop.account.pk, shop.domain))


class NamesField(forms.CharField):
    """Up to 20 names as they are pasted: in lines, or with commas between them."""

    def __init__(self, label: str, separator: re.Pattern[str], placeholder: str) -> None:
        super().__init__(
            required=False,
            label=label,
            max_length=LONGEST_TEXT,
            error_messages={"max_length": f"has more than {LONGEST_TEXT:,} characters."},
            widget=forms.Textarea(attrs={"rows": 2, "placeholder": placeholder}),
        )
        self.separator = separator

    def clean(self, value: Any) -> Any:
        """The names, each once, in the order in which they stand."""
        given = str(super().clean(value))
        names = list(dict.fromkeys(filter(None, map(str.strip, self.separator.split(given)))))
        if len(names) > MOST_NAMED:
            raise forms.ValidationError(
                f"are {len(names)} names. Amazon takes {MOST_NAMED} at a time."
            )
        return names


class PercentagesField(forms.CharField):
    """Up to ten whole percentages with commas or spaces between them."""

    def __init__(self, label: str) -> None:
        super().__init__(
            required=False,
            label=label,
            max_length=100,
            error_messages={"max_length": "has more than 100 characters."},
            widget=forms.TextInput(attrs={"placeholder": "such as 5, 10"}),
        )

    def clean(self, value: Any) -> Any:
        """The percentages, each once."""
        words = _PERCENTAGE.findall(str(super().clean(value)))
        if not all(word.isascii() and word.isdigit() and int(word) <= 100 for word in words):
            raise forms.ValidationError("must be whole percentages from 0 to 100: 5, 10.")
        found = list(dict.fromkeys(map(int, words)))
        if len(found) > MOST_PERCENTAGES:
            raise forms.ValidationError(f"are more than {MOST_PERCENTAGES} percentages.")
        return found


class OffersForm(forms.Form):
    """The filters of an address. Only `eligibility` may stand in it more than once."""

    shop = forms.ChoiceField(required=False, label="Account and marketplace")
    sku = NamesField("SKUs", _BETWEEN_SKUS, "Up to 20, in lines or with commas")
    asin = NamesField("ASINs", _BETWEEN_ASINS, "Up to 20")
    eligibility = forms.MultipleChoiceField(
        required=False,
        label="Eligibility",
        choices=list(ELIGIBILITIES.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "is not one that you can choose."},
    )
    enrolment = forms.ChoiceField(
        required=False,
        label="Automatic enrolment",
        choices=[("", "Any"), *ENROLMENTS.items()],
        error_messages={"invalid_choice": "is not one that you can choose."},
    )
    sort = forms.ChoiceField(
        required=False,
        label="Sort by",
        choices=[("", "Amazon's order"), *((name, sort.label) for name, sort in SORTS.items())],
        error_messages={"invalid_choice": "is not known here."},
    )
    dir = forms.ChoiceField(
        required=False,
        label="Direction",
        choices=[("asc", "Ascending"), ("desc", "Descending")],
        error_messages={"invalid_choice": "is neither asc nor desc."},
    )

    def __init__(self, data: QueryDict, *, shops: list[Shop]) -> None:
        super().__init__(data)
        self._address = data
        self.shops = shops
        shop: Any = self.fields["shop"]
        shop.choices = [(one.key, str(one)) for one in shops]
        shop.error_messages["invalid_choice"] = "is not one that you can choose."
        for promotion in PROMOTIONS.values():
            self.fields[promotion.field] = PercentagesField(promotion.label)
        self.repeated = [
            name
            for name in (*self.fields, "page")
            if name != "eligibility" and _is_repeated(data, name)
        ]

    def clean_asin(self) -> list[str]:
        """The ASINs in capitals."""
        names = list(dict.fromkeys(name.upper() for name in self.cleaned_data["asin"]))
        for name in names:
            if not _ASIN.fullmatch(name):
                raise forms.ValidationError(
                    f"holds {name[:20]}, which is no ASIN: ten letters and digits."
                )
        return names

    def clean(self) -> dict[str, Any]:
        """Nothing was said twice."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
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
            given = ", ".join(self._address.getlist(field))
            shown = given if len(given) <= 40 else f"{given[:40]}…"
            found += [f"{self.fields[field].label}: “{shown}” {error}" for error in errors]
        return found

    def names_foreign_account(self) -> bool:
        """Whether the address names a shop of an account that is not this person's, or of none."""
        account_id = self.data.get("shop", "").partition(":")[0]
        mine = {str(shop.account.pk) for shop in self.shops}
        return "shop" in self.errors and account_id.isdecimal() and account_id not in mine

    @property
    def promotion_fields(self) -> list[forms.BoundField]:
        """The four fields of the promotions."""
        return [self[promotion.field] for promotion in PROMOTIONS.values()]


def _is_repeated(data: QueryDict, name: str) -> bool:
    return len(data.getlist(name)) > 1
