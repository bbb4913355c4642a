"""Who may reach what: every address by every role, built from the resolver, so none is forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from audit.models import AuditEvent, AuditKind
from messaging.models import Batch, KillSwitch, MessageTemplate, OutgoingAction, StoredFile
from orders.models import Exclusion, Order, ParkedNotification
from sellers.invitations import invite
from sellers.models import Invitation, Membership, Role, SellerAccount
from tests.factories import (
    PASSWORD,
    BatchFactory,
    ExclusionFactory,
    KillSwitchFactory,
    MembershipFactory,
    MessageTemplateFactory,
    OrderFactory,
    OutgoingActionFactory,
    ParkedNotificationFactory,
    StoredFileFactory,
    UserFactory,
)
from tests.made_once import rows_made_once
from tests.messaging.offering import offer
from tests.people.addresses import OWN
from tests.people.confirming import confirm

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.any_database,
    pytest.mark.usefixtures("redis_empty"),
]

HTMX = {"HX-Request": "true"}
ROLES = ("nobody", "stranger", "viewer", "operator", "manager", "auditor", "superuser")
CONFIRM = "/me/confirm/?next="
MESSAGE = "unexpectedProblem"

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
# Whoever manages some account may connect another, and so may a superuser.
CONNECTORS: Row = MANAGERS | {"stranger": 2, "superuser": 2}
# An application is a manager's of one of its accounts, and to everybody else it does not exist.
APPLICATION: Row = dict.fromkeys(ROLES, 404) | {"nobody": "login", "manager": 2}
# Who manages every account there is stops them all; the stranger manages one of two.
WHO_STOPS_ALL: Row = dict.fromkeys(ROLES, 403) | {"nobody": "login", "manager": 2, "superuser": 2}


@dataclass(frozen=True)
class Things:
    """What the addresses are about, in one account."""

    account: SellerAccount
    order: Order
    action: OutgoingAction
    batch: Batch
    switch: KillSwitch
    member: Membership
    invitation: Invitation
    token: str
    exclusion: Exclusion
    parked: ParkedNotification
    template: MessageTemplate
    file: StoredFile

    def path(self, route: str, *, missing: bool = False) -> str:
        """The address of these things; with `missing`, of things that are not there."""
        return _filled(route, MISSING if missing else self.values)

    @property
    def values(self) -> dict[str, object]:
        """What stands in the address of these things, by the name in the route."""
        return {
            "account_id": self.account.pk,
            "number": self.order.amazon_order_id,
            "action_id": self.action.pk,
            "batch_id": self.batch.pk,
            "switch_id": self.switch.pk,
            "member_id": self.member.pk,
            "invitation_id": self.invitation.pk,
            "parked_id": self.parked.pk,
            "check": "token",
            "application_id": self.account.application_id,
            "exclusion_id": self.exclusion.pk,
            "template_id": self.template.pk,
            "file_id": self.file.pk,
            "kind": MESSAGE,
        }


MISSING: dict[str, object] = dict.fromkeys(
    (
        "account_id",
        "action_id",
        "batch_id",
        "switch_id",
        "member_id",
        "invitation_id",
        "application_id",
        "parked_id",
        "exclusion_id",
        "template_id",
        "file_id",
    ),
    10**9,
) | {"number": "302-9999999-9999999", "check": "token", "kind": MESSAGE}


def _filled(route: str, values: dict[str, object]) -> str:
    return re.sub(r"<\w+:(\w+)>", lambda match: str(values[match[1]]), route)


@dataclass(frozen=True)
class Address:
    """How an address is asked for, and what each role gets; `form_roles` where it also takes a form.

    `form` makes a form that it takes, `optional` are fields that it takes besides. `confirms`: only
    who gave their password lately comes in. `link`: what is in the address by which one comes.
    """

    method: str
    roles: Row
    form: Callable[[Things], dict[str, object]] = lambda _things: {}
    form_roles: Row | None = None
    optional: tuple[str, ...] = ()
    confirms: bool = False
    link: Callable[[Things], str] | None = None

    @property
    def forms(self) -> Row | None:
        """What each role gets for a form, None where there is none."""
        return self.roles if self.method == "post" else self.form_roles


def _bulk_form(things: Things, kind: str) -> dict[str, object]:
    return {"order": [things.order.pk], "account": things.account.pk, "kind": kind}


REASON: tuple[str, ...] = ("reason", "next")
KEY: tuple[str, ...] = ("client_key", "next")
PASTED = ("application", "refresh_token", "marketplaces", "name", "region", "selling_partner_id")
CONSENT = (
    "application",
    "marketplace",
    "name",
    "amazon_callback_uri",
    "amazon_state",
    "selling_partner_id",
)
APPLICATION_FIELDS = (
    "name",
    "client_id",
    "client_secret",
    "secret_made_on",
    "is_public",
    "application_id",
    "is_draft",
    "redirect_uri",
)


def _template_fields(_things: Things) -> dict[str, object]:
    return {"name": "Address", "kind": "confirmOrderDetails", "text": "Is it {order_number}?"}


NEW_PERSON = {"username": "newcomer", "password1": PASSWORD, "password2": PASSWORD}
TABLE: dict[str, Address] = {
    "overview": Address("get", EVERYBODY),
    "orders:list": Address("get", EVERYBODY),
    "orders:counts": Address("get", EVERYBODY),
    "orders:reports": Address("get", MEMBERS),
    "orders:read_reports": Address("post", MANAGERS),
    "orders:detail": Address("get", MEMBERS),
    "orders:state": Address("get", MEMBERS),
    "orders:row": Address("get", MEMBERS),
    "orders:import": Address(
        "get",
        SENDERS | {"stranger": 2},
        form_roles=SENDERS,
        form=lambda things: {
            "account": things.account.pk,
            "text": things.order.amazon_order_id,
            "end": "1",
        },
        optional=("file", "plan", "skip_bad_rows"),
    ),
    "exclusions:list": Address("get", EVERYBODY),
    "exclusions:add": Address(
        "get",
        SENDERS | {"stranger": 2},
        form_roles=SENDERS,
        form=lambda things: {
            "account": things.account.pk,
            "kind": "order",
            "text": things.order.amazon_order_id,
            "reason": "Recalled",
            "end": "1",
        },
        optional=("file", "plan", "skip_bad_rows"),
    ),
    "exclusions:undo": Address("post", SENDERS, optional=("next",)),
    "orders:request_reviews": Address(
        "post",
        SENDERS,
        form=lambda things: {"order": [things.order.pk]},
        optional=("all_matching", "confirmed", *KEY),
    ),
    "orders:request_review": Address("post", SENDERS, optional=("warned", *KEY)),
    "orders:cancel_request": Address("post", SENDERS, optional=("next",)),
    "messaging:upload": Address(
        "post",
        SENDERS,
        form=lambda _things: {"upload": SimpleUploadedFile("key.txt", b"A key")},
    ),
    "messaging:file": Address("get", SENDERS),
    "messaging:bulk": Address(
        "post",
        SENDERS,
        form=lambda things: {"order": [things.order.pk]},
        optional=("all_matching", "next"),
    ),
    "messaging:bulk_write": Address(
        "post",
        SENDERS,
        form=lambda things: _bulk_form(things, "legalDisclosure"),
        optional=("plan", "template", "text", "file", "next"),
    ),
    "messaging:bulk_check": Address(
        "post",
        SENDERS,
        form=lambda things: _bulk_form(things, "unexpectedProblem") | {"text": "It is late."},
        optional=("plan", "step", "template", "file", "upload", "months", "next"),
    ),
    "messaging:palette": Address("get", EVERYBODY),
    "messaging:outbox": Address("get", EVERYBODY),
    "messaging:action": Address("get", MEMBERS),
    "messaging:messages": Address("get", MEMBERS),
    "messaging:compose": Address(
        "get",
        SENDERS,
        form_roles=SENDERS,
        form=lambda _things: {"text": "The parcel is late.", "step": "send"},
        optional=("first_day", "last_day", "acknowledged", "client_key", "file", "upload"),
    ),
    "messaging:cancel": Address("post", SENDERS, optional=("next",)),
    "messaging:retry": Address("post", SENDERS, optional=("next",)),
    "messaging:decide": Address(
        "get",
        MANAGERS,
        form_roles=MANAGERS,
        optional=("choice", "reason", "order_number", "seen_step"),
        confirms=True,
    ),
    "messaging:switches": Address(
        "get",
        EVERYBODY,
        form_roles=WHO_STOPS_ALL,
        form=lambda _things: {"reason": "Wrong item"},
        optional=("account", "kind"),
    ),
    "messaging:lift": Address("post", MANAGERS, optional=("next",)),
    "sellers:list": Address("get", EVERYBODY),
    "sellers:pause": Address("post", MANAGERS, optional=REASON),
    "sellers:resume": Address("post", MANAGERS, optional=("next",)),
    "sellers:try_again": Address("post", MANAGERS, optional=("next",)),
    "sellers:account": Address("get", MEMBERS),
    "sellers:one_message": Address(
        "post", MANAGERS, form=lambda _things: {"one_message_per_order": "yes"}
    ),
    "sellers:connect": Address(
        "get", CONNECTORS, form_roles=CONNECTORS, optional=PASTED, confirms=True
    ),
    "sellers:renew": Address("get", MANAGERS, form_roles=MANAGERS, optional=PASTED, confirms=True),
    "sellers:disconnect": Address("post", MANAGERS, optional=("reason",), confirms=True),
    "sellers:consent": Address("post", CONNECTORS, optional=CONSENT, confirms=True),
    "sellers:consent_again": Address("post", MANAGERS, optional=CONSENT, confirms=True),
    # without what Amazon gives along these two are answered with a refusal
    "sellers:from_appstore": Address(
        "get",
        {role: 400 if what == 2 else what for role, what in CONNECTORS.items()},
        confirms=True,
    ),
    "sellers:callback": Address("get", dict.fromkeys(ROLES, 400)),
    "sellers:applications": Address("get", CONNECTORS),
    "sellers:add_application": Address(
        "get", CONNECTORS, form_roles=CONNECTORS, optional=APPLICATION_FIELDS, confirms=True
    ),
    "sellers:application": Address(
        "get", APPLICATION, form_roles=APPLICATION, optional=APPLICATION_FIELDS, confirms=True
    ),
    "sellers:notifications": Address("get", MANAGERS),
    "sellers:start_notifications": Address("post", MANAGERS),
    "sellers:end_notifications": Address("post", MANAGERS),
    "sellers:replay_notification": Address("post", MANAGERS),
    "sellers:doctor": Address("get", MANAGERS),
    "sellers:doctor_line": Address("get", MANAGERS),
    "sellers:people": Address("get", MANAGERS),
    "sellers:invite": Address(
        "get",
        MANAGERS,
        form_roles=MANAGERS,
        form=lambda _things: {"role": "viewer"},
        optional=("note",),
        confirms=True,
    ),
    "sellers:uninvite": Address("post", MANAGERS),
    "sellers:review_people": Address("post", MANAGERS),
    "sellers:change_role": Address(
        "post", MANAGERS, form=lambda _things: {"role": "operator"}, confirms=True
    ),
    "sellers:remove_member": Address("post", MANAGERS, confirms=True),
    "sellers:join": Address(
        "get",
        OPEN,
        form_roles=OPEN,
        form=lambda _things: dict(NEW_PERSON),
        link=lambda things: f"?token={things.token}",
    ),
    "messaging:batch_status": Address("get", EVERYBODY),
    "messaging:batch": Address("get", MEMBERS),
    "messaging:progress": Address("get", MEMBERS),
    "messaging:stop": Address("post", SENDERS),
    "messaging:export": Address("get", MEMBERS),
    "messaging:templates": Address("get", MEMBERS),
    "messaging:add_template": Address(
        "get", SENDERS, form_roles=SENDERS, form=_template_fields, optional=("language",)
    ),
    "messaging:check_template": Address(
        "post", SENDERS, form=_template_fields, optional=("language",)
    ),
    "messaging:change_template": Address(
        "get", SENDERS, form_roles=SENDERS, form=_template_fields, optional=("language",)
    ),
    "messaging:delete_template": Address("post", SENDERS),
    "replenishment:offers": Address("get", EVERYBODY),
    # 404 for whoever sells in no marketplace of the programme; tests/replenishment has the others
    "replenishment:export": Address("get", dict.fromkeys(ROLES, 404) | {"nobody": "login"}),
    "login": Address("get", OPEN),
    "account_login": Address("get", OPEN),
    "account_reauthenticate": Address("get", EVERYBODY),
    "logout": Address("post", EVERYBODY),
    "healthz": Address("get", OPEN),
    "readyz": Address("get", OPEN),
    "metrics": Address("get", dict.fromkeys(ROLES, 404)),  # no role opens it: its token does
}


def _patterns(
    resolver: URLResolver | None = None, route: str = "/", space: str = ""
) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """The (name, route, view) of every address of ours; Django's admin has tests of its own."""
    for pattern in (resolver or get_resolver()).url_patterns:
        here = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}", here, pattern.callback
        elif pattern.namespace != "admin":
            yield from _patterns(
                pattern, here, f"{space}{pattern.namespace}:" if pattern.namespace else space
            )


