"""No form changes a field that is not its own: each is posted with every field of every table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.db import models, transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from sellers.models import Role, SellerAccount
from tests.factories import MembershipFactory, UserFactory
from tests.made_once import rows_made_once
from tests.test_access import (
    ADDRESSES,
    TABLE,
    TABLES,
    Things,
    browser,
    make_things,
    session_of,
    somebody,
)

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# Forms that do change something here; without a change the comparison would say little.
CHANGING = {
    "orders:cancel_request",
    "messaging:cancel",
    "messaging:stop",
    "messaging:switches",
    "messaging:lift",
    "messaging:upload",
    "messaging:add_template",
    "messaging:change_template",
    "messaging:delete_template",
    "sellers:pause",
    "sellers:disconnect",
    "sellers:one_message",
    "sellers:invite",
    "sellers:uninvite",
    "sellers:review_people",
    "sellers:change_role",
    "sellers:remove_member",
    "sellers:join",
}
NAMES = [name for name in TABLE if TABLE[name].forms]


class _UndoneError(Exception):
    """Takes back what was done, so that the next form finds the same rows."""


def hostile_fields(own: set[str], other: SellerAccount, user: User) -> dict[str, str]:
    """A value for every field of every table of ours that is no field of the form."""
    fields = {"pk": "1", "is_admin": "1", "state": "sent", "at": "2020-01-01"}
    for table in apps.get_models():
        for field in table._meta.concrete_fields:
            for name in {field.name, field.attname}:
                fields[name] = _hostile_value(field, other, user)
    return {name: value for name, value in fields.items() if name not in own}


def _hostile_value(field: models.Field[Any, Any], other: SellerAccount, user: User) -> str:
    if isinstance(field, models.ForeignKey):
        return str(other.pk if field.related_model is SellerAccount else user.pk)
    if isinstance(field, models.DateTimeField):
        return "2020-01-01 00:00:00"
    if field.choices:
        return str(list(field.flatchoices)[-1][0])
    return "1"


def rows() -> dict[str, list[dict[str, Any]]]:
    """All that a form could have changed, by table; the audit trail and sessions aside."""
    return {
        table._meta.label: list(table._default_manager.order_by("pk").values()) for table in TABLES
    }


Change = tuple[str, str, str]  # table, "new", "gone" or the column, the value


def changes(before: dict[str, Any], after: dict[str, Any]) -> Counter[Change]:
    """What is different, without what differs each time: moments of now, ids, random texts."""
    found: Counter[Change] = Counter()
    known = {_key(row) for rows_before in before.values() for row in rows_before}

    def steady(column: str, value: object) -> str:
        # a row that was made just now has another id each time
        is_new = column.endswith("_id") and str(value) not in known and value is not None
        return "new row" if is_new else _steady(value)

    for table, rows_before in before.items():
        old = {_key(row): row for row in rows_before}
        new = {_key(row): row for row in after[table]}
        for key in old.keys() - new.keys():
            found[table, "gone", str(key)] += 1
        for key in new.keys() - old.keys():
            for column, value in new[key].items():
                if column != "id":
                    found[table, f"new {column}", steady(column, value)] += 1
        for key in old.keys() & new.keys():
            for column, value in new[key].items():
                if value != old[key][column]:
                    found[table, f"{key} {column}", steady(column, value)] += 1
    return found


def _key(row: dict[str, Any]) -> str:
    return str(next(iter(row.values())))


def _steady(value: object) -> str:
    if isinstance(value, datetime) and abs(value - datetime.now(UTC)) < timedelta(days=31):
        return "about now"
    text = str(value)
    return "random" if re.fullmatch(r"\S*\w{22,}\S*", text) else text


def sent(
    client: Client, things: Things, name: str, fields: dict[str, Any], before: dict[str, Any]
) -> tuple[int, Counter[Change]]:
    """What the form answers and changes; afterwards it is undone."""
    address = TABLE[name]
    result: tuple[int, Counter[Change]] = (0, Counter())
    try:
        with transaction.atomic():
            response = client.post(things.path(ADDRESSES[name]), fields)
            result = (response.status_code, changes(before, rows()))
            raise _UndoneError(address)
    except _UndoneError:
        return result


@dataclass(frozen=True)
class Prepared:
    """Things, who manages them and with which cookie, somebody without a role, and another account."""

    things: Things
    manager: User
    cookie: str
    stranger: User
    other: SellerAccount
    rows: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def prepared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Prepared]:
    with rows_made_once(django_db_blocker):
        things = make_things()
        client = somebody("manager", things.account)
        manager = User.objects.get(pk=client.session[SESSION_KEY])
        stranger = UserFactory()
        other = MembershipFactory(role=Role.MANAGER).account
        yield Prepared(things, manager, session_of(client), stranger, other, rows())


@pytest.mark.parametrize("name", NAMES)
def test_fields_that_are_not_the_forms_own_change_nothing(
    prepared: Prepared, redis_empty: None, name: str
) -> None:
    things, other, address = prepared.things, prepared.other, TABLE[name]
    if address.link:
        client, user = Client(), prepared.stranger
        client.get(things.path(ADDRESSES[name]) + address.link(things))
    else:
        client, user = browser(prepared.cookie), prepared.manager
    fields = address.form(things)
    if name == "messaging:switches":
        fields |= {"account": things.account.pk}
    hostile = hostile_fields(fields.keys() | set(address.optional), other, user)
    plain = sent(client, things, name, fields, prepared.rows)
    # the form anew, because a file is read once
    again = fields | address.form(things)
    wronged = sent(client, things, name, hostile | again, prepared.rows)
    assert plain[1] or name not in CHANGING
    assert wronged == plain
