"""Transactions that give way to another one are made again, a few times, and nothing else is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections, transaction

from messaging.delivery import claim
from messaging.models import ActionAttempt, ActionEvent, OutgoingAction
from messaging.results import SendResult, record
from messaging.services import request_reviews
from messaging.states import Status
from orders.ingest.upsert import Counts, upsert_orders
from orders.models import ExclusionKind, Order
from orders.services import exclude
from sellers.models import SellerAccount
from solicit_dashboard.conflicts import MOST_REPEATS, gave_way, repeated_on_conflict
from tests.factories import SellerAccountFactory, UserFactory
from tests.messaging.sending import (
    ACCEPTED,
    NOW,
    claim_one,
    due_action,
    due_order,
    job_of,
    status_of,
    steps_of,
)
from tests.orders.amazon import DAY, NOON, an_order


def conflict(kind: type[psycopg.Error] = psycopg.errors.DeadlockDetected) -> OperationalError:
    error = OperationalError("deadlock detected")
    error.__cause__ = kind("deadlock detected")
    return error


class Step:
    """A transaction that fails in this way so many times, and then ends well."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.tries = error, times, 0

    def __call__(self) -> str:
        self.tries += 1
        if self.tries <= self.times:
            raise self.error
        return "done"


@pytest.mark.parametrize(
    "kind", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
)
def test_a_transaction_that_gave_way_is_made_again(kind: type[psycopg.Error]) -> None:
    step = Step(conflict(kind), MOST_REPEATS)
    assert repeated_on_conflict(step) == "done"
    assert step.tries == MOST_REPEATS + 1 == 4


def test_a_transaction_that_always_gives_way_is_given_up() -> None:
    step = Step(conflict(), 99)
    with pytest.raises(OperationalError):
        repeated_on_conflict(step)
    assert step.tries == MOST_REPEATS + 1


@pytest.mark.parametrize(
    "error", [OperationalError("the server closed the connection"), ValueError("a bug")]
)
def test_any_other_error_is_the_callers(error: Exception) -> None:
    step = Step(error, 1)
    with pytest.raises(type(error)):
        repeated_on_conflict(step)
    assert step.tries == 1


class Conflicts:
    """Every statement that begins so gives way, so many times, and then no more."""

    def __init__(self, statement: str, times: int) -> None:
        self.statement, self.left = statement, times

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if self.left and sql.startswith(self.statement):
            self.left -= 1
            raise conflict()
        return execute(sql, params, many, context)


def test_a_claim_that_always_gives_way_is_given_up_for_this_round_and_nothing_is_lost(
    transactional_db: None,
) -> None:
    action = due_action()
    job = job_of(action)
    conflicts = Conflicts('INSERT INTO "messaging_actionattempt"', MOST_REPEATS + 1)
    with connection.execute_wrapper(conflicts):
        with pytest.raises(OperationalError):
            claim([job], now=NOW, worker="test:1")
        assert conflicts.left == 0
        # undone each time: it waits as before, and nobody may send it
        assert (status_of(action), steps_of(action)) == ("queued", ["queued"])
        assert not ActionAttempt.objects.exists()
        assert len(claim([job], now=NOW, worker="test:1")) == 1
    assert (status_of(action), steps_of(action)) == ("sending", ["queued", "sending"])
    assert ActionAttempt.objects.get().number == 1


def test_a_result_that_always_gives_way_is_given_up_for_this_round_and_nothing_is_lost(
    transactional_db: None,
) -> None:
    action = due_action()
    results = [SendResult(claim_one(action), ACCEPTED, 12)]
    conflicts = Conflicts('UPDATE "messaging_outgoingaction"', MOST_REPEATS + 1)
    later = NOW + timedelta(seconds=1)
    with connection.execute_wrapper(conflicts):
        with pytest.raises(OperationalError):
            record(results, now=later)
        assert conflicts.left == 0
        # the attempt is open still, so that nobody sends it again
        assert status_of(action) == "sending"
        assert ActionAttempt.objects.filter(finished_at=None, abandoned_at=None).count() == 1
        record(results, now=later)
    assert steps_of(action) == ["queued", "sending", "sent"]
    assert ActionAttempt.objects.get().outcome == "accepted"