# What is about oneself alone has its table and its tests in tests/people.
ADDRESSES = {name: route for name, route, _view in _patterns() if name not in OWN}
VIEWS = {name: view for name, _route, view in _patterns() if name not in OWN}


def make_things() -> Things:
    """An order that waits in a batch, a kill switch that does not concern it, a viewer, an invitation."""
    order = OrderFactory()
    batch = BatchFactory(created_by=UserFactory())
    action = OutgoingActionFactory(order=order, batch=batch)
    switch = KillSwitchFactory(account=order.account, kind="another")
    inviter = MembershipFactory(account=order.account, role=Role.MANAGER)
    member = MembershipFactory(account=order.account, role=Role.VIEWER)
    invitation, token = invite(order.account, Role.VIEWER, inviter.user, timezone.now())
    exclusion = ExclusionFactory(account=order.account)
    parked = ParkedNotificationFactory(account=order.account)
    offer(order, MESSAGE)
    template = MessageTemplateFactory(account=order.account)
    return Things(
        order.account,
        order,
        action,
        batch,
        switch,
        member,
        invitation,
        token,
        exclusion,
        parked,
        template,
        StoredFileFactory(account=order.account),
    )


@pytest.fixture
def things() -> Things:
    return make_things()


def somebody(role: str, account: SellerAccount, *, confirmed: bool = True) -> Client:
    """Somebody with that role on the account, who gave their password just now."""
    client = Client()
    if role == "nobody":
        return client
    user = UserFactory(is_staff=role in ("auditor", "superuser"), is_superuser=role == "superuser")
    if role == "stranger":
        MembershipFactory(user=user, role=Role.MANAGER)
    elif role in Role.values:
        MembershipFactory(user=user, account=account, role=Role(role))
    client.force_login(user)
    if confirmed:
        confirm(client, user)
    return client


