"""How long a session lasts, which there are, and what ends them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.totp.internal import auth as totp_auth
from allauth.usersessions.models import UserSession
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from audit.models import AuditEvent, AuditKind
from people.sessions import device_words
from tests.factories import PASSWORD, UserFactory
from tests.people.test_log_in import SECRET, code_for, is_in, log_in

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
NEW = "A quite different one, 7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def devices(user: User, number: int) -> list[Client]:
    """So many browsers in which this person is logged in."""
    clients = [Client() for _one in range(number)]
    for client in clients:
        log_in(client, user.username)
    return clients


def test_an_idle_session_ends_after_half_an_hour() -> None:
    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        (client,) = devices(UserFactory(), 1)
        for _use in range(3):
            clock.shift(timedelta(minutes=29))
            assert is_in(client)
        clock.shift(timedelta(minutes=31))
        answer = client.get("/orders/")
        assert answer.headers["Location"] == "/login/?next=/orders/"


def test_a_page_that_asks_by_itself_keeps_no_session_alive() -> None:
    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        (client,) = devices(UserFactory(), 1)
        for _poll in range(3):
            clock.shift(timedelta(minutes=9))
            assert client.get("/batches/status/").status_code == 200
        clock.shift(timedelta(minutes=4))
        assert not is_in(client)


def test_a_used_session_ends_after_twelve_hours() -> None:
    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        (client,) = devices(UserFactory(), 1)
        for _use in range(27):
            clock.shift(timedelta(minutes=26))
            assert is_in(client)
        clock.shift(timedelta(minutes=20))
        assert not is_in(client)


def test_sessions_that_are_over_are_cleared_away() -> None:
    user = UserFactory()
    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        devices(user, 2)
        clock.shift(timedelta(hours=13))
        devices(user, 1)
        assert (Session.objects.count(), UserSession.objects.count()) == (1, 1)


def test_a_session_that_does_not_say_since_when_it_is_ends() -> None:
    (client,) = devices(UserFactory(), 1)
    session = client.session
    del session["people_began"]
    session.save()
    assert not is_in(client)


def test_using_a_session_writes_it_once_a_minute() -> None:
    def updates() -> int:
        with CaptureQueriesContext(connection) as made:
            assert client.get("/me/sessions/").status_code == 200
        return sum(query["sql"].startswith("UPDATE") for query in made)

    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        (client,) = devices(UserFactory(), 1)
        assert updates() == 0
        clock.shift(61)
        assert updates() == 2, "the session and its line in the list"
        assert updates() == 0
        session = UserSession.objects.get()
        assert session.last_seen_at - session.created_at == timedelta(seconds=61)


def test_the_list_shows_ones_own_and_ends_one_or_all_others() -> None:
    user, other = UserFactory(), UserFactory()
    (theirs,) = devices(other, 1)
    here, second, third, fourth = devices(user, 4)
    page = here.get("/me/sessions/", headers={"User-Agent": FIREFOX}).content.decode()
    assert page.count("This one") == 1
    assert page.count("/end/") == 3
    key = second.session.session_key
    pk = UserSession.objects.get(session_key=key).pk
    assert here.post(f"/me/sessions/{pk}/end/").status_code == 302
    assert [is_in(client) for client in (here, second, third, fourth)] == [True, False, True, True]
    here.post("/me/sessions/end-others/")
    assert [is_in(client) for client in (here, third, fourth, theirs)] == [True, False, False, True]
    ended = AuditEvent.objects.filter(kind=AuditKind.SESSION_ENDED)
    assert [event.detail.get("number", 1) for event in ended] == [2, 1]


def test_a_new_password_ends_the_other_sessions() -> None:
    user = UserFactory()
    here, elsewhere = devices(user, 2)
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert here.post("/me/password/", form).headers["Location"] == "/me/"
    assert is_in(here)
    assert not is_in(elsewhere)
    assert UserSession.objects.filter(user=user).count() == 1
    assert log_in(Client(), user.username).status_code == 200
    assert log_in(Client(), user.username, NEW).status_code == 302
    assert AuditEvent.objects.filter(kind=AuditKind.PASSWORD_CHANGED, user=user).count() == 1


def test_a_new_or_removed_second_factor_ends_the_other_sessions(
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    user = UserFactory()
    here, elsewhere = devices(user, 2)
    monkeypatch.setattr(totp_auth, "generate_totp_secret", lambda: SECRET)
    assert f"secret={SECRET}" not in here.get("/me/app/").content.decode(), "it is in the picture"
    assert here.post("/me/app/", {"code": "000000"}).status_code == 200
    assert is_in(elsewhere)
    used = code_for()
    with django_capture_on_commit_callbacks(execute=True):
        assert here.post("/me/app/", {"code": used}).headers["Location"] == "/me/recovery-codes/"
    assert is_in(here)
    assert not is_in(elsewhere)
    elsewhere = Client()
    log_in(elsewhere, user.username)
    elsewhere.post("/login/code/", {"code": used})
    assert not is_in(elsewhere), "the code that showed the app is set up is used"
    elsewhere.post("/login/code/", {"code": code_for(1)})
    assert is_in(elsewhere)
    assert here.post("/me/app/remove/").headers["Location"] == "/me/"
    assert is_in(here)
    assert not is_in(elsewhere)
    kinds = AuditEvent.objects.filter(user=user).order_by("pk").values_list("kind", flat=True)
    assert [kind for kind in kinds if "factor" in kind] == ["factor_added", "factor_removed"]


def test_a_log_in_that_is_not_allauths_is_listed_too() -> None:
    request = RequestFactory().get("/")
    request.session, request.user = Client().session, AnonymousUser()
    user = UserFactory()
    login(request, user)
    session = UserSession.objects.get()
    assert (session.user, session.session_key) == (user, request.session.session_key)


def test_a_disabled_person_is_out_at_once() -> None:
    user = UserFactory()
    (client,) = devices(user, 1)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not is_in(client)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("", "Another program"),
    ],
)
def test_a_device_is_named_by_browser_and_system(user_agent: str, words: str) -> None:
    assert device_words(user_agent) == words
