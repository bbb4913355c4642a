"""Recovery codes: made when they are shown, shown once, taken once, kept as hashes."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.test import Client

from people.recovery_codes import (
    accept_recovery_code,
    count_codes,
    make_promised_codes,
    promise_codes,
    promise_new_codes,
)
from tests.factories import UserFactory
from tests.people.confirming import confirm
from tests.people.test_log_in import SECRET

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    made: User = UserFactory()
    return made


def row_of(user: User) -> Authenticator:
    return Authenticator.objects.get(user=user, type="recovery_codes")


def test_they_are_shown_once(user: User) -> None:
    assert promise_codes(user)
    assert count_codes(user) is None
    codes = make_promised_codes(user)
    assert len(set(codes)) == 10
    assert all(len(code) == 12 and code.isdigit() for code in codes)
    assert make_promised_codes(user) == []
    assert not promise_codes(user)
    assert count_codes(user) == 10


def test_only_hashes_of_them_are_kept(user: User) -> None:
    promise_codes(user)
    codes = make_promised_codes(user)
    stored = row_of(user).data
    assert list(stored) == ["hashes"]
    assert len(set(stored["hashes"])) == 10
    assert not [code for code in codes if code in str(stored)]


def test_each_is_taken_once(user: User) -> None:
    promise_codes(user)
    codes, before = make_promised_codes(user), row_of(user)
    assert accept_recovery_code(before, codes[3])
    assert not accept_recovery_code(row_of(user), codes[3])
    assert not accept_recovery_code(before, codes[3]), "nor by who read the row before"
    assert accept_recovery_code(before, codes[4])
    assert count_codes(user) == 8


def test_new_ones_replace_all_before(user: User) -> None:
    promise_codes(user)
    old, before = make_promised_codes(user), row_of(user)
    promise_new_codes(user)
    assert not accept_recovery_code(row_of(user), old[0])
    new = make_promised_codes(user)
    assert not accept_recovery_code(before, old[0]), "nor by who read the row before"
    assert accept_recovery_code(row_of(user), new[0])


@pytest.mark.parametrize("code", ["", "1", "1" * 13, "a" * 12, "\u0661" * 12])
def test_what_is_no_code_costs_no_hash(
    user: User, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise_codes(user)
    make_promised_codes(user)
    monkeypatch.setattr(
        "people.recovery_codes.check_password", lambda *_given: pytest.fail("looked")
    )
    assert not accept_recovery_code(row_of(user), code)


def test_the_page_shows_them_once_and_makes_new_ones(user: User) -> None:
    TOTP.activate(user, SECRET)
    client = Client()
    client.force_login(user)
    confirm(client, user)
    assert client.get("/me/recovery-codes/").status_code == 404
    assert "new ones" not in client.get("/me/recovery-codes/new/").content.decode()
    answer = client.post("/me/recovery-codes/new/")
    assert answer.headers["Location"] == "/me/recovery-codes/"
    shown = client.get("/me/recovery-codes/")
    codes = shown.context["codes"]
    assert all(code in shown.content.decode() for code in codes)
    again = client.get("/me/recovery-codes/").content.decode()
    assert "10 of 10 are left" in again
    assert not [code for code in codes if code in again]
    accept_recovery_code(row_of(user), codes[0])
    assert "9 left" in client.get("/me/").content.decode()
    assert "not be taken any more" in client.get("/me/recovery-codes/new/").content.decode()