@dataclass(frozen=True)
class World:
    """Things, and somebody of every role who is logged in."""

    things: Things
    cookies: dict[str, str]

    @classmethod
    def make(cls) -> World:
        """A new one; the stranger's account is another."""
        things = make_things()
        people = {role: somebody(role, things.account) for role in ROLES}
        return cls(things, {role: session_of(client) for role, client in people.items()})

    def client(self, role: str, **options: Any) -> Client:
        """A browser in which somebody of that role is logged in."""
        return browser(self.cookies[role], **options)


def session_of(client: Client) -> str:
    """The cookie by which somebody is logged in; empty for nobody."""
    cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
    return cookie.value if cookie else ""


def browser(cookie: str, **options: Any) -> Client:
    """A new browser with the session of that cookie."""
    client = Client(**options)
    if cookie:
        client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    return client


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with rows_made_once(django_db_blocker):
        yield World.make()


def ask(
    client: Client, address: Address, path: str, things: Things, *, method: str = "", **extra: Any
) -> HttpResponse:
    """What the address answers, to its form when it takes one; through its link, when it has one."""
    method = method or address.method
    if address.link:
        client.get(path + address.link(things))
    fields = address.form(things) if method == "post" else {}
    response: HttpResponse = getattr(client, method)(path, fields, **extra)
    return response


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All that a view could have changed, as it is stored; the audit trail and sessions aside."""
    found = {}
    with connection.cursor() as cursor:
        for name in sorted(table._meta.db_table for table in TABLES):
            cursor.execute(f'SELECT * FROM "{name}" ORDER BY 1')
            found[name] = cursor.fetchall()
    return found


TABLES: tuple[type[models.Model], ...] = tuple(
    table
    for table in apps.get_models()
    if table not in (AuditEvent, Session) and table._meta.app_label != "usersessions"
)


def shown(response: HttpResponse, path: str) -> bytes:
    """The answer without what must differ: the request's id, the form's secret, its own address."""
    content = re.sub(rb"Request [0-9a-f]{32}|\b\w{64}\b", b"", response.content)
    return content.replace(path.encode(), b"")


def test_every_address_has_its_row() -> None:
    assert set(TABLE) == set(ADDRESSES)
    assert all(set(address.roles) == set(ROLES) for address in TABLE.values())


WAYS = [(name, TABLE[name].method) for name in TABLE] + [
    (name, "post") for name in TABLE if TABLE[name].form_roles
]
# Pages of people/ that also take a form; tests/people tests those.
FORMS_OF_PEOPLE = {"login", "account_login", "account_reauthenticate"}
TAKES_A_FORM = [name for name in TABLE if TABLE[name].forms]


def _expected(name: str, method: str) -> Row:
    address = TABLE[name]
    return (address.forms or {}) if method == "post" else address.roles


def _answers() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Who is answered; those who only look one after the other, who sends a form alone."""
    for name, method in WAYS:
        roles = tuple(role for role, what in _expected(name, method).items() if what == 2)
        if method == "get":
            yield name, method, roles
        else:
            yield from ((name, method, (role,)) for role in roles)


