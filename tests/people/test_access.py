"""The addresses that are about oneself: who may, what a stranger's thing looks like, no form unasked."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import get_resolver

from tests.factories import UserFactory
from tests.people.addresses import OWN
from tests.people.confirming import confirm
from tests.test_access import _patterns

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

HTMX = {"HX-Request": "true"}
METHODS = [(name, "get") for name in OWN if name not in ("people:end_others", "people:end_session")]
METHODS += [(name, "post") for name in OWN if OWN[name].takes_a_form]


def path(name: str, pk: int = 10**9) -> str:
    return re.sub(r"<int:\w+>", str(pk), OWN[name].route)


def test_the_table_is_what_the_resolver_has() -> None:
    routes = {name: route for name, route, _view in _patterns(get_resolver()) if name in OWN}
    assert routes == {name: address.route for name, address in OWN.items()}
    views = {name: view for name, _route, view in _patterns(get_resolver())}
    assert {name for name in OWN if getattr(views[name], "needs_confirmation", False)} == {
        name for name in OWN if OWN[name].confirms
    }


@pytest.mark.parametrize("by_htmx", [False, True], ids=["page", "htmx"])
@pytest.mark.parametrize(("name", "method"), METHODS)
def test_nobody_gets_none_of_it(name: str, method: str, by_htmx: bool) -> None:
    UserFactory()
    response = getattr(Client(), method)(path(name), headers=HTMX if by_htmx else {})
    expected = OWN[name].nobody
    if expected == "missing":
        assert response.status_code == 404
        return
    target = response.headers.get("HX-Redirect") or response.headers["Location"]
    assert target.startswith("/login/?next=" if expected == "login" else "/login/")


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_who_is_logged_in_gets_their_own(name: str, method: str) -> None:
    client, user = Client(), UserFactory()
    client.force_login(user)
    response = getattr(client, method)(path(name))
    if OWN[name].confirms:
        assert response.status_code == 303
        assert response.headers["Location"].startswith("/me/confirm/?next=")
        confirm(client, user)
        response = getattr(client, method)(path(name))
    missing = "<" in OWN[name].route or name in (
        *("people:first_run", "mfa_deactivate_totp", "mfa_view_recovery_codes"),
    )
    if missing:
        assert response.status_code == 404
    else:
        assert response.status_code in (200, 302)
        assert "/login/" not in response.headers.get("Location", "")


@pytest.mark.parametrize("name", [name for name in OWN if OWN[name].takes_a_form])
def test_no_form_is_taken_without_its_secret(name: str) -> None:
    client, user = Client(enforce_csrf_checks=True), UserFactory()
    if OWN[name].nobody == "login":
        client.force_login(user)
        confirm(client, user)
    assert client.post(path(name)).status_code == 403


@pytest.mark.parametrize("name", ["people:end_others", "people:end_session"])
def test_looking_ends_no_session(name: str) -> None:
    client = Client()
    client.force_login(UserFactory())
    assert client.get(path(name)).status_code == 405


@pytest.mark.parametrize("name", ["mfa_edit_webauthn", "mfa_remove_webauthn", "people:end_session"])
def test_somebody_elses_looks_like_nothing(name: str) -> None:
    other, user, client = UserFactory(), UserFactory(), Client()
    client.force_login(user)
    confirm(client, user)
    key = Authenticator.objects.create(user=other, type="webauthn", data={"name": "theirs"})
    session = UserSession.objects.create(user=other, ip="192.0.2.1", session_key="x", user_agent="")
    pk = session.pk if name == "people:end_session" else key.pk
    theirs, missing = client.post(path(name, pk)), client.post(path(name))
    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert Authenticator.objects.filter(pk=key.pk).exists()
    assert UserSession.objects.filter(pk=session.pk).exists()
