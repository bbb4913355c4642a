"""Each rule of a password has its sentence; an old one must go."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from people.hashers import Argon2idHasher
from people.passwords import KnownPasswordValidator
from solicit_dashboard.settings_people import PASSWORD_HASHERS
from tests.factories import PASSWORD, UserFactory
from tests.people.test_log_in import is_in, log_in

ANN = User(username="ann.lee", email="shop@seller.example")


def faults(password: str) -> str:
    try:
        validate_password(password, ANN)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("Ab3!efghijk", "at least 12 characters"),
        ("Whatever-Ann.Lee-9", "holds your name or address"),
        ("Shop@seller.example1", "holds your name or address"),
        ("Password1234!", "a known one with something added"),
        ("P4ssw0rd!!!!!", "a known one with something added"),
        ("correct horse battery", "needs a capital letter and a digit"),
        ("CORRECTHORSE9", "needs a small letter and another character"),
    ],
)
def test_each_rule_is_named(password: str, said: str) -> None:
    assert said in faults(password)


@pytest.mark.parametrize(
    "password", ["Correct horse battery 9", "Zwölf Boxkämpfer 12", "aB3 " * 60]
)
def test_a_good_one_is_taken(password: str) -> None:
    assert faults(password) == ""


@pytest.mark.parametrize("middle", ["1" * 200_000, "!" * 200_000, "a1" * 100_000])
def test_a_very_long_password_is_judged_at_once(middle: str) -> None:
    began = time.thread_time()
    KnownPasswordValidator().validate(f"a{middle}a1")
    assert time.thread_time() - began < 1, "a square of its length would take minutes"


def test_all_rules_that_are_broken_are_named_at_once() -> None:
    said = faults("ann.lee1")
    for words in ("12 characters", "name or address", "a capital letter"):
        assert words in said


def test_the_rules_of_amazons_policy_can_be_left_out(settings: Settings) -> None:
    settings.DPP_PASSWORDS = False
    assert faults("correct horse battery staple") == ""


def test_passwords_are_kept_by_argon2id() -> None:
    kept = make_password("x" * 300, hasher=Argon2idHasher())
    assert kept.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2idHasher().verify("x" * 300, kept)
    assert not Argon2idHasher().verify("x" * 299, kept)
    assert PASSWORD_HASHERS[0] == "people.hashers.Argon2idHasher"


@pytest.mark.django_db
def test_a_password_of_a_year_ago_must_be_changed() -> None:
    user = UserFactory(date_joined=timezone.now() - timedelta(days=366))
    client = Client()
    log_in(client, user.username)
    assert client.get("/orders/").headers["Location"] == "/me/password/"
    assert "for a year" in client.get("/me/password/").content.decode()
    new = "A quite different one, 7"
    client.post("/me/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert is_in(client)
    again = Client()
    log_in(again, user.username, new)
    assert is_in(again)


@pytest.mark.django_db
def test_a_new_password_must_be_another_and_good() -> None:
    client = Client()
    log_in(client, UserFactory().username)
    form = {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    assert "at least 12 characters" in client.post("/me/password/", form).content.decode()
    wrong = form | {"oldpassword": "wrong"}
    assert "That is not your password." in client.post("/me/password/", wrong).content.decode()
