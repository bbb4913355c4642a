"""Logging in by a passkey, without a browser: whose, which question it answers, how often."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.http import HttpResponse
from django.test import Client

from audit.models import AuditEvent, AuditKind
from people import limits
from tests.factories import UserFactory
from tests.people.confirming import confirm
from tests.people.soft_key import SoftKey
from tests.people.test_log_in import is_in, log_in

pytestmark = pytest.mark.django_db


def asked_alone(client: Client) -> dict[str, Any]:
    """What the log-in page asks a passkey, before anybody has said who they are."""
    answer = client.get("/login/passkey/", headers={"Accept": "application/json"}).json()
    found: dict[str, Any] = answer["request_options"]
    return found


def asked_second(client: Client) -> dict[str, Any]:
    """What the second step of a log-in asks a passkey."""
    found: dict[str, Any] = client.get("/login/code/").context["js_data"]["request_options"]
    return found


def give(client: Client, credential: str, path: str = "/login/passkey/") -> HttpResponse:
    return client.post(path, {"credential": credential})  # type: ignore[return-value]


def test_a_passkey_with_its_pin_lets_in_alone() -> None:
    key, client = SoftKey(UserFactory()), Client()
    give(client, key.answer(asked_alone(client)))
    assert is_in(client)


def test_a_passkey_without_its_pin_comes_after_the_password() -> None:
    key, client = SoftKey(UserFactory(), verifies=False), Client()
    give(client, key.answer(asked_alone(client)))
    assert not is_in(client)
    log_in(client, key.user.username)
    give(client, key.answer(asked_second(client)), "/login/code/")
    assert is_in(client)


def test_a_key_found_in_the_street_does_not_let_in_by_the_question_of_the_finders_own_log_in() -> (
    None
):
    found = SoftKey(UserFactory(), verifies=False)
    finder, client = SoftKey(UserFactory(), verifies=False).user, Client()
    with time_machine.travel("2026-11-20 10:00:00Z", tick=False) as clock:
        log_in(client, finder.username)
        answer = found.answer(asked_second(client))
        clock.shift(timedelta(minutes=16))  # allauth has forgotten that log-in, not the question
        assert give(client, answer).headers["Location"] == "/login/"
        assert not is_in(client)


def test_the_passkey_of_a_disabled_person_is_refused_like_an_unknown_one() -> None:
    key, client = SoftKey(UserFactory(is_active=False)), Client()
    answer = give(client, key.answer(asked_alone(client)))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/")
    assert "not known here" in client.get("/login/").content.decode()
    assert not AuditEvent.objects.filter(kind=AuditKind.LOGGED_IN).exists()
    assert AuditEvent.objects.filter(kind=AuditKind.LOGIN_FAILED).count() == 1


def test_junk_for_a_passkey_is_not_written_down_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PER_PERSON", 5)
    answers = [give(Client(), '{"id": 1}').status_code for _try in range(7)]
    assert answers == [302] * 5 + [429] * 2
    assert AuditEvent.objects.filter(kind=AuditKind.LOGIN_FAILED).count() == 5
    elsewhere, key = Client(REMOTE_ADDR="192.0.2.1"), SoftKey(UserFactory())
    give(elsewhere, key.answer(asked_alone(elsewhere)))
    assert is_in(elsewhere), "only that address waits"


@pytest.mark.parametrize(
    ("before", "now", "lets_in"), [(7, 8, True), (7, 7, False), (7, 3, False), (0, 0, True)]
)
def test_a_passkey_whose_counter_went_back_was_copied(before: int, now: int, lets_in: bool) -> None:
    key, client = SoftKey(UserFactory()), Client()
    key.counts = False
    for counter in (before, now):
        client = Client()
        key.counter = counter
        give(client, key.answer(asked_alone(client)))
    assert is_in(client) == lets_in
    failures = AuditEvent.objects.filter(kind=AuditKind.LOGIN_FAILED)
    told = [(event.subject, event.detail["step"]) for event in failures]
    refused = [(key.user.username, "passkey alone, its counter went back")]
    assert told == ([] if lets_in else refused)


def test_a_copied_key_does_not_put_the_counter_back() -> None:
    key = SoftKey(UserFactory())
    for counter, lets_in in ((9, True), (3, False), (8, False), (10, True)):
        client = Client()
        key.counter = counter
        give(client, key.answer(asked_alone(client)))
        assert is_in(client) == lets_in, counter


BROKEN = (
    *(
        "",
        "[]",
        "null",
        "{}",
        "x",
        '"x"',
        "[" * 100_000,
        "1" * 5_000,
        '{"id": 1, "rawId": null}',
        "1e999",
    ),
    *('{"id": "x", "response": {}}', '{"id": "eA", "rawId": "eA", "response": {}}'),
)


@pytest.mark.any_database
def test_junk_adds_no_passkey() -> None:
    client, user = Client(), UserFactory()
    client.force_login(user)
    confirm(client, user)
    whole = json.loads(SoftKey(UserFactory()).registration())
    cut = [
        _with(whole, name, value) for name in whole["response"] for value in ("", "AAAA", 7, None)
    ]
    for junk in (*BROKEN, *cut, json.dumps(whole)):
        client.get("/me/passkeys/add/")
        answer = client.post("/me/passkeys/add/", {"name": "Key", "credential": junk})
        assert answer.status_code == 200, junk[:100]
    assert not Authenticator.objects.filter(user=user).exists()


@pytest.mark.any_database
def test_junk_of_a_passkey_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PER_PERSON", 10_000)
    monkeypatch.setattr(limits, "PER_ADDRESS", 10_000)
    key, client = SoftKey(UserFactory()), Client()
    whole = json.loads(key.answer(asked_alone(client)))
    cut = [
        _with(whole, name, value) for name in whole["response"] for value in ("", "AAAA", 7, None)
    ]
    for junk in (*BROKEN, *cut):
        asked_alone(client)
        assert give(client, junk).status_code == 302, junk[:100]
    assert not is_in(client)


def _with(credential: dict[str, Any], name: str, value: object) -> str:
    return json.dumps({**credential, "response": {**credential["response"], name: value}})