PAGE: dict[str, str] = {}
BY = pytest.mark.parametrize("headers", [PAGE, HTMX], ids=["page", "htmx"])


@pytest.mark.parametrize(("name", "method"), WAYS)
def test_who_may_not_is_refused_as_the_table_says(world: World, name: str, method: str) -> None:
    path = world.things.path(ADDRESSES[name])
    expected = {role: what for role, what in _expected(name, method).items() if what != 2}
    before = everything()
    for role, what in expected.items():
        client = world.client(role)
        for headers in (PAGE, HTMX):
            asked = (role, headers)
            response = ask(client, TABLE[name], path, world.things, method=method, headers=headers)
            if what == "login":
                target = response.headers["HX-Redirect" if headers else "Location"]
                assert target.startswith("/login/?next="), asked
                assert (*asked, response.status_code) == (*asked, 204 if headers else 302)
            else:
                assert (*asked, response.status_code) == (*asked, what)
    assert everything() == before


@pytest.mark.parametrize(("name", "method", "roles"), list(_answers()))
@BY
def test_who_may_is_answered(
    world: World,
    name: str,
    method: str,
    roles: tuple[str, ...],
    headers: dict[str, str],
) -> None:
    path = world.things.path(ADDRESSES[name])
    is_at_the_door = name in ("logout", "sellers:join")
    if _expected(name, method) is WHO_STOPS_ALL:
        _manage_every_account(world)
    for role in roles:
        client = world.client(role)
        response = ask(client, TABLE[name], path, world.things, method=method, headers=headers)
        # 409 and 422: it may be asked for, but not of this order in this state
        is_answered = response.status_code in (200, 204, 302, 303, 409, 422, 503)
        assert is_answered, (role, response.status_code, response.content)
        location = response.headers.get("Location", "")
        assert "/login/" not in location or is_at_the_door, role
        assert not location.startswith(CONFIRM), role


