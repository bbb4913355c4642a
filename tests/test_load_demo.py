"""The demonstration agrees with the sandbox that it was loaded from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from audit.models import AuditEvent
from messaging.models import ActionAttempt, ActionEvent, AttemptOutcome, Batch, OutgoingAction
from messaging.states import OPEN, TAKEN, Status, may_follow
from orders.models import Door, Order
from sandbox.testing import Running, running
from sellers.models import Membership, SellerAccount
from solicit_dashboard.redis import get_redis
from tests.made_once import rows_made_once

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PASSWORDS = {name: f"{name}-secret-word" for name in ("operator", "manager", "viewer", "auditor")}


@dataclass(frozen=True)
class Loaded:
    """The sandbox, what the command printed, and how many queries it took."""

    amazon: Running
    document: dict[str, Any]
    queries: int


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "demo.json").write_text(json.dumps(PASSWORDS))
    return tmp_path


@contextmanager
def sandbox(data_dir: Path, *, orders: int, sellers: int) -> Iterator[Running]:
    with (
        running(orders=orders, sellers=sellers) as amazon,
        override_settings(SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url, DATA_DIR=data_dir),
    ):
        yield amazon


@pytest.fixture
def amazon(request: pytest.FixtureRequest, data_dir: Path, redis_empty: None) -> Iterator[Running]:
    """A sandbox with two sellers, or as many as the test's parameter says."""
    with sandbox(data_dir, orders=120, sellers=getattr(request, "param", 2)) as amazon:
        yield amazon


@pytest.fixture(scope="class")
def loaded(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Loaded]:
    """The demonstration of two sellers with 240 orders each, loaded once for all tests of a class.

    What a test changes is undone after it, and the demonstration after the last of them.
    """
    data_dir = tmp_path_factory.mktemp("demo")
    (data_dir / "demo.json").write_text(json.dumps(PASSWORDS))
    get_redis().flushall()
    with rows_made_once(django_db_blocker), sandbox(data_dir, orders=240, sellers=2) as amazon:
        with CaptureQueriesContext(connection) as captured:
            document = load(amazon)
        yield Loaded(amazon, document, len(captured))


def load(amazon: Running) -> dict[str, Any]:
    printed = StringIO()
    call_command("load_demo", sandbox=amazon.url, json=True, stdout=printed)
    document: dict[str, Any] = json.loads(printed.getvalue())
    return document


def may_be_asked(account: SellerAccount) -> set[str]:
    orders = Order.objects.filter(account=account).eligible(timezone.now()).unasked()
    return set(orders.values_list("amazon_order_id", flat=True))


def assert_agreement(
    amazon: Running, account: SellerAccount, also: frozenset[str] = frozenset()
) -> None:
    """We may ask, and `also` hold, exactly what Amazon would accept at this moment."""
    before = may_be_asked(account) | also
    truth = set(amazon.eligible()[account.selling_partner_id])
    after = may_be_asked(account) | also
    # equal, but for a window that opens or closes between the three questions
    assert before & after <= truth <= before | after
    assert len(truth) > 10


