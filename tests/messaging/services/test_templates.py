"""Templates: kept only with a text that may be sent, each change on the record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from audit.models import AuditEvent, AuditKind
from messaging.action_types import ACTION_TYPES
from messaging.models import MessageTemplate
from messaging.services.templates import (
    TEMPLATE_KINDS,
    TemplateError,
    TemplateFacts,
    add_template,
    change_template,
    check_template,
    delete_template,
)
from sellers.models import SellerAccount
from tests.factories import MessageTemplateFactory, SellerAccountFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def account() -> SellerAccount:
    found: SellerAccount = SellerAccountFactory()
    return found


@pytest.fixture
def ann() -> User:
    found: User = UserFactory(username="ann")
    return found


def facts(**changes: Any) -> TemplateFacts:
    return TemplateFacts(
        **{
            "kind": "confirmOrderDetails",
            "name": "Address",
            "language": "en",
            "text": "Is the address of {order_number} complete?",
        }
        | changes
    )


def trail() -> list[tuple[str, str, dict[str, Any]]]:
    return list(AuditEvent.objects.order_by("pk").values_list("kind", "subject", "detail"))


def test_a_template_is_kept_with_who_and_when(account: SellerAccount, ann: User) -> None:
    template = add_template(account, facts(), user=ann, at=NOW)
    template.refresh_from_db()
    assert (template.account, template.changed_by, template.changed_at) == (account, ann, NOW)
    assert template.text == "Is the address of {order_number} complete?"
    assert trail() == [
        (
            AuditKind.TEMPLATE_ADDED,
            "Address",
            {"template": template.pk, "message": "confirmOrderDetails", "characters": 42},
        )
    ]


def test_a_change_stands_in_the_trail_once_and_without_the_text(
    account: SellerAccount, ann: User
) -> None:
    template = add_template(account, facts(), user=ann, at=NOW)
    said = facts(name="House number", text="Which house number?")
    assert change_template(template, said, user=ann, at=NOW)
    assert not change_template(template, said, user=ann, at=NOW)
    assert trail()[1:] == [
        (
            AuditKind.TEMPLATE_CHANGED,
            "House number",
            {
                "template": template.pk,
                "message": "confirmOrderDetails",
                "characters": 19,
                "was_named": "Address",
            },
        )
    ]


def test_a_deleted_template_frees_its_name_and_its_row_stays(
    account: SellerAccount, ann: User
) -> None:
    template = add_template(account, facts(), user=ann, at=NOW)
    assert delete_template(template, user=ann, at=NOW)
    assert not delete_template(template, user=ann, at=NOW)
    add_template(account, facts(), user=ann, at=NOW)
    assert MessageTemplate.objects.count() == 2
    assert MessageTemplate.objects.current().count() == 1
    assert [kind for kind, _subject, _detail in trail()].count(AuditKind.TEMPLATE_DELETED) == 1


def test_a_template_that_is_deleted_while_it_is_changed_stays_deleted(
    account: SellerAccount, ann: User
) -> None:
    template = add_template(account, facts(), user=ann, at=NOW)
    shown = MessageTemplate.objects.get(pk=template.pk)
    delete_template(template, user=ann, at=NOW)
    with pytest.raises(TemplateError, match="deleted this template meanwhile"):
        change_template(shown, facts(name="Another"), user=ann, at=NOW)
    assert not MessageTemplate.objects.current().exists()


def test_a_name_is_there_once_for_each_kind_of_message(account: SellerAccount, ann: User) -> None:
    add_template(account, facts(), user=ann, at=NOW)
    add_template(account, facts(kind="unexpectedProblem"), user=ann, at=NOW)
    other = MessageTemplateFactory(account=account, name="Other")
    for attempt in (
        lambda: add_template(account, facts(name="ADDRESS"), user=ann, at=NOW),
        lambda: change_template(other, facts(), user=ann, at=NOW),
    ):
        with pytest.raises(TemplateError, match="of that name"):
            attempt()
    other.refresh_from_db()
    assert other.name == "Other"
    assert len(trail()) == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": "sendInvoice"}, "no such message"),
        ({"kind": "nonsense"}, "no such message"),
        ({"text": "   "}, "empty"),
        ({"text": "{buyer_name}"}, "There is no {buyer_name}"),
        ({"text": "Please leave us a review"}, "asks for a review"),
        ({"text": "a" * 2_001}, "has 2,001 characters; Amazon takes 2,000"),
        ({"kind": "digitalAccessKey", "text": "a" * 401}, "Amazon takes 400"),
        # it is the filled text that Amazon counts
        ({"text": "a" * 1_990 + "{order_number}"}, "has 2,009 characters"),
        ({"text": "a\x00"}, "U+0000"),
    ],
)
def test_what_could_not_be_sent_is_not_kept(
    account: SellerAccount, ann: User, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(TemplateError) as raised:
        add_template(account, facts(**changes), user=ann, at=NOW)
    assert sentence in str(raised.value)
    assert not MessageTemplate.objects.exists()
    assert trail() == []


def test_braces_that_are_doubled_are_no_unfilled_name() -> None:
    assert check_template("confirmOrderDetails", "Is it {{1}} or {{2}}?") == []


def test_a_text_in_another_language_than_it_is_said_to_be_in_is_a_warning() -> None:
    text = "We have not got your house number. Is the address of your order complete?"
    (finding,) = check_template("confirmOrderDetails", text, "de")
    assert not finding.is_fatal
    assert "like English" in finding.sentence


def test_only_messages_with_a_text_have_templates() -> None:
    assert set(TEMPLATE_KINDS) == {
        name for name, kind in ACTION_TYPES.items() if kind.text is not None
    }
