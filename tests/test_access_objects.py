"""The helpers by which views get their objects: what is not yours does not exist."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, QueryDict
from pytest_django import DjangoDbBlocker

from audit.models import AuditEvent, AuditKind
from messaging.models import OutgoingAction
from messaging.states import Status
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import (
    RoleTooLowError,
    get_account,
    get_action,
    get_batch,
    get_order,
    get_orders,
    get_reach,
    get_user,
    require_some_account,
    single_value,
)
from tests.factories import (
    BatchFactory,
    MembershipFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.made_once import rows_made_once
from tests.test_access import Things, make_things

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def things(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Things]:
    with rows_made_once(django_db_blocker):
        yield make_things()


def _request(role: Role | None, account: SellerAccount) -> HttpRequest:
    request = HttpRequest()
    request.method, request.path = "POST", "/somewhere/"
    request.user = UserFactory()
    if role is not None:
        MembershipFactory(user=request.user, account=account, role=role)
    return request


@pytest.mark.parametrize("at_least", list(Role))
@pytest.mark.parametrize("role", [None, *Role])
def test_an_object_is_given_to_those_whose_role_reaches(
    things: Things, role: Role | None, at_least: Role
) -> None:
    request = _request(role, things.account)

    def ask_all() -> list[models.Model]:
        return [
            get_account(request, things.account.pk, at_least),
            get_order(request, things.account.pk, things.order.amazon_order_id, at_least),
            get_batch(request, things.batch.pk, at_least),
            get_action(request, things.action.pk, at_least),
        ]

    if role is None:
        for ask in (
            lambda: get_account(request, things.account.pk, at_least),
            lambda: get_order(request, things.account.pk, "302-1234567-1234567", at_least),
            lambda: get_batch(request, things.batch.pk, at_least),
            lambda: get_action(request, things.action.pk, at_least),
            lambda: get_orders(request, [things.order.pk], at_least),
            lambda: require_some_account(request, get_reach(request), at_least),
        ):
            with pytest.raises(Http404):
                ask()
    elif role.includes(at_least):
        assert ask_all() == [things.account, things.order, things.batch, things.action]
        assert get_orders(request, [things.order.pk], at_least) == [
            (things.account.pk, things.order.pk)
        ]
    else:
        verb = "send" if at_least == Role.OPERATOR else "manage"
        with pytest.raises(RoleTooLowError, match=rf"^Your role \({role.label}\) cannot {verb}\.$"):
            ask_all()


def test_one_batch_of_two_accounts_is_open_to_the_people_of_both(things: Things) -> None:
    other = OutgoingActionFactory(batch=things.batch)
    assert get_batch(_request(Role.VIEWER, other.account), things.batch.pk) == things.batch
    request = _request(Role.VIEWER, other.account)
    MembershipFactory(user=request.user, account=things.account, role=Role.OPERATOR)
    assert get_batch(request, things.batch.pk, Role.OPERATOR) == things.batch


def test_an_empty_batch_is_open_to_who_made_it() -> None:
    batch = BatchFactory()
    request = _request(None, SellerAccountFactory())
    with pytest.raises(Http404):
        get_batch(request, batch.pk)
    request.user = batch.created_by
    assert get_batch(request, batch.pk) == batch


def test_who_made_a_batch_cannot_stop_it_without_a_role(things: Things) -> None:
    request = _request(None, things.account)
    request.user = things.batch.created_by
    assert get_batch(request, things.batch.pk) == things.batch
    with pytest.raises(Http404):
        get_batch(request, things.batch.pk, Role.OPERATOR)


def test_somebody_elses_action_is_written_down(things: Things) -> None:
    request = _request(None, things.account)
    with pytest.raises(Http404):
        get_action(request, things.action.pk)
    event = AuditEvent.objects.get(kind=AuditKind.DENIED)
    assert (event.user, event.account_id) == (request.user, things.account.pk)


def test_somebody_elses_batch_is_written_down(things: Things) -> None:
    request = _request(None, things.account)
    with pytest.raises(Http404):
        get_batch(request, things.batch.pk)
    event = AuditEvent.objects.get(kind=AuditKind.DENIED)
    assert (event.user, event.account_id) == (request.user, things.account.pk)
    assert (event.subject, event.detail["rows"]) == ("/somewhere/", 1)


@pytest.mark.parametrize("pk", [2**63, 2**80])
def test_an_id_that_no_row_can_have_is_missing(things: Things, pk: int) -> None:
    request = _request(Role.MANAGER, things.account)
    for get in (get_account, get_batch, get_action):
        with pytest.raises(Http404):
            get(request, pk)


def test_nobody_has_no_reach(things: Things) -> None:
    request = HttpRequest()
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        get_user(request)
    with pytest.raises(PermissionDenied):
        get_reach(request)


def test_reach_knows_the_roles_by_account() -> None:
    first, second = SellerAccountFactory(name="B"), SellerAccountFactory(name="A")
    request = _request(Role.VIEWER, first)
    MembershipFactory(user=request.user, account=second, role=Role.OPERATOR)
    SellerAccountFactory()
    reach = get_reach(request)
    assert [account.name for account in reach.accounts] == ["A", "B"]
    assert reach.ids() == [second.pk, first.pk]
    assert reach.ids(Role.OPERATOR) == [second.pk]
    assert reach.may(second.pk, Role.OPERATOR)
    assert not reach.may(first.pk, Role.OPERATOR)
    assert not reach.may(10**9, Role.VIEWER)


def test_a_field_that_stands_alone_must_stand_once() -> None:
    assert single_value(QueryDict("a=1"), "a") == "1"
    assert single_value(QueryDict(""), "a") == ""
    with pytest.raises(BadRequest, match=r"^“a” was given 2 times\. Give it once\.$"):
        single_value(QueryDict("a=1&a=2"), "a")


def test_sending_is_refused_before_anything_of_the_order_is_looked_at(things: Things) -> None:
    request = _request(Role.VIEWER, things.account)
    for number in (things.order.amazon_order_id, "123-1234567-1234567"):
        with pytest.raises(RoleTooLowError):
            get_order(request, things.account.pk, number, Role.OPERATOR)
    assert OutgoingAction.objects.get().status == Status.QUEUED
