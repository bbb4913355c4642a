"""Who may reach what: every address by every role, built from the resolver, so none is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from audit.models import AuditEvent, AuditKind
from messaging.models import ActionEvent, Batch, KillSwitch, OutgoingAction
from messaging.states import Status
from orders.models import Order
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
    KillSwitchFactory,
    MembershipFactory,
    OrderFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
ROLES = ("nobody", "stranger", "viewer", "operator", "manager", "auditor", "superuser")

# What each role gets. "login": sent to the log-in page; 2: it is answered (200, or a redirect back).
Row = dict[str, object]
OPEN: Row = dict.fromkeys(ROLES, 2)
EVERYBODY: Row = OPEN | {"nobody": "login"}
MEMBERS: Row = dict.fromkeys(ROLES, 404) | {
    "nobody": "login",
    "viewer": 2,
    "operator": 2,
    "manager": 2,
}
SENDERS: Row = MEMBERS | {"viewer": 403}
MANAGERS: Row = SENDERS | {"operator": 403}
# Who manages every account there is stops them all; the stranger manages one of two.
WHO_STOPS_ALL: Row = dict.fromkeys(ROLES, 403) | {"nobody": "login", "manager": 2, "superuser": 2}


@dataclass(frozen=True)
class Address:
    """How an address is asked for, and what each role gets; `form_roles` where it also takes a form."""

    method: str
    roles: Row
    fields: tuple[str, ...] = ()
    form_roles: Row | None = None

    @property
    def forms(self) -> Row | None:
        """What each role gets for a form, None where there is none."""
        return self.roles if self.method == "post" else self.form_roles


TABLE: dict[str, Address] = {
    "overview": Address("get", EVERYBODY),
    "orders:list": Address("get", EVERYBODY),
    "orders:counts": Address("get", EVERYBODY),
    "orders:detail": Address("get", MEMBERS),
    "orders:state": Address("get", MEMBERS),
    "orders:row": Address("get", MEMBERS),
    "orders:request_reviews": Address("post", SENDERS, fields=("order",)),
    "orders:request_review": Address("post", SENDERS),
    "orders:cancel_request": Address("post", SENDERS),
    "messaging:outbox": Address("get", EVERYBODY),
    "messaging:action": Address("get", MEMBERS),
    "messaging:cancel": Address("post", SENDERS),
    "messaging:retry": Address("post", SENDERS),
    "messaging:decide": Address("get", MANAGERS, form_roles=MANAGERS),
    "messaging:switches": Address("get", EVERYBODY, form_roles=WHO_STOPS_ALL),
    "messaging:lift": Address("post", MANAGERS),
    "sellers:list": Address("get", EVERYBODY),
    "sellers:pause": Address("post", MANAGERS),
    "sellers:resume": Address("post", MANAGERS),
    "sellers:try_again": Address("post", MANAGERS),
    "messaging:batch_status": Address("get", EVERYBODY),
    "messaging:batch": Address("get", MEMBERS),
    "messaging:progress": Address("get", MEMBERS),
    "messaging:stop": Address("post", SENDERS),
    "messaging:export": Address("get", MEMBERS),
    "login": Address("get", OPEN),
    "account_login": Address("get", OPEN),
    "account_reauthenticate": Address("get", EVERYBODY),
    "logout": Address("post", EVERYBODY),
    "healthz": Address("get", OPEN),
    "readyz": Address("get", OPEN),
    "metrics": Address("get", dict.fromkeys(ROLES, 404)),  # no role opens it: its token does
}


def _addresses(
    resolver: URLResolver | None = None, route: str = "/", space: str = ""
) -> Iterator[tuple[str, str]]:
    """Every (name, route) of ours; Django's admin has tests of its own."""
    for pattern in (resolver or get_resolver()).url_patterns:
        here = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}", here
        elif pattern.namespace != "admin":
            yield from _addresses(
                pattern, here, f"{space}{pattern.namespace}:" if pattern.namespace else space
            )


ADDRESSES = dict(_addresses())


@dataclass(frozen=True)
class Things:
    """What the addresses are about, in one account."""

    account: SellerAccount
    order: Order
    action: OutgoingAction
    batch: Batch
    switch: KillSwitch

    def path(self, route: str, *, missing: bool = False) -> str:
        """The address of these things; with `missing`, of things that are not there."""
        values = {
            "account_id": 10**9 if missing else self.account.pk,
            "number": self.order.amazon_order_id,
            "action_id": 10**9 if missing else self.action.pk,
            "batch_id": 10**9 if missing else self.batch.pk,
            "switch_id": 10**9 if missing else self.switch.pk,
        }
        return re.sub(r"<\w+:(\w+)>", lambda match: str(values[match[1]]), route)


@pytest.fixture
def things() -> Things:
    """An order that waits in a batch, and a kill switch that does not concern it."""
    order = OrderFactory()
    batch = BatchFactory(created_by=UserFactory())
    action = OutgoingActionFactory(order=order, batch=batch)
    switch = KillSwitchFactory(account=order.account, kind="another")
    return Things(order.account, order, action, batch, switch)


def _somebody(role: str, account: SellerAccount) -> Client:
    client = Client()
    if role == "nobody":
        return client
    user = UserFactory(is_staff=role in ("auditor", "superuser"), is_superuser=role == "superuser")
    if role == "stranger":
        MembershipFactory(user=user, role=Role.MANAGER)
    elif role in Role.values:
        MembershipFactory(user=user, account=account, role=Role(role))
    client.force_login(user)
    return client