class TestLoaded:
    """What the demonstration consists of."""

    def test_what_we_call_eligible_is_what_amazon_would_accept(self, loaded: Loaded) -> None:
        accounts = SellerAccount.objects.all()
        assert loaded.document["accounts"] == [account.pk for account in accounts.order_by("pk")]
        assert loaded.document["orders"] == Order.objects.count() > 470
        for account in accounts:
            assert_agreement(loaded.amazon, account)

    def test_every_order_that_amazon_was_asked_for_carries_an_action(self, loaded: Loaded) -> None:
        history = loaded.amazon.history()
        late = {
            request["order_id"] for request in history if request["outcome"] == "outside_window"
        }
        asked = {request["order_id"] for request in history} - late
        taken = OutgoingAction.objects.filter(status__in=TAKEN)
        assert set(taken.values_list("order__amazon_order_id", flat=True)) == asked
        assert late

    def test_nothing_was_tried_after_the_window_had_closed(self, loaded: Loaded) -> None:
        attempts = ActionAttempt.objects.select_related("action__order")
        for attempt in attempts:
            closes_at = attempt.action.order.closes_at()
            assert closes_at is None or attempt.claimed_at <= closes_at
        assert not OutgoingAction.objects.filter(reason="Refused: too late").exists()
        assert len(attempts) > 100

    def test_every_state_that_rests_is_shown_with_its_evidence(self, loaded: Loaded) -> None:
        counts = Counter(OutgoingAction.objects.values_list("status", flat=True))
        assert set(counts) == set(Status) - {Status.SENDING, Status.HELD}
        assert counts[Status.SENT] > sum(counts.values()) / 2
        for action in OutgoingAction.objects.select_related(
            "sent_attempt", "order", "requested_by"
        ):
            events = list(ActionEvent.objects.filter(action=action))
            state: str = Status.QUEUED
            for event in events:
                assert event.before == state
                assert may_follow(Status(state), Status(event.after))
                state = event.after
            moments = [action.created_at, *(event.at for event in events)]
            assert moments == sorted(moments)
            assert (state, moments[-1]) == (action.status, action.status_at)
            assert action.created_at <= timezone.now()
            outcome = {attempt.outcome for attempt in action.attempts.all()}
            assert outcome == {
                Status.SENT: {AttemptOutcome.ACCEPTED},
                Status.REFUSED: {AttemptOutcome.REJECTED},
                Status.UNCONFIRMED: {AttemptOutcome.UNKNOWN},
                Status.PROBABLY_SENT: {AttemptOutcome.UNKNOWN},
                Status.UNRESOLVED: {AttemptOutcome.UNKNOWN},
            }.get(Status(action.status), set())
            if action.status == Status.SENT:
                assert action.sent_attempt.status_code == 201
            order = action.order
            is_taken = action.status in TAKEN
            assert order.solicitation == (action.status if is_taken else "")
            assert order.solicitation_at == action.status_at
            if action.status in OPEN:
                assert action.look_at > timezone.now()
                assert action.not_after > timezone.now()
            if action.status == Status.EXPIRED:
                assert action.not_after < timezone.now()

    def test_requests_are_spread_over_people_days_and_batches(self, loaded: Loaded) -> None:
        assert {account.application.name for account in SellerAccount.objects.all()} == {
            "Demonstration application"
        }
        names = set(OutgoingAction.objects.values_list("requested_by__username", flat=True))
        assert names == {"operator", "manager"}
        assert OutgoingAction.objects.dates("created_at", "day").count() > 40
        for batch in Batch.objects.all():
            assert batch.queued == batch.actions.count() > 2
            assert set(batch.actions.values_list("requested_by", flat=True)) == {
                batch.created_by_id
            }
        singles = OutgoingAction.objects.filter(batch=None).count()
        assert Batch.objects.count() > 5
        assert singles > 5
        recorded = AuditEvent.objects.filter(kind="requested").count()
        assert recorded == Batch.objects.count() + singles

    def test_loading_again_changes_nothing(self, loaded: Loaded) -> None:
        User.objects.get(username="operator").set_password("changed")
        Membership.objects.filter(user__username="viewer").update(role="operator")
        before = [
            model.objects.count()
            for model in (User, SellerAccount, Membership, OutgoingAction, ActionEvent, AuditEvent)
        ]
        searched_before = loaded.amazon.stats()
        assert load(loaded.amazon)["new_actions"] == 0
        after = [
            model.objects.count()
            for model in (User, SellerAccount, Membership, OutgoingAction, ActionEvent, AuditEvent)
        ]
        assert after == before
        assert Membership.objects.filter(user__username="viewer", role="operator").count() == 2
        assert loaded.amazon.stats()["throttled"] == searched_before["throttled"] == 0

    def test_people_have_their_roles_and_passwords(self, loaded: Loaded) -> None:
        for name, role in (
            ("operator", "operator"),
            ("manager", "manager"),
            ("viewer", "viewer"),
            ("auditor", "viewer"),
        ):
            person = User.objects.get(username=name)
            assert person.check_password(PASSWORDS[name])
            assert set(Membership.objects.filter(user=person).values_list("role", flat=True)) == {
                role
            }
            assert (person.is_staff, person.is_superuser) == (name == "auditor", False)
        auditor = User.objects.get(username="auditor")
        permissions = auditor.get_all_permissions()
        for permission in (
            "messaging.view_actionattempt",
            "messaging.view_outgoingaction",
            "orders.view_order",
            "audit.view_auditevent",
            "sellers.view_selleraccount",
        ):
            assert permission in permissions
        assert {permission.split(".")[1].split("_")[0] for permission in permissions} == {"view"}

    def test_the_number_of_queries_does_not_grow_with_the_orders(self, loaded: Loaded) -> None:
        # 480 orders in 6 pages, some 300 actions with 900 events; SQLite cuts inserts into pieces
        assert loaded.queries <= (320 if connection.vendor == "sqlite" else 260)


@pytest.mark.parametrize("amazon", [3], indirect=True)
def test_a_third_account_is_paused_and_holds_what_waits(amazon: Running) -> None:
    load(amazon)
    paused = SellerAccount.objects.exclude(paused_at=None).get()
    held = OutgoingAction.objects.filter(status=Status.HELD)
    numbers = frozenset(held.values_list("order__amazon_order_id", flat=True))
    assert numbers
    assert not numbers & may_be_asked(paused)
    assert_agreement(amazon, paused, also=numbers)
    assert not OutgoingAction.objects.filter(account=paused, status=Status.QUEUED).exists()
    for account in SellerAccount.objects.filter(paused_at=None):
        assert_agreement(amazon, account)


def test_nothing_secret_is_printed(amazon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_demo", sandbox=amazon.url)
    printed = "".join(capsys.readouterr())
    secrets = [*PASSWORDS.values()]
    for seller in amazon.sellers:
        secrets += [seller.client_secret, seller.refresh_token]
    assert not any(secret in printed for secret in secrets)


def test_the_past_is_whole_or_not_there(amazon: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("solicit_dashboard.demo.history._give_evidence", die)
        with pytest.raises(RuntimeError):
            load(amazon)
    assert not OutgoingAction.objects.exists()
    assert not Batch.objects.exists()
    assert load(amazon)["new_actions"] > 50
    assert Door.objects.exclude(last_worked_at=None).count() == 2


def test_it_refuses_to_show_the_keys_to_anybody_but_the_sandbox(data_dir: Path) -> None:
    with override_settings(DATA_DIR=data_dir), pytest.raises(CommandError) as refusal:
        call_command("load_demo", sandbox="http://127.0.0.1:1")
    assert refusal.value.returncode == 2
    assert not User.objects.exists()


def test_a_sandbox_that_does_not_answer_and_missing_passwords_are_said(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9"
    with override_settings(SPAPI_ENDPOINT=url, LWA_ENDPOINT=url, DATA_DIR=tmp_path):
        with pytest.raises(CommandError, match="must hold a password"):
            call_command("load_demo", sandbox=url)
        (tmp_path / "demo.json").write_text(json.dumps(PASSWORDS))
        with pytest.raises(CommandError, match="_sellers"):
            call_command("load_demo", sandbox=url)