class Rival:
    """Another process that takes rows in the opposite order: the second first, then the first."""

    def __init__(self, first: OutgoingAction | Order, second: OutgoingAction | Order) -> None:
        self._model = type(first)
        self._rows = (second.pk, first.pk)
        self._has_one = threading.Event()
        self._go_on = threading.Event()
        self.errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Rival:
        self._thread.start()
        assert self._has_one.wait(20)
        # it asks for its second row when we have long been waiting for its first
        threading.Timer(0.3, self._go_on.set).start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._thread.join(20)

    def _run(self) -> None:
        try:
            with transaction.atomic():
                # patient, so that the other side is the one that has to give way
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL deadlock_timeout = '20s'")
                for number, pk in enumerate(self._rows):
                    if number:
                        assert self._go_on.wait(20)
                    list(self._model.objects.select_for_update(no_key=True).filter(pk=pk))
                    self._has_one.set()
        except BaseException as error:
            self.errors.append(error)
        finally:
            connections.close_all()


@pytest.fixture
def on_postgresql(transactional_db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer: nobody gives way")


def test_a_claim_that_meets_a_deadlock_is_made_once(on_postgresql: None) -> None:
    actions = [due_action(), due_action()]
    jobs = [job_of(action) for action in actions]
    with Rival(*actions) as rival:
        claimed = claim(jobs, now=NOW, worker="test:1")
    assert rival.errors == []
    assert len(claimed) == 2
    assert [status_of(action) for action in actions] == ["sending", "sending"]
    assert list(ActionAttempt.objects.values_list("number", flat=True)) == [1, 1]


def test_results_that_meet_a_deadlock_are_written_once(on_postgresql: None) -> None:
    actions = [due_action(), due_action()]
    claims = claim([job_of(action) for action in actions], now=NOW, worker="test:1")
    with Rival(*actions) as rival:
        record([SendResult(one, ACCEPTED, None) for one in claims], now=NOW + timedelta(seconds=1))
    assert rival.errors == []
    assert [status_of(action) for action in actions] == ["sent", "sent"]


@pytest.mark.parametrize("turn", [1, -1])  # in which order it marks the orders is PostgreSQL's
def test_a_batch_that_meets_a_deadlock_is_made_once(on_postgresql: None, turn: int) -> None:
    account: SellerAccount = SellerAccountFactory()
    user: User = UserFactory()
    orders = [due_order(account=account), due_order(account=account)]
    with Rival(*orders[::turn]) as rival:
        batch = request_reviews(
            Order.objects.filter(account=account), user=user, at=NOW, client_key=uuid4()
        )
    assert rival.errors == []
    assert batch.queued == 2
    assert OutgoingAction.objects.filter(batch=batch, status="queued").count() == 2


def test_orders_that_meet_a_deadlock_are_taken_in(on_postgresql: None) -> None:
    account: SellerAccount = SellerAccountFactory()
    news = [an_order("111-0000000-0000001"), an_order("111-0000000-0000002")]
    upsert_orders(account, news, seen_at=NOON)
    changed = [replace(order, updated_at=NOON + DAY) for order in news]
    with Rival(*Order.objects.order_by("pk")) as rival:
        counts = upsert_orders(account, changed, seen_at=NOON + DAY)
    assert rival.errors == []
    assert counts == Counts(changed=2)


def test_orders_that_are_excluded_amid_a_deadlock_are_excluded(on_postgresql: None) -> None:
    account: SellerAccount = SellerAccountFactory()
    orders = [due_order(account=account) for _ in range(2)]
    numbers = [order.amazon_order_id for order in orders]
    user: User = UserFactory()
    with Rival(*orders) as rival:
        assert exclude(account, ExclusionKind.ORDER, numbers, user=user) == 2
    assert rival.errors == []
    assert Order.objects.filter(is_excluded=True).count() == 2


def test_a_step_of_several_that_meets_a_deadlock_is_taken_once(on_postgresql: None) -> None:
    actions = [due_action(), due_action()]
    with Rival(*actions) as rival:
        moved = OutgoingAction.objects.transition(Status.QUEUED, Status.HELD, at=NOW)
    assert rival.errors == []
    assert moved == [action.pk for action in actions]
    assert ActionEvent.objects.count() == 2


def test_a_conflict_inside_a_callers_transaction_is_the_callers(db: None) -> None:
    step = Step(conflict(), 1)
    with pytest.raises(OperationalError), transaction.atomic():
        repeated_on_conflict(step)
    assert step.tries == 1


def test_a_transaction_that_stood_still_and_was_ended_is_as_if_the_database_was_away(
    on_postgresql: None,
) -> None:
    def stand_still() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            while True:  # idle longer and longer, until the server has had enough
                time.sleep(0.2)
                cursor.execute("SELECT 1")

    with pytest.raises(OperationalError):
        repeated_on_conflict(stand_still)
    connection.close()


def test_only_a_conflict_is_known_to_have_been_undone() -> None:
    assert gave_way(conflict())
    assert not gave_way(OperationalError("away"))
