"""Logging in by a passkey, without a browser: whose, which question it answers, how often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from audit.models import AuditEvent, AuditKind
from people import limits
from tests.factories import UserFactory
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