def _manage_every_account(world: World) -> None:
    """The manager also manages the accounts of the others."""
    user = User.objects.get(pk=world.client("manager").session[SESSION_KEY])
    for account in SellerAccount.objects.exclude(pk=world.things.account.pk):
        MembershipFactory(user=user, account=account, role=Role.MANAGER)


NOT_MINE = ("stranger", "auditor", "superuser")


@pytest.mark.parametrize(("name", "method"), [way for way in WAYS if "<" in ADDRESSES[way[0]]])
def test_somebody_elses_looks_like_nothing(world: World, name: str, method: str) -> None:
    things = world.things
    paths = [things.path(ADDRESSES[name], missing=missing) for missing in (False, True)]
    before = everything()
    for role in NOT_MINE:
        client = world.client(role)
        answers = [ask(client, TABLE[name], path, things, method=method) for path in paths]
        assert (role, *(answer.status_code for answer in answers)) == (role, 404, 404)
        foreign, missing = map(shown, answers, paths)
        assert foreign == missing, role
    assert everything() == before


# Addresses of something within an account.
WITHIN = re.compile(r"<int:account_id>.*<\w+:(?!check>)\w+>")


@pytest.mark.parametrize(
    ("name", "method"), [way for way in WAYS if WITHIN.search(ADDRESSES[way[0]])]
)
def test_somebody_elses_is_not_found_in_ones_own_account(
    world: World, name: str, method: str
) -> None:
    things, client = world.things, world.client("manager")
    other, before = make_things(), everything()
    paths = [
        _filled(ADDRESSES[name], values | {"account_id": things.account.pk})
        for values in (other.values, MISSING)
    ]
    answers = [ask(client, TABLE[name], path, things, method=method) for path in paths]
    assert [answer.status_code for answer in answers] == [404, 404]
    foreign, missing = map(shown, answers, paths)
    assert foreign == missing
    assert everything() == before


