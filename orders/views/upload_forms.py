"""What the forms take by which files and pasted text come in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from orders.csv_import.text import PASTED
from orders.models import ExclusionKind
from sellers.models import SellerAccount

LONGEST_REASON = 200
FILE_TYPES = ".csv,.tsv,.txt,text/csv,text/plain,text/tab-separated-values"


class UploadForm(forms.Form):
    """An account, and either a file or a text."""

    account = forms.ChoiceField(label="Account")
    text = forms.Field(
        required=False,
        label="Paste",
        # checked as a file's text is, with the line of what is wrong
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
    )
    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        label="Or a file",
        help_text="CSV, up to 5 MB and 20,000 rows. It is read, and not kept.",
        widget=forms.FileInput(attrs={"accept": FILE_TYPES}),
    )

    def __init__(
        self, request: HttpRequest | None = None, *, accounts: list[SellerAccount]
    ) -> None:
        if request is None:
            super().__init__()
        else:
            super().__init__(request.POST, request.FILES)
        choices: Any = self.fields["account"]
        choices.choices = [(str(account.pk), account.name) for account in accounts]

    def clean(self) -> dict[str, Any]:
        """One of the two is there, and not both."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        has_text = bool(str(cleaned.get("text") or "").strip())
        if has_text and cleaned.get("file") is not None:
            self.add_error("file", "Give one of the two: a text or a file.")
        elif not has_text and cleaned.get("file") is None and "file" not in self.errors:
            self.add_error("text", "Paste something, or choose a file.")
        return cleaned

    def content(self) -> tuple[bytes, str]:
        """The bytes that were brought, and the name of the file; of a valid form."""
        file = self.cleaned_data["file"]
        if isinstance(file, UploadedFile):
            return file.read(), file.name or ""
        return str(self.cleaned_data["text"]).encode("utf-8", "replace"), PASTED


class OrdersForm(UploadForm):
    """Orders or order numbers."""

    def __init__(
        self, request: HttpRequest | None = None, *, accounts: list[SellerAccount]
    ) -> None:
        super().__init__(request, accounts=accounts)
        self.fields["text"].label = "Paste order numbers"


class ExclusionsForm(UploadForm):
    """What is never asked, and why."""

    kind = forms.ChoiceField(label="What", choices=ExclusionKind)
    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        help_text="A fact of the order: it stands on the record.",
        error_messages={
            "required": "Say why: it stands on the record.",
            "max_length": f"This has more than {LONGEST_REASON} characters. Shorten it.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("account", "kind", "text", "file", "reason")

    def __init__(
        self, request: HttpRequest | None = None, *, accounts: list[SellerAccount]
    ) -> None:
        super().__init__(request, accounts=accounts)
        self.fields["text"].label = "Paste one a line"
