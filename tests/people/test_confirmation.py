"""Asking once more who it is, and the way back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from audit.models import AuditEvent, AuditKind
from people.confirmation import CONFIRMED, confirmed_recently, is_confirmed
from tests.factories import PASSWORD, UserFactory
from tests.people.confirming import confirm
from tests.people.test_log_in import SECRET, code_for, log_in

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
FIFTEEN_MINUTES = 15 * 60


def somebody() -> tuple[Client, User]:
    client, user = Client(), UserFactory()
    client.force_login(user)
    return client, user


def asked(client: Client, method: str, **headers: str) -> HttpResponse:
    """What a view that needs confirmation answers in this client's session."""
    request = getattr(RequestFactory(), method)("/some/page/?a=1", headers=headers)
    request.session, request.user = client.session, _user(client)
    response: HttpResponse = _view(request)
    request.session.save()
    return response


@confirmed_recently
def _view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


def _user(client: Client) -> User | AnonymousUser:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk) if pk else AnonymousUser()


def back(response: HttpResponse) -> str:
    """Where the confirm page leads afterwards."""
    target = urlsplit(response.headers.get("HX-Redirect") or response.headers["Location"])
    assert target.path == "/me/confirm/"
    return parse_qs(target.query)["next"][0]


def test_a_view_that_needs_confirmation_is_marked() -> None:
    assert _view.needs_confirmation  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seconds", "is_let_in"), [(0, True), (FIFTEEN_MINUTES - 5, True), (FIFTEEN_MINUTES + 1, False)]
)
def test_a_confirmation_counts_for_fifteen_minutes(seconds: int, is_let_in: bool) -> None:
    client, user = somebody()
    confirm(client, user, seconds_ago=seconds)
    assert (asked(client, "get").status_code == 200) == is_let_in


def test_another_persons_confirmation_counts_nothing() -> None:
    client, _user = somebody()
    confirm(client, UserFactory())
    assert asked(client, "get").status_code == 303


@pytest.mark.parametrize("stored", [None, 1, [], [1], ["x", "y", "z"]])
def test_a_broken_confirmation_counts_nothing(stored: object) -> None:
    client, _user = somebody()
    session = client.session
    session[CONFIRMED] = stored
    session.save()
    assert asked(client, "get").status_code == 303


def test_nobody_is_confirmed() -> None:
    request = RequestFactory().get("/")
    request.session, request.user = Client().session, AnonymousUser()
    request.session[CONFIRMED] = [None, 2**40]
    assert not is_confirmed(request)


def test_a_page_comes_back_to_itself_and_a_form_to_the_page_it_stands_on() -> None:
    client, _user = somebody()
    assert back(asked(client, "get")) == "/some/page/?a=1"
    assert (
        back(asked(client, "post", referer="http://testserver/people/3/?x=y")) == "/people/3/?x=y"
    )
    htmx = {"hx-request": "true", "hx-current-url": "http://testserver/accounts/"}
    response = asked(client, "post", **htmx)
    assert response.status_code == 204
    assert back(response) == "/accounts/"


@pytest.mark.parametrize(
    "told",
    [
        "",
        "http://evil.example/x/",
        "//evil.example/",
        "http://testserver//evil.example/",
        "javascript:1",
    ],
)
def test_nobody_is_led_to_another_site(told: str) -> None:
    client, _user = somebody()
    assert back(asked(client, "post", referer=told)) == "/"
    client, _user = somebody()
    answer = client.post("/me/confirm/", {"password": PASSWORD, "next": told})
    assert answer.headers["Location"] == "/"


def test_the_password_confirms_and_a_form_is_to_be_sent_again() -> None:
    client, _user = somebody()
    assert asked(client, "post", referer="http://testserver/accounts/").status_code == 303
    page = client.get("/me/confirm/?next=/accounts/").content.decode()
    assert 'name="next" value="/accounts/"' in page
    wrong = client.post("/me/confirm/", {"password": "wrong", "next": "/accounts/"})
    assert "That is not your password." in wrong.content.decode()
    assert asked(client, "get").status_code == 303
    right = client.post("/me/confirm/", {"password": PASSWORD, "next": "/accounts/"}, follow=True)
    assert right.redirect_chain == [("/accounts/", 302)]
    assert "Nothing was changed yet" in right.content.decode()
    assert asked(client, "get").status_code == 200
    assert "Nothing was changed yet" not in client.get("/accounts/").content.decode()
    failure = AuditEvent.objects.get(kind=AuditKind.LOGIN_FAILED)
    assert failure.detail["step"] == "confirm"


def test_a_code_confirms_too_and_each_way_leads_to_the_others() -> None:
    client, user = somebody()
    TOTP.activate(user, SECRET)
    assert (
        "/me/confirm/code/?next=%2Faccounts%2F"
        in client.get("/me/confirm/?next=/accounts/").content.decode()
    )
    answer = client.post("/me/confirm/code/", {"code": code_for(), "next": "/accounts/"})
    assert answer.headers["Location"] == "/accounts/"
    assert asked(client, "get").status_code == 200


def test_ten_wrong_passwords_wait() -> None:
    client, _user = somebody()
    answers = [client.post("/me/confirm/", {"password": "x"}).status_code for _try in range(11)]
    assert answers == [200] * 10 + [429]


def test_a_log_in_counts_as_confirmation() -> None:
    client, user = Client(), UserFactory()
    log_in(client, user.username)
    assert asked(client, "get").status_code == 200
