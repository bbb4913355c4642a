"""What Prometheus reads, and that nobody else does."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from redis import RedisError

from messaging.ledger.check import CHECKS
from messaging.models import LedgerCheck, OutgoingAction
from messaging.states import Status
from solicit_dashboard import metrics
from solicit_dashboard.redis import get_redis, redis_key
from tests.factories import ActionAttemptFactory, OutgoingActionFactory, SellerAccountFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_empty")]
TOKEN = "metric-token-é"
SECOND = timedelta(seconds=1)
Numbers = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def _token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def ask(token: str = TOKEN) -> Any:
    # a header is bytes; Django's test client takes them as latin-1
    return Client().get(
        "/metrics", headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    )


def numbers() -> Numbers:
    """Every line: its name without the prefix, the values of its labels, and the number."""
    answer = ask()
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name.removeprefix("solicit_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_without_a_token_there_is_no_such_page(settings: Settings) -> None:
    settings.METRICS_TOKEN = None
    assert ask().status_code == 404
    assert ask("None").status_code == 404
    assert ask("").status_code == 404


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
def test_without_the_token_nothing_is_told(
    header: str | None, django_assert_num_queries: Any
) -> None:
    headers = {} if header is None else {"Authorization": header.encode().decode("latin-1")}
    with django_assert_num_queries(0):
        answer = Client().get("/metrics", headers=headers)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert TOKEN not in answer.content.decode()


def test_the_token_is_not_taken_from_the_address() -> None:
    assert Client().get("/metrics", {"token": TOKEN}).status_code == 401


def test_nothing_is_changed_by_asking() -> None:
    headers = {"Authorization": f"Bearer {TOKEN}".encode().decode("latin-1")}
    assert Client().post("/metrics", headers=headers).status_code == 405


def test_actions_are_counted_by_account_and_state() -> None:
    one = OutgoingActionFactory(status=Status.SENT).account_id
    for status in (Status.SENT, Status.HELD):
        OutgoingActionFactory(status=status, order__account_id=one, order__account=None)
    quiet = SellerAccountFactory(paused=True).pk
    found = numbers()
    of_one = {state: found["actions", str(one), state] for state in Status.values}
    assert of_one == dict.fromkeys(Status.values, 0) | {"sent": 2, "held": 1}
    assert sum(found["actions", str(quiet), state] for state in Status.values) == 0
    assert (found["account_sending", str(one)], found["account_sending", str(quiet)]) == (1, 0)


def test_what_is_due_is_counted_and_dated() -> None:
    now = timezone.now()
    account = SellerAccountFactory()
    for seconds in (30, 90, 300):
        OutgoingActionFactory(order__account=account, created_at=now - seconds * SECOND)
    OutgoingActionFactory(order__account=account, look_at=now + 60 * SECOND)
    OutgoingActionFactory(order__account=account, not_before=now + 60 * SECOND)
    OutgoingActionFactory(order__account=account, status=Status.HELD)
    found = numbers()
    assert found["actions_due", str(account.pk)] == 3
    assert found["actions_due_long", str(account.pk)] == 2
    assert 300 <= found["oldest_due_age_seconds", str(account.pk)] < 330
    OutgoingAction.objects.update(look_at=now + 60 * SECOND)
    assert numbers()["oldest_due_age_seconds", str(account.pk)] == 0


def test_the_attempts_of_an_hour_are_counted_and_those_that_amazon_throttled() -> None:
    action = OutgoingActionFactory(status=Status.HELD)
    account = str(action.account_id)
    for _ in range(2):
        ActionAttemptFactory(
            action=action, finished_at=timezone.now(), outcome="not_sent", status_code=429
        )
    ActionAttemptFactory(action=action, accepted=True)
    ActionAttemptFactory(
        action=action, accepted=True, claimed_at=timezone.now() - timedelta(minutes=61)
    )
    ActionAttemptFactory(action=action)
    found = numbers()
    assert {
        outcome: found["attempts_last_hour", account, outcome]
        for outcome in ("accepted", "not_sent", "rejected", "unknown", "none_yet")
    } == {"accepted": 1, "not_sent": 2, "rejected": 0, "unknown": 0, "none_yet": 1}
    assert found["throttled_last_hour", account] == 2


def test_signs_of_life_have_their_age() -> None:
    assert ("sign_of_life_age_seconds", "worker") not in numbers()
    get_redis().set(redis_key("seen", "worker"), int(time.time()) - 40)
    found = numbers()
    assert 40 <= found["sign_of_life_age_seconds", "worker"] < 70
    assert ("sign_of_life_age_seconds", "dispatcher") not in found
    assert found[("redis_up",)] == 1


def test_without_redis_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise RedisError("redis://:password@host")

    monkeypatch.setattr(metrics, "get_redis", away)
    account = OutgoingActionFactory().account_id
    found = numbers()
    assert found[("redis_up",)] == 0
    assert found["actions_due", str(account)] == 1


def test_the_last_check_of_the_records_is_told() -> None:
    assert ("ledger_check_duration_seconds",) not in numbers()
    at = timezone.now()
    LedgerCheck.objects.create(at=at, seconds=1.5, breaches=3, counts={"lease": 3}, lines=[])
    found = numbers()
    assert found[("ledger_check_timestamp_seconds",)] == pytest.approx(at.timestamp())
    assert found[("ledger_check_duration_seconds",)] == 1.5
    assert {check.name: found["ledger_breaches", check.name] for check in CHECKS} == {
        check.name: 3 * (check.name == "lease") for check in CHECKS
    }


def test_nobody_is_named() -> None:
    action = OutgoingActionFactory(order__account__name="Anna Schmidt", status=Status.SENT)
    text = ask().content.decode()
    for secret in (
        "Anna",
        action.order.amazon_order_id,
        action.account.selling_partner_id,
        action.requested_by.username,
    ):
        assert secret not in text


def test_more_rows_take_no_more_statements() -> None:
    OutgoingActionFactory()
    with CaptureQueriesContext(connection) as few:
        numbers()
    for status in Status:
        OutgoingActionFactory(status=status)
    with CaptureQueriesContext(connection) as many:
        numbers()
    assert len(few) == len(many) <= 7
