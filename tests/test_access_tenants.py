"""No page reads rows of a seller account without naming the account or the row, or shows another's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from pytest_django import DjangoDbBlocker

from orders.models import Order
from sellers.models import SellerAccount
from tests.factories import OrderItemFactory
from tests.made_once import rows_made_once
from tests.test_access import (
    ADDRESSES,
    TABLE,
    Things,
    ask,
    browser,
    make_things,
    session_of,
    somebody,
)

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ADDRESS_WAYS = [(name, TABLE[name].method) for name in TABLE] + [
    (name, "post") for name in TABLE if TABLE[name].form_roles
]
CANARY = "Canary of another seller"


def _leads_to_an_account(table: type[models.Model], seen: frozenset[object]) -> bool:
    if table is SellerAccount:
        return True
    return any(
        _leads_to_an_account(field.related_model, seen | {table})
        for field in table._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
        and isinstance(field.related_model, type)
        and field.related_model not in seen
    )


# All tables of which a row belongs to a seller account, found from the models themselves.
TENANT_TABLES = {
    table._meta.db_table for table in apps.get_models() if _leads_to_an_account(table, frozenset())
}
# What names an account, a row that is checked before or after, or the person who asks.
_NAMING = (
    "id",
    "account_id",
    "order_id",
    "action_id",
    "batch_id",
    "file_id",
    "user_id",
    "token_hash",
)
_NAMED = re.compile(rf'"({"|".join(_NAMING)})" ?(=|IN|IS NULL)')
# Whether there is any account at all: who manages every one of them may stop everything.
_ANY_ACCOUNT = 'SELECT %s AS "a" FROM "sellers_selleraccount" LIMIT 1'


def outermost(sql: str) -> str:
    """The statement with all that stands in brackets emptied."""
    depth, kept = 0, []
    for character in sql:
        depth -= character == ")"
        if depth == 0:
            kept.append(character)
        depth += character == "("
    return "".join(kept)


def reads_unnamed(sql: str) -> bool:
    """Whether the statement reads a tenant's table without naming the account or the row."""
    if not sql.startswith("SELECT") or sql == _ANY_ACCOUNT:
        return False
    source = re.search(r'\bFROM "(\w+)"', outermost(sql))
    if source is None or source[1] not in TENANT_TABLES:
        return False
    return not _NAMED.search(_conditions(sql))


def _conditions(sql: str) -> str:
    """What stands after the outermost WHERE; nothing when there is none."""
    depth = 0
    for at, character in enumerate(sql):
        depth += (character == "(") - (character == ")")
        if depth == 0 and sql.startswith(" WHERE ", at):
            return sql[at:]
    return ""


def test_the_tables_of_tenants_are_found() -> None:
    assert {"orders_order", "orders_orderitem", "messaging_outgoingaction"} <= TENANT_TABLES
    assert {"sellers_membership", "sellers_invitation", "messaging_killswitch"} <= TENANT_TABLES
    assert not {"auth_user", "django_session", "sellers_application"} & TENANT_TABLES


def test_a_query_that_names_no_account_is_found() -> None:
    mine = Order.objects.filter(account_id=1)
    assert not reads_unnamed(str(mine.query))
    assert not reads_unnamed(str(Order.objects.filter(pk=1).query))
    assert reads_unnamed(str(Order.objects.all().query))
    assert reads_unnamed(str(Order.objects.filter(amazon_order_id="x").query))
    # named within a subquery alone: of the whole table
    related = SellerAccount.objects.filter(pk=models.OuterRef("account_id"), pk__in=[1])
    assert reads_unnamed(str(Order.objects.annotate(x=models.Exists(related)).query))


# Made once for each class below: what an address is about, the cookie of who manages its account.
@pytest.fixture(scope="class")
def things(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Things]:
    with rows_made_once(django_db_blocker):
        yield make_things()


@pytest.fixture(scope="class")
def manager(things: Things) -> str:
    return session_of(somebody("manager", things.account))


@pytest.fixture(scope="class")
def other(things: Things) -> Things:
    other = make_things()
    SellerAccount.objects.filter(pk=other.account.pk).update(name=CANARY)
    OrderItemFactory(order=other.order, title=CANARY, asin="B0CANARY00", sku="CANARY-1")
    return other


@pytest.mark.parametrize(("name", "method"), ADDRESS_WAYS)
class TestWithOneSeller:
    def test_every_query_names_the_account_or_the_row(
        self, things: Things, manager: str, redis_empty: None, name: str, method: str
    ) -> None:
        client, found = browser(manager), []

        def watch(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if reads_unnamed(sql):
                found.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(watch):
            ask(client, TABLE[name], things.path(ADDRESSES[name]), things, method=method)
        assert found == []


@pytest.mark.parametrize(("name", "method"), ADDRESS_WAYS)
class TestWithAnotherSeller:
    def test_nothing_of_another_seller_is_shown(
        self,
        things: Things,
        other: Things,
        manager: str,
        redis_empty: None,
        name: str,
        method: str,
    ) -> None:
        client, path = browser(manager), things.path(ADDRESSES[name])
        answers = [ask(client, TABLE[name], path, things, method=method)]
        if method == "get":
            answers.append(client.get(path, {"q": other.order.amazon_order_id}))
        hidden = ("Canary", "CANARY", other.member.user.username)
        for answer in answers:
            content = answer.getvalue().decode()
            assert [word for word in hidden if word in content] == []
