"""Texts that are kept to be used again: each change is one transaction, with its audit event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit.models import AuditKind
from audit.services import record_event
from messaging.action_types import MESSAGES, ActionType
from messaging.models import MessageTemplate
from messaging.placeholders import PlaceholderError, fill_sample
from messaging.text_rules import Finding, check_text
from sellers.models import SellerAccount
from spapi import plain_newlines, text_length

TEMPLATE_KINDS: dict[str, ActionType] = {
    name: kind for name, kind in MESSAGES.items() if kind.text is not None
}
GONE = "Somebody deleted this template meanwhile. Add it anew if you want it."
NAME_TAKEN = "There is a template of that name for this kind of message already."


class TemplateError(ValueError):
    """The template cannot be kept like this; the message is a sentence for a person."""


@dataclass(frozen=True)
class TemplateFacts:
    """What a person says of a template: `kind` is one of TEMPLATE_KINDS, `language` "" for any."""

    kind: str
    name: str
    language: str
    text: str


def check_template(kind: str, text: str, language: str = "") -> list[Finding]:
    """What is wrong with a template's text, fatal ones first, judged with invented facts filled in."""
    action_type = TEMPLATE_KINDS[kind]
    try:
        filled = fill_sample(text)
    except PlaceholderError as fault:
        return [Finding(True, str(fault))]
    findings = check_text(action_type, filled, language)
    try:
        length = text_length(plain_newlines(filled).strip())
    except UnicodeEncodeError:
        return findings  # half a character, which the check has named
    most = action_type.text.most if action_type.text is not None else 0
    if length > most:
        sentence = f"With facts filled in it has {length:,} characters; Amazon takes {most:,}."
        return [Finding(True, sentence), *findings]
    return findings


def add_template(
    account: SellerAccount, facts: TemplateFacts, *, user: User, at: datetime
) -> MessageTemplate:
    """The account has this template (`at` in UTC). Raises TemplateError, saying what is wrong."""
    _require_sound(facts)
    template = MessageTemplate(account=account)
    _store(template, facts, AuditKind.TEMPLATE_ADDED, user=user, at=at)
    return template


def change_template(
    template: MessageTemplate, facts: TemplateFacts, *, user: User, at: datetime
) -> bool:
    """The template is like this (`at` in UTC); False when it was so already.

    Raises TemplateError, saying what is wrong.
    """
    _require_sound(facts)
    if _facts_of(template) == facts:
        return False
    _store(template, facts, AuditKind.TEMPLATE_CHANGED, user=user, at=at)
    return True


def delete_template(template: MessageTemplate, *, user: User, at: datetime) -> bool:
    """The template is no longer offered, from that moment (UTC); False when it was so already."""
    with transaction.atomic():
        deleted = MessageTemplate.objects.current().filter(pk=template.pk).update(deleted_at=at)
        if deleted:
            _record(AuditKind.TEMPLATE_DELETED, template, user)
    return bool(deleted)


def _require_sound(facts: TemplateFacts) -> None:
    if facts.kind not in TEMPLATE_KINDS:
        raise TemplateError("There is no such message with a text.")
    faults = [
        finding.sentence
        for finding in check_template(facts.kind, facts.text, facts.language)
        if finding.is_fatal
    ]
    if faults:
        raise TemplateError(" ".join(faults))


def _store(
    template: MessageTemplate, facts: TemplateFacts, event: AuditKind, *, user: User, at: datetime
) -> None:
    before = _facts_of(template)
    template.kind, template.name = facts.kind, facts.name
    template.language, template.text = facts.language, facts.text
    template.changed_by, template.changed_at = user, at
    try:
        with transaction.atomic():
            if template.pk and not _is_there(template.pk):
                raise TemplateError(GONE)
            template.save()
            _record(event, template, user, before)
    except IntegrityError as error:
        raise TemplateError(NAME_TAKEN) from error


def _is_there(pk: int) -> bool:
    current = MessageTemplate.objects.current().filter(pk=pk).select_for_update()
    return bool(current.values_list("pk"))


def _facts_of(template: MessageTemplate) -> TemplateFacts:
    return TemplateFacts(template.kind, template.name, template.language, template.text)


def _record(
    event: AuditKind, template: MessageTemplate, user: User, before: TemplateFacts | None = None
) -> None:
    """The trail has names and lengths, never the text."""
    detail = {"template": template.pk, "message": template.kind, "characters": len(template.text)}
    if event == AuditKind.TEMPLATE_CHANGED and before is not None and before.name != template.name:
        detail["was_named"] = before.name
    record_event(event, user=user, account_id=template.account_id, subject=template.name, **detail)
