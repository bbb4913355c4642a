"""Logging in: who is let in, what is said, how often one may try, and the second step."""

from __future__ import annotations

import base64
import re
import time
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit.models import AuditEvent, AuditKind
from people import limits
from people.codes import accept_app_code
from people.models import LogInAttempt
from people.recovery_codes import make_promised_codes, promise_codes
from tests.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
SECRET = base64.b32encode(b"12345678901234567890").decode()


def log_in(client: Client, name: str, password: str = PASSWORD, **extra: str) -> HttpResponse:
    return client.post("/login/", {"username": name, "password": password}, **extra)  # type: ignore[return-value,arg-type]


def is_in(client: Client) -> bool:
    return client.get("/orders/").status_code == 200


def code_for(steps: int = 0) -> str:
    """The app's code of now, of so many half minutes later."""
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + steps))


def person_with_app() -> User:
    user: User = UserFactory()
    TOTP.activate(user, SECRET)
    return user


# --- The password


def test_one_logs_in_by_name_or_by_the_only_address_of_its_kind() -> None:
    user = UserFactory(email="Ann@example.com")
    assert log_in(Client(), user.username).status_code == 302
    assert log_in(Client(), "ann@EXAMPLE.com").status_code == 302
    UserFactory(email="ann@example.com")
    assert log_in(Client(), "ann@example.com").status_code == 200, "two have it now"


def test_an_empty_address_is_nobodys_name() -> None:
    UserFactory(email="")
    assert log_in(Client(), " ").status_code == 200


def test_wrong_unknown_and_disabled_are_told_the_same() -> None:
    user, gone = UserFactory(), UserFactory(is_active=False)

    def said(name: str, password: str) -> str:
        page = log_in(Client(), name, password).content.decode()
        return re.sub(r'value="[^"]*"|\w{64}|Request \w+', "", page)

    pages = {
        said(user.username, "wrong"),
        said("nobody-here", "wrong"),
        said(gone.username, PASSWORD),
    }
    assert len(pages) == 1
    assert "That name and password do not fit together." in pages.pop()


def test_each_refusal_makes_one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    encode = MD5PasswordHasher.encode

    def counting(self: MD5PasswordHasher, password: str, salt: str) -> str:
        made.append(password)
        return encode(self, password, salt)

    user, gone, without_password = UserFactory(), UserFactory(is_active=False), UserFactory()
    without_password.set_unusable_password()
    without_password.save()
    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    names = [user.username, gone.username, without_password.username, "nobody-here", "a@b.example"]
    for name in names:
        made.clear()
        log_in(Client(), name, "wrong")
        assert len(made) == 1, name


def test_a_failure_is_written_down_without_what_was_typed() -> None:
    user = UserFactory()
    log_in(Client(), user.username, "wrong")
    log_in(Client(), "my-password-typed-as-name", "wrong")
    unknown, known = AuditEvent.objects.filter(kind=AuditKind.LOGIN_FAILED)[:2]
    assert (known.subject, known.user) == (user.username, None)
    assert known.detail["address"] == "127.0.0.1"
    assert unknown.subject == ""
    assert "my-password" not in str(AuditEvent.objects.values_list("detail", "subject"))


def test_logging_in_and_out_are_written_down() -> None:
    user, client = UserFactory(), Client()
    log_in(client, user.username)
    client.post("/logout/")
    kinds = list(AuditEvent.objects.order_by("pk").values_list("kind", "user"))
    assert kinds == [(AuditKind.LOGGED_IN, user.pk), (AuditKind.LOGGED_OUT, user.pk)]


def test_a_session_has_a_new_id_after_the_log_in() -> None:
    user, client = UserFactory(), Client()
    session = client.session
    session["here"] = "before"
    session.save()
    before = session.session_key
    log_in(client, user.username)
    assert client.session.session_key != before


def test_a_long_password_counts_to_its_end() -> None:
    user, password = UserFactory(), "x" * 500
    user.set_password(password)
    user.save()
    assert log_in(Client(), user.username, password[:-1]).status_code == 200
    assert log_in(Client(), user.username, password).status_code == 302


# --- How often one may try


def test_the_eleventh_wrong_try_and_then_the_right_one_wait() -> None:
    user, client = UserFactory(), Client()
    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        for _try in range(10):
            assert log_in(client, user.username, "wrong").status_code == 200
        clock.shift(timedelta(minutes=4))
        for password in ("wrong", PASSWORD):
            refused = log_in(client, user.username, password)
            assert refused.status_code == 429
            assert "Wait 11 minutes" in refused.content.decode()
            assert refused.headers["Retry-After"] == "660"
        clock.shift(timedelta(minutes=11))
        assert log_in(client, user.username).status_code == 302
    last = AuditEvent.objects.filter(kind=AuditKind.LOGIN_FAILED)[0]
    assert last.detail["waits_now"]
    assert AuditEvent.objects.filter(kind=AuditKind.LOGIN_FAILED).count() == 10


