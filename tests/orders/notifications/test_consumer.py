"""Reading the queue over HTTP: committed first, deleted then, whatever happens in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from orders.freshness import door_states
from orders.models import (
    Door,
    HeardNotification,
    NotificationQueue,
    NotificationSubscription,
    OrderHint,
    ParkedNotification,
)
from orders.notifications import consumer as consuming
from orders.notifications.consumer import Consumer, StopReading
from orders.notifications.queues import QueueError
from orders.notifications.sqs import SqsQueue
from orders.notifications.taking import Message, Taken
from solicit_dashboard.env import BASE_DIR
from tests.factories import NotificationSubscriptionFactory
from tests.orders.notifications.told import document, message
from tests.queues import OWNER, REGION, TestQueue

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 5, tzinfo=UTC)


def number(n: int) -> str:
    return f"303-{n:07d}-0000001"


def bodies(subscription: NotificationSubscription, count: int) -> list[str]:
    told = (document(subscription, number(n), key=f"n-{n}") for n in range(count))
    return [json.dumps(one) for one in told]


@pytest.fixture
def subscription(queue: TestQueue) -> NotificationSubscription:
    made: NotificationSubscription = NotificationSubscriptionFactory(queue_arn=queue.arn)
    return made


def wait_until(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < limit, "it did not come to that"
        time.sleep(0.05)


def opened(queue: TestQueue, *, hidden_seconds: int = 60) -> SqsQueue:
    return SqsQueue(
        queue.arn, endpoint=queue.endpoint, poll_seconds=0, hidden_seconds=hidden_seconds
    )


def reader(queue: Any, **more: Any) -> Consumer:
    return Consumer(queue, clock=lambda: NOW, **more)


def test_the_queue_is_emptied_ten_at_a_time_and_the_door_works(
    queue: TestQueue, subscription: NotificationSubscription
) -> None:
    queue.put(bodies(subscription, 12))
    heard: list[Taken] = []
    consumer = reader(opened(queue), on_heard=heard.append)
    assert len(consumer.turn().done) == 10
    assert Door.objects.get().last_worked_at is None  # there may be more
    consumer.turn()
    assert [taken.heard for taken in heard] == [10, 2]
    assert queue.counts() == (0, 0)
    assert OrderHint.objects.count() == 12
    assert Door.objects.get().last_worked_at == NOW
    row = NotificationQueue.objects.get()
    assert (row.arn, row.read_at) == (queue.arn, NOW)
    (_polling, told) = door_states([subscription.account], NOW)[subscription.account_id]
    assert told.late_by is None
    late = door_states([subscription.account], NOW + timedelta(minutes=11))
    assert late[subscription.account_id][1].late_by == timedelta(minutes=1)


class DiesInBetween(SqsQueue):
    """A reader that is gone after the commit, before anything is deleted."""

    def delete(self, messages: Sequence[Message]) -> None:
        raise StopReading


def test_what_was_committed_and_not_deleted_comes_again_and_changes_nothing(
    queue: TestQueue, subscription: NotificationSubscription
) -> None:
    queue.put(bodies(subscription, 3))
    dying = DiesInBetween(queue.arn, endpoint=queue.endpoint, poll_seconds=0, hidden_seconds=1)
    with pytest.raises(StopReading):
        reader(dying).turn()
    assert queue.counts()[1] == 3
    OrderHint.objects.all().delete()  # meanwhile Amazon was asked
    again = opened(queue)
    turns: list[Taken] = []

    def are_all_gone() -> bool:
        turns.append(reader(again).turn())
        return queue.counts() == (0, 0)

    wait_until(are_all_gone)  # the queue shows them again after a second
    assert sum(taken.copies for taken in turns) == 3
    assert not any(taken.heard for taken in turns)
    assert not OrderHint.objects.exists()


def test_nothing_is_deleted_where_the_database_did_not_commit(
    queue: TestQueue, subscription: NotificationSubscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.put(bodies(subscription, 2))

    def away(*_arguments: Any, **_more: Any) -> None:
        raise OperationalError("the server is gone")

    with monkeypatch.context() as patch:
        patch.setattr("orders.notifications.taking.note_hints", away)
        with pytest.raises(OperationalError):
            reader(opened(queue)).turn()
    assert queue.counts() == (0, 2)
    assert not HeardNotification.objects.exists()


def test_poison_is_parked_after_three_readings_beside_which_the_rest_flows(
    queue: TestQueue, subscription: NotificationSubscription
) -> None:
    queue.put(['{"Payload": ', *bodies(subscription, 3)])
    consumer = reader(opened(queue, hidden_seconds=0))
    turns = [consumer.turn() for _turn in range(3)]
    assert [(taken.heard, taken.left, taken.parked) for taken in turns] == [
        (3, 1, 0),
        (0, 1, 0),
        (0, 0, 1),
    ]
    assert queue.counts() == (0, 0)
    assert ParkedNotification.objects.count() == 1


class Broken:
    """A queue that fails as it is told to, and then asks the reader to stop."""

    arn = "arn:aws:sqs:eu-west-1:123456789012:broken"

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.stop: Callable[[], None] = lambda: None

    def receive(self) -> list[Message]:
        if self.errors:
            raise self.errors.pop(0)
        self.stop()
        return []

    def delete(self, messages: Sequence[Message]) -> None:
        raise AssertionError("nothing was received")


def test_a_queue_that_fails_is_said_at_the_door_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(consuming, "FIRST_PAUSE", 0.001)  # seconds
    subscription = NotificationSubscriptionFactory(queue_arn=Broken.arn)
    queue = Broken(QueueError("The queue refused: AccessDenied."), OperationalError("gone"))
    consumer = reader(queue)
    seen: list[str] = []

    def stop() -> None:
        seen.append(Door.objects.get(account=subscription.account).error)
        consumer.stop()

    queue.stop = stop
    consumer.run()
    assert seen == ["The queue refused: AccessDenied."]
    assert NotificationQueue.objects.get().error == "The queue refused: AccessDenied."
    assert "The database is away" in caplog.text


def test_a_subscription_to_another_queue_is_not_said_to_work(queue: TestQueue) -> None:
    NotificationSubscriptionFactory(queue_arn="arn:aws:sqs:eu-west-1:123456789012:other")
    NotificationSubscriptionFactory(queue_arn=queue.arn, removed_at=NOW)
    reader(opened(queue)).turn()
    assert not Door.objects.exists()


def test_a_stop_while_messages_are_in_hand_lets_them_be_finished() -> None:
    subscription = NotificationSubscriptionFactory(queue_arn=Broken.arn)

    class One(Broken):
        deleted = 0

        def receive(self) -> list[Message]:
            return [message(document(subscription))]

        def delete(self, messages: Sequence[Message]) -> None:
            self.deleted += len(messages)

    queue = One()
    consumer: Consumer = reader(queue, on_heard=lambda _taken: consumer.stop())
    consumer.run()
    assert (queue.deleted, OrderHint.objects.count()) == (1, 1)
    with pytest.raises(StopReading):
        consumer.turn()


def test_refusals_of_the_queue_are_sentences_without_credentials(queues: str) -> None:
    missing = SqsQueue(f"arn:aws:sqs:{REGION}:{OWNER}:nowhere", endpoint=queues, poll_seconds=0)
    with pytest.raises(QueueError) as caught:
        missing.receive()
    assert "NonExistentQueue" in str(caught.value)
    assert "testing" not in str(caught.value)
    away = SqsQueue(
        f"arn:aws:sqs:{REGION}:{OWNER}:orders", endpoint="http://127.0.0.1:9", poll_seconds=0
    )
    with pytest.raises(QueueError, match="could not be reached"):
        away.receive()
    with pytest.raises(ValueError, match="standard SQS queue"):
        SqsQueue("arn:aws:sqs:eu-west-1:123456789012:orders.fifo")


@pytest.fixture
def environment(process_environment: dict[str, str], queue: TestQueue) -> dict[str, str]:
    return process_environment | {
        "SQS_QUEUE_ARN": queue.arn,
        "AWS_ENDPOINT_URL_SQS": queue.endpoint,
    }


def command(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "consume_notifications", *words],
        cwd=BASE_DIR,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


# Between the commit and the call that deletes: the process is killed there as by the kernel.
KILLED = """
import os, signal
import django
django.setup()
from orders.notifications.sqs import SqsQueue
from django.core.management import execute_from_command_line
def die(queue, messages):
    os.kill(os.getpid(), signal.SIGKILL)
