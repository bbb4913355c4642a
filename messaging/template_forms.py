"""What the form of a template takes."""

from __future__ import annotations

from typing import Any

from django import forms

from messaging.languages import LANGUAGE_NAMES
from messaging.models import MessageTemplate
from messaging.placeholders import PLACEHOLDERS
from messaging.services.templates import TEMPLATE_KINDS, TemplateFacts, check_template
from messaging.text_rules import Finding
from spapi import plain_newlines

LONGEST_TEXT = 5_000
_NAMES = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)


class TemplateForm(forms.Form):
    """One template; after a check `findings` are what a person should know of its text."""

    name = forms.CharField(
        label="Name",
        max_length=80,
        help_text="For you and your colleagues. Buyers never see it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "Give it a name.",
            "max_length": "This name has more than 80 characters. Shorten it.",
        },
    )
    kind = forms.ChoiceField(
        label="Message",
        choices=[(kind.name, kind.label) for kind in TEMPLATE_KINDS.values()],
        error_messages={
            "required": "Choose a message from the list.",
            "invalid_choice": "Choose a message from the list.",
        },
    )
    language = forms.ChoiceField(
        label="Language",
        required=False,
        choices=[
            ("", "Any"),
            *sorted(LANGUAGE_NAMES.items(), key=lambda language: language[1]),
        ],
        help_text="In which the text is. Amazon wants the buyer's own.",
        error_messages={"invalid_choice": "Choose a language from the list."},
    )
    text = forms.CharField(
        label="Text",
        max_length=LONGEST_TEXT,
        help_text=f"Plain text. These names become facts of the order: {_NAMES}. "
        "For a brace itself write {{ or }}.",
        widget=forms.Textarea(attrs={"rows": 9, "autocomplete": "off"}),
        error_messages={
            "required": "Write a text.",
            "max_length": f"This has more than {LONGEST_TEXT:,} characters. Shorten it.",
        },
    )

    def __init__(self, data: Any = None, *, template: MessageTemplate | None = None) -> None:
        initial = {}
        if template is not None:
            initial = {name: getattr(template, name) for name in self.base_fields}
        super().__init__(data, initial=initial)
        self.findings: list[Finding] = []

    def clean_text(self) -> str:
        """The text with line ends as they are stored."""
        return plain_newlines(self.cleaned_data["text"])

    def clean(self) -> dict[str, Any]:
        """What Amazon forbids in the text is a fault of it."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "text" in cleaned and "kind" in cleaned:
            self.findings = check_template(
                cleaned["kind"], cleaned["text"], cleaned.get("language", "")
            )
            for finding in self.findings:
                if finding.is_fatal:
                    self.add_error("text", finding.sentence)
        return cleaned

    @property
    def warnings(self) -> list[str]:
        """The sentences of the findings that do not stand in the way."""
        return [finding.sentence for finding in self.findings if not finding.is_fatal]

    def facts(self) -> TemplateFacts:
        """What a valid form says."""
        return TemplateFacts(**{name: self.cleaned_data[name] for name in self.base_fields})