def test_an_unknown_name_waits_alike() -> None:
    for _try in range(10):
        assert log_in(Client(), "nobody-here", "wrong").status_code == 200
    assert log_in(Client(), "nobody-here", "wrong").status_code == 429
    assert not LogInAttempt.objects.filter(key__contains="nobody").exists()


def test_who_attacks_from_elsewhere_does_not_lock_the_owner_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert limits.PER_PERSON == 50
    monkeypatch.setattr(limits, "PER_PERSON", 15)
    user, home = UserFactory(), Client(REMOTE_ADDR="192.0.2.1")
    assert log_in(home, user.username).status_code == 302
    home.post("/logout/")
    attackers = [Client(REMOTE_ADDR=f"198.51.100.{number}") for number in range(2)]
    answers = [
        log_in(attacker, user.username, "wrong").status_code
        for attacker in attackers
        for _try in range(10)
    ]
    assert answers == [200] * 15 + [429] * 5, "so many wrong ones for one person from everywhere"
    assert log_in(Client(REMOTE_ADDR="203.0.113.9"), user.username).status_code == 429
    assert log_in(home, user.username).status_code == 302
    assert is_in(home)


def test_a_known_browser_has_a_limit_of_its_own() -> None:
    user, home = UserFactory(), Client()
    log_in(home, user.username)
    home.post("/logout/")
    answers = [log_in(home, user.username, "wrong").status_code for _try in range(11)]
    assert answers == [200] * 10 + [429]


def test_a_forged_cookie_makes_no_browser_known() -> None:
    user = UserFactory()
    for _try in range(10):
        log_in(Client(), user.username, "wrong")
    forged = Client()
    forged.cookies["browser"] = f'["x", [{user.pk}]]'
    assert log_in(forged, user.username).status_code == 429


def test_two_ways_of_writing_a_name_do_not_tell_whether_it_is_somebodys() -> None:
    UserFactory(username="ann", email="ann@seller.example")
    for once, again in (("Ann", "ann"), ("Bob", "bob"), ("ANN", "ann"), ("BOB", "bob")):
        LogInAttempt.objects.all().delete()
        for _try in range(10):
            assert log_in(Client(), once, "wrong").status_code == 200
        assert log_in(Client(), again, "wrong").status_code == 429, again
        # nor whether a name and an address are one person's
        assert log_in(Client(), f"{again}@seller.example", "wrong").status_code == 200


def test_a_letter_that_databases_take_for_another_gives_no_further_tries() -> None:
    for _try in range(10):
        log_in(Client(), "sam@seller.example", "wrong")
    assert log_in(Client(), "\u017fam@seller.example", "wrong").status_code == 429


def test_a_browser_that_knew_an_older_password_is_no_longer_known() -> None:
    user, browser = UserFactory(), Client()
    log_in(browser, user.username)
    browser.post("/logout/")
    user.set_password(f"{PASSWORD}!")
    user.save()
    for _try in range(10):
        log_in(Client(), user.username, "wrong")
    assert log_in(browser, user.username).status_code == 429
    LogInAttempt.objects.all().delete()
    log_in(browser, user.username, f"{PASSWORD}!")
    browser.post("/logout/")
    for _try in range(10):
        log_in(Client(), user.username, "wrong")
    assert log_in(browser, user.username, f"{PASSWORD}!").status_code == 302, "it is known again"