def _ask(
    client: Client, address: Address, path: str, things: Things, *, method: str = "", **extra: Any
) -> HttpResponse:
    fields = {"order": [things.order.pk]} if "order" in address.fields else {}
    response: HttpResponse = getattr(client, method or address.method)(path, fields, **extra)
    return response


def _rows() -> dict[str, list[dict[str, object]]]:
    """All that a view could have changed; the audit trail and sessions aside."""
    tables: list[type[models.Model]] = [
        Order,
        OutgoingAction,
        ActionEvent,
        Batch,
        KillSwitch,
        SellerAccount,
        User,
    ]
    return {
        table.__name__: list(table._default_manager.order_by("pk").values()) for table in tables
    }


def test_every_address_has_its_row() -> None:
    assert set(TABLE) == set(ADDRESSES)
    assert all(set(address.roles) == set(ROLES) for address in TABLE.values())


WAYS = [(name, TABLE[name].method) for name in TABLE] + [
    (name, "post") for name in TABLE if TABLE[name].form_roles
]
# Pages of people/ that also take a form; tests/people tests those.
FORMS_OF_PEOPLE = {"login", "account_login", "account_reauthenticate"}
TAKES_A_FORM = [name for name in TABLE if TABLE[name].forms]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("name", "method"), WAYS)
@pytest.mark.parametrize("by_htmx", [False, True], ids=["page", "htmx"])
def test_each_role_gets_what_the_table_says(
    things: Things, redis_empty: None, name: str, method: str, role: str, by_htmx: bool
) -> None:
    address = TABLE[name]
    client = _somebody(role, things.account)
    path = things.path(ADDRESSES[name])
    before = _rows()
    headers = HTMX if by_htmx else {}
    response = _ask(client, address, path, things, method=method, headers=headers)
    expected = (address.forms if method == "post" else address.roles)[role]  # type: ignore[index]
    if expected == "login":
        target = response.headers["HX-Redirect" if by_htmx else "Location"]
        assert target.startswith("/login/?next=")
        assert response.status_code == (204 if by_htmx else 302)
    elif expected == 2:
        # 409 and 422: it may be asked for, but not of this order in this state
        assert response.status_code in (200, 204, 302, 409, 422, 503), response.content
        assert "/login/" not in response.headers.get("Location", "") or name == "logout"
    else:
        assert response.status_code == expected
    if expected != 2:
        assert _rows() == before


@pytest.mark.parametrize("name", [name for name in TABLE if "<" in ADDRESSES[name]])
def test_somebody_elses_looks_like_nothing(things: Things, name: str) -> None:
    client = _somebody("stranger", things.account)
    foreign = _ask(client, TABLE[name], things.path(ADDRESSES[name]), things)
    missing = _ask(client, TABLE[name], things.path(ADDRESSES[name], missing=True), things)
    assert (foreign.status_code, missing.status_code) == (404, 404)

    def shown(response: HttpResponse) -> str:
        return re.sub(r"Request [0-9a-f]{32}|\w{64}", "", response.content.decode())

    assert shown(foreign) == shown(missing)


@pytest.mark.parametrize("name", [name for name in TABLE if TABLE[name].method == "post"])
def test_looking_at_an_address_changes_nothing(things: Things, name: str) -> None:
    client = _somebody("manager", things.account)
    before = _rows()
    for method in (client.get, client.head):
        assert method(things.path(ADDRESSES[name])).status_code == 405
    assert _rows() == before


@pytest.mark.parametrize(
    "name", [name for name in TABLE if not TABLE[name].forms and name not in FORMS_OF_PEOPLE]
)
def test_an_address_to_look_at_takes_no_form(things: Things, name: str) -> None:
    client = _somebody("manager", things.account)
    assert client.post(things.path(ADDRESSES[name])).status_code == 405


@pytest.mark.parametrize("name", TAKES_A_FORM)
def test_no_form_is_taken_without_its_secret(things: Things, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    user = UserFactory()
    MembershipFactory(user=user, account=things.account, role=Role.MANAGER)
    client.force_login(user)
    before = _rows()
    assert client.post(things.path(ADDRESSES[name])).status_code == 403
    assert _rows() == before


@pytest.mark.parametrize("name", [n for n in TABLE if TABLE[n].forms in (SENDERS, MANAGERS)])
def test_a_refusal_stands_in_the_audit_trail(things: Things, name: str) -> None:
    client = _somebody("viewer", things.account)
    path = things.path(ADDRESSES[name])
    _ask(client, TABLE[name], path, things, method="post")
    event = AuditEvent.objects.get(kind=AuditKind.DENIED)
    assert (event.subject, event.account_id) == (path, things.account.pk)
    assert event.detail == {"method": "POST", "rows": 1, "role": "viewer"}


def test_a_lost_session_comes_back_to_the_page_not_to_its_fragment(things: Things) -> None:
    headers = HTMX | {"HX-Current-URL": "http://testserver/orders/?state=sent"}
    response = Client().get(things.path(ADDRESSES["orders:row"]), headers=headers)
    assert response.headers["HX-Redirect"] == "/login/?next=%2Forders%2F%3Fstate%3Dsent"


# --- the helpers themselves


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