@pytest.mark.parametrize("name", [name for name in TABLE if TABLE[name].method == "post"])
def test_looking_at_an_address_changes_nothing(world: World, name: str) -> None:
    client = world.client("manager")
    before = everything()
    for method in (client.get, client.head):
        assert method(world.things.path(ADDRESSES[name])).status_code == 405
    assert everything() == before


@pytest.mark.parametrize(
    "name", [name for name in TABLE if not TABLE[name].forms and name not in FORMS_OF_PEOPLE]
)
def test_an_address_to_look_at_takes_no_form(world: World, name: str) -> None:
    client = world.client("manager")
    assert client.post(world.things.path(ADDRESSES[name])).status_code == 405


@pytest.mark.parametrize("name", TAKES_A_FORM)
def test_no_form_is_taken_without_its_secret(world: World, name: str) -> None:
    things, client = world.things, world.client("manager", enforce_csrf_checks=True)
    before = everything()
    response = ask(client, TABLE[name], things.path(ADDRESSES[name]), things, method="post")
    assert response.status_code == 403
    assert everything() == before


@pytest.mark.parametrize("name", [n for n in TABLE if TABLE[n].forms in (SENDERS, MANAGERS)])
def test_a_refusal_stands_in_the_audit_trail(world: World, name: str) -> None:
    things, client = world.things, world.client("viewer")
    path = things.path(ADDRESSES[name])
    ask(client, TABLE[name], path, things, method="post")
    event = AuditEvent.objects.get(kind=AuditKind.DENIED)
    assert (event.subject, event.account_id) == (path, things.account.pk)
    assert event.detail == {"method": "POST", "rows": 1, "role": "viewer"}


def test_the_table_knows_which_addresses_ask_who_it_is_once_more() -> None:
    marked = {name for name, view in VIEWS.items() if getattr(view, "needs_confirmation", False)}
    assert marked == {name for name, address in TABLE.items() if address.confirms}


@pytest.mark.parametrize(
    ("name", "method"), [(name, method) for name, method in WAYS if TABLE[name].confirms]
)
def test_who_has_not_said_lately_who_it_is_does_nothing(
    world: World, name: str, method: str
) -> None:
    things = world.things
    client = somebody("manager", things.account, confirmed=False)
    before = everything()
    path = things.path(ADDRESSES[name])
    for headers in (PAGE, HTMX):
        response = ask(client, TABLE[name], path, things, method=method, headers=headers)
        assert (headers, response.status_code) == (headers, 204 if headers else 303)
        target = response.headers["HX-Redirect" if headers else "Location"]
        assert target.startswith(CONFIRM), headers
    assert everything() == before


def test_a_lost_session_comes_back_to_the_page_not_to_its_fragment(things: Things) -> None:
    headers = HTMX | {"HX-Current-URL": "http://testserver/orders/?state=sent"}
    response = Client().get(things.path(ADDRESSES["orders:row"]), headers=headers)
    assert response.headers["HX-Redirect"] == "/login/?next=%2Forders%2F%3Fstate%3Dsent"