def test_the_browser_in_which_a_password_is_changed_stays_known() -> None:
    user, browser = UserFactory(), Client()
    log_in(browser, user.username)
    new = "A quite different one, 7"
    browser.post("/me/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    browser.post("/logout/")
    for _try in range(10):
        log_in(Client(), user.username, "wrong")
    assert log_in(Client(), user.username, new).status_code == 429
    assert log_in(browser, user.username, new).status_code == 302


def test_one_address_cannot_try_name_after_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.PER_ADDRESS == 100
    monkeypatch.setattr(limits, "PER_ADDRESS", 12)
    answers = [log_in(Client(), f"name-{n}", "wrong").status_code for n in range(13)]
    assert answers == [200] * 12 + [429]
    assert log_in(Client(REMOTE_ADDR="192.0.2.1"), "name-1", "wrong").status_code == 200


def test_ten_thousand_tries_are_not_kept() -> None:
    LogInAttempt.objects.bulk_create(
        LogInAttempt(key="old", at=timezone.now() - timedelta(hours=1)) for _row in range(100)
    )
    user = UserFactory()
    for _try in range(30):
        log_in(Client(), user.username, "wrong")
    assert LogInAttempt.objects.count() == 30, "ten tries, three keys each; the old ones are gone"


# --- The second step


def test_an_app_needs_its_code_after_the_password() -> None:
    user, client = person_with_app(), Client()
    answer = log_in(client, user.username, next="/orders/?state=sent")
    assert answer.headers["Location"] == "/login/code/"
    assert not is_in(client)
    assert client.get("/login/code/").status_code == 200
    wrong = client.post("/login/code/", {"code": "000000"})
    assert "not right" in wrong.content.decode()
    assert not is_in(client)
    assert client.post("/login/code/", {"code": code_for()}).status_code == 302
    assert is_in(client)
    steps = AuditEvent.objects.get(kind=AuditKind.LOGGED_IN).detail["steps"]
    assert steps == ["password", "totp"]


def test_the_second_step_cannot_be_reached_without_the_first() -> None:
    assert Client().get("/login/code/").headers["Location"] == "/login/"
    assert Client().post("/login/code/", {"code": "123456"}).headers["Location"] == "/login/"


def test_who_is_disabled_between_the_steps_is_not_let_in() -> None:
    user, client = person_with_app(), Client()
    log_in(client, user.username)
    User.objects.filter(pk=user.pk).update(is_active=False)
    answer = client.post("/login/code/", {"code": code_for()})
    assert "not right" in answer.content.decode()
    assert not AuditEvent.objects.filter(kind=AuditKind.LOGGED_IN).exists()


@pytest.mark.parametrize("steps", [-2, 2])
def test_an_old_or_early_code_is_refused(steps: int) -> None:
    with time_machine.travel("2026-11-20 10:00:10Z", tick=False):
        user, client = person_with_app(), Client()
        log_in(client, user.username)
        client.post("/login/code/", {"code": code_for(steps)})
        assert not is_in(client)


@pytest.mark.parametrize("code", ["abcdef", "١٢٣٤٥٦", "", "12345", "0" * 500, "\x00"])
def test_what_is_no_code_is_refused(code: str) -> None:
    user, client = person_with_app(), Client()
    log_in(client, user.username)
    assert client.post("/login/code/", {"code": code}).status_code == 200
    assert not is_in(client)


def test_no_code_of_an_app_is_taken_twice_nor_one_before_it() -> None:
    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        user = person_with_app()
        first, earlier = code_for(), code_for(-1)

        def takes(code: str) -> bool:
            client = Client()
            log_in(client, user.username)
            client.post("/login/code/", {"code": code})
            return is_in(client)

        assert takes(f"{first[:3]} {first[3:]}")
        assert not takes(first)
        assert not takes(earlier)
        clock.shift(29)
        assert not takes(first)
        clock.shift(2)
        assert not takes(first), "still within its minute and a half"
        assert takes(code_for())


def test_an_app_that_is_removed_at_this_moment_takes_no_code() -> None:
    user = person_with_app()
    app = Authenticator.objects.get(user=user)
    Authenticator.objects.filter(pk=app.pk).delete()
    assert not accept_app_code(app, code_for())


def test_wrong_codes_wait_and_the_right_one_too() -> None:
    user, client = person_with_app(), Client()
    log_in(client, user.username)
    for _try in range(10):
        assert client.post("/login/code/", {"code": "000000"}).status_code == 200
    assert client.post("/login/code/", {"code": code_for()}).status_code == 429
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    log_in(elsewhere, user.username)
    assert elsewhere.post("/login/code/", {"code": code_for()}).status_code == 429


def test_a_recovery_code_lets_in_once() -> None:
    user = person_with_app()
    promise_codes(user)
    codes = make_promised_codes(user)

    def takes(code: str) -> bool:
        client = Client()
        log_in(client, user.username)
        client.post("/login/code/", {"code": code})
        return is_in(client)

    assert takes(f"{codes[3][:4]}-{codes[3][4:8]} {codes[3][8:]}")
    assert not takes(codes[3])
    assert takes(codes[4])


def test_codes_whose_key_is_gone_are_a_sentence(settings: Settings) -> None:
    user, client = person_with_app(), Client()
    log_in(client, user.username)
    settings.TOKEN_KEYS = (base64.urlsafe_b64encode(b"k" * 32).decode(),)
    answer = client.post("/login/code/", {"code": code_for()})
    assert (answer.status_code, "TOKEN_KEYS" in answer.content.decode()) == (200, True)
    assert not is_in(client)


def test_no_secret_of_a_second_factor_stands_in_the_database() -> None:
    user = person_with_app()
    promise_codes(user)
    codes = make_promised_codes(user)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert len(codes) == 10
    assert not [word for word in (SECRET, *codes) if word in stored]


def test_a_log_in_that_waits_for_its_code_ends_when_the_password_changes() -> None:
    user, client = person_with_app(), Client()
    log_in(client, user.username)
    assert client.get("/login/code/").status_code == 200
    user.set_password("Another horse, battery 8")
    user.save()
    answer = client.post("/login/code/", {"code": code_for()})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/")
    assert not is_in(client)
    assert client.get("/login/code/").status_code == 302, "nor does it go on later"
    log_in(client, user.username, "Another horse, battery 8")
    client.post("/login/code/", {"code": code_for()})
    assert is_in(client)


def test_a_passkey_log_in_refuses_junk() -> None:
    client = Client()
    asked = client.get("/login/passkey/", headers={"Accept": "application/json"}).json()
    assert asked["request_options"]["publicKey"]["userVerification"] == "required"
    for credential in ("", "[]", "null", "{}", '{"id": 1}', '{"response": []}', "x", '"x"'):
        assert client.post("/login/passkey/", {"credential": credential}).status_code == 302
        assert not is_in(client)
