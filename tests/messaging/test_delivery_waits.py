"""A claim that had to wait for a row looks again before it stands: much may have changed meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from messaging.delivery import claim
from messaging.models import ActionAttempt, ActionEvent, OutgoingAction
from orders.models import Order
from sellers.models import Connection, SellerAccount
from tests.factories import KillSwitchFactory
from tests.messaging.sending import NOW, due_action, due_message, job_of, status_of


class Claimer:
    """Another process that claims these actions; it waits for a row that we have locked."""

    def __init__(self, actions: list[OutgoingAction]) -> None:
        self._jobs = [job_of(action) for action in actions]
        self.claimed: list[int] = []
        self.errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def start_and_wait(self) -> None:
        self._thread.start()
        until = time.monotonic() + 20
        while not self._is_waiting():
            assert time.monotonic() < until, self.errors
            time.sleep(0.01)

    def finish(self) -> list[int]:
        self._thread.join(20)
        assert self.errors == []
        return self.claimed

    def _run(self) -> None:
        try:
            won = claim(self._jobs, now=NOW, worker="test:1")
            self.claimed = [one.job.action_id for one in won]
        except BaseException as error:
            self.errors.append(error)
        finally:
            connections.close_all()

    @staticmethod
    def _is_waiting() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchone()[0])


@pytest.fixture(autouse=True)
def _on_postgresql(transactional_db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite a transaction waits before it has read anything")


def elsewhere(change: Callable[[], object]) -> None:
    """The change is made and committed by somebody who waits for nobody."""

    def run() -> None:
        try:
            change()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def claimed_after(actions: list[OutgoingAction], change: Callable[[], object]) -> list[int]:
    """What is claimed when that happens while the claim waits for the row of the first order."""
    claimer = Claimer(actions)
    with transaction.atomic():
        # as ingest does, which may hold the rows of five hundred orders for seconds
        list(Order.objects.select_for_update(no_key=True).filter(pk=actions[0].order_id))
        claimer.start_and_wait()
        elsewhere(change)
    return claimer.finish()


STOPS: dict[str, Callable[[SellerAccount], object]] = {
    "kill switch": lambda account: KillSwitchFactory(account=account),
    "pause": lambda account: SellerAccount.objects.filter(pk=account.pk).update(paused_at=NOW),
    "disconnect": lambda account: SellerAccount.objects.filter(pk=account.pk).update(
        connection=Connection.DISCONNECTED
    ),
}


@pytest.mark.parametrize("stop", STOPS)
def test_what_was_stopped_while_the_claim_waited_is_not_claimed(stop: str) -> None:
    action = due_action()
    assert claimed_after([action], lambda: STOPS[stop](action.account)) == []
    assert status_of(action) == "queued"
    assert not ActionAttempt.objects.exists()
    assert not ActionEvent.objects.exists()


@pytest.mark.parametrize("fact", ["is_excluded", "is_cancelled"])
def test_an_order_that_changed_while_the_claim_waited_is_not_claimed(fact: str) -> None:
    changing, other = due_action(), due_action()
    claimer = Claimer([changing, other])
    with transaction.atomic():
        order = Order.objects.filter(pk=changing.order_id)
        order.update(**{fact: True})
        claimer.start_and_wait()
    assert claimer.finish() == [other.pk]
    assert (status_of(changing), status_of(other)) == ("queued", "sending")


def test_a_message_whose_order_was_cancelled_while_the_claim_waited_is_not_claimed() -> None:
    solicitation, message = due_action(), due_message()
    order = Order.objects.filter(pk=message.order_id)
    claimed = claimed_after([solicitation, message], lambda: order.update(is_cancelled=True))
    assert claimed == [solicitation.pk]
    assert status_of(message) == "queued"


def test_what_others_may_send_is_claimed_all_the_same() -> None:
    stopped, free = due_action(), due_action()
    assert claimed_after([stopped, free], lambda: KillSwitchFactory(account=stopped.account)) == [
        free.pk
    ]
    assert (status_of(stopped), status_of(free)) == ("queued", "sending")
    assert ActionAttempt.objects.get().number == 1


def test_what_nothing_has_changed_for_is_claimed_after_the_wait() -> None:
    action = due_action()
    assert claimed_after([action], lambda: None) == [action.pk]
    assert status_of(action) == "sending"
    lease = OutgoingAction.objects.values_list("lease_until", flat=True).get()
    assert lease is not None
    assert lease > NOW + timedelta(seconds=1)