SqsQueue.delete = die
execute_from_command_line(
    ["manage.py", "consume_notifications", "--poll-seconds", "1", "--hidden-seconds", "1"]
)
"""


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_killed_between_commit_and_delete_nothing_is_lost_and_the_next_one_ends_when_told(
    queue: TestQueue, environment: dict[str, str]
) -> None:
    subscription = NotificationSubscriptionFactory(queue_arn=queue.arn)
    queue.put(bodies(subscription, 13))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=BASE_DIR, env=environment, check=False, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL
    committed = HeardNotification.objects.count()
    assert 0 < committed <= 10
    with command(environment) as child:
        try:
            wait_until(lambda: queue.counts() == (0, 0))
        finally:
            begun = time.monotonic()
            child.send_signal(signal.SIGTERM)
            assert child.wait(30) == 0, child.stderr and child.stderr.read()
    assert time.monotonic() - begun < 15  # by itself it would wait 20 s for a message
    heard = HeardNotification.objects.values_list("key", flat=True)
    assert sorted(heard) == sorted(f"n-{n}" for n in range(13))
    assert OrderHint.objects.count() == 13
    assert sum(HeardNotification.objects.values_list("copies", flat=True)) >= committed
    assert Door.objects.get().last_worked_at > timezone.now() - timedelta(minutes=5)
