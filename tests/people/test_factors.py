"""Who must have a second factor sees nothing before they have one."""

from __future__ import annotations

from io import StringIO

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from audit.models import AuditEvent, AuditKind
from people.factors import SHOWN, is_address, must_have_factor
from sellers.models import Role
from tests.factories import MembershipFactory, UserFactory
from tests.people.test_log_in import SECRET, code_for, is_in, log_in
from tests.test_access import ADDRESSES, TABLE, Things, make_things

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(autouse=True)
def _required(settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


def person(role: str) -> User:
    user: User = UserFactory(is_staff=role == "staff", is_superuser=role == "superuser")
    if role in Role.values:
        MembershipFactory(user=user, role=Role(role))
    return user


@pytest.mark.parametrize(
    ("role", "must"),
    [
        ("viewer", False),
        ("operator", False),
        ("manager", True),
        ("staff", True),
        ("superuser", True),
    ],
)
def test_these_must_have_one(role: str, must: bool) -> None:
    user, client = person(role), Client()
    assert must_have_factor(user) == must
    log_in(client, user.username)
    if not must:
        assert is_in(client)
        return
    for path in ("/", "/orders/", "/admin/", "/stop/"):
        assert client.get(path).headers["Location"] == "/me/", path
    assert "Your role needs a second factor" in client.get("/me/").content.decode()
    assert client.get("/me/app/").status_code == 200


def test_a_manager_without_one_opens_no_page_at_all() -> None:
    things: Things = make_things()
    user, client = UserFactory(), Client()
    MembershipFactory(user=user, account=things.account, role=Role.MANAGER)
    log_in(client, user.username)
    opened = []
    for name, address in TABLE.items():
        answer = getattr(client, address.method)(things.path(ADDRESSES[name]))
        if answer.status_code != 302 and answer.content:
            opened.append(name)
    assert set(opened) <= {"account_reauthenticate", "healthz", "readyz", "metrics"}


def test_a_fragment_that_a_page_fetches_leads_in_no_circle() -> None:
    user, client = person("manager"), Client()
    log_in(client, user.username)
    answer = client.get("/batches/status/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "HX-Redirect" not in answer.headers


def test_with_the_code_everything_opens() -> None:
    user, client = person("manager"), Client()
    TOTP.activate(user, SECRET)
    log_in(client, user.username)
    client.post("/login/code/", {"code": code_for()})
    assert is_in(client)


def test_a_session_that_began_without_asking_for_it_ends() -> None:
    user, client = person("manager"), Client()
    TOTP.activate(user, SECRET)
    client.force_login(user)
    assert client.get("/orders/").headers["Location"] == "/login/"
    assert not is_in(client)


def test_who_becomes_a_manager_needs_one_from_then_on() -> None:
    user, client = person("operator"), Client()
    log_in(client, user.username)
    assert is_in(client)
    MembershipFactory(user=user, role=Role.MANAGER)
    assert client.get("/orders/").headers["Location"] == "/me/"


def test_a_factor_that_somebody_else_showed_in_this_browser_does_not_count() -> None:
    user, client = person("manager"), Client()
    log_in(client, user.username)
    session = client.session
    session[SHOWN] = UserFactory().pk
    session.save()
    assert client.get("/orders/").headers["Location"] == "/me/"
    session[SHOWN] = user.pk
    session.save()
    assert is_in(client)


def test_nobody_needs_one_in_the_demonstration(settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = False
    user, client = person("manager"), Client()
    log_in(client, user.username)
    assert is_in(client)


def test_the_admin_has_no_log_in_of_its_own() -> None:
    assert Client().get("/admin/login/").headers["Location"].startswith("/login/?next=")
    client = Client()
    log_in(client, person("viewer").username)
    assert client.get("/admin/").status_code in (302, 403)
    assert client.get("/admin/login/").status_code == 403


@pytest.mark.parametrize(
    ("host", "is_one"),
    [("127.0.0.1:8000", True), ("[::1]:80", True), ("localhost:8000", False), ("a.example", False)],
)
def test_an_address_is_no_name(host: str, is_one: bool) -> None:
    assert is_address(host) == is_one


def test_a_lost_factor_is_taken_away_on_the_command_line() -> None:
    user, client = person("manager"), Client()
    TOTP.activate(user, SECRET)
    log_in(client, user.username)
    client.post("/login/code/", {"code": code_for()})
    call_command("reset_second_factor", user.username, stdout=StringIO())
    assert not is_in(client)
    log_in(client, user.username)
    assert client.get("/orders/").headers["Location"] == "/me/"
    event = AuditEvent.objects.get(kind=AuditKind.FACTOR_REMOVED)
    assert (event.subject, event.detail["by"]) == (user.username, "command line")
    said = StringIO()
    call_command("reset_second_factor", user.username, stdout=said)
    assert "Nothing was done" in said.getvalue()
    assert client.get("/me/").status_code == 200, "no session has ended"
    assert AuditEvent.objects.filter(kind=AuditKind.FACTOR_REMOVED).count() == 1
    with pytest.raises(CommandError, match="nobody named"):
        call_command("reset_second_factor", "nobody-here")
