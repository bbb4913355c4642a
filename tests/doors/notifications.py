"""By notifications alone: from Amazon through the queue, with the consumer that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from django.utils import timezone

from orders.notifications.consumer import Consumer
from orders.notifications.sqs import SqsQueue
from orders.notifications.subscribing import subscribe
from tests.doors.stage import Stage, order_of

# moto reads its whole queue for each call.
IN_THE_QUEUE = 20


def by_notifications(stage: Stage, chance: Random) -> Iterator[None]:
    """Every notification of the past twice, in any order: each call of the queue is a step."""
    subscribe(
        stage.account,
        client=stage.client,
        queue_arn=stage.queue.arn,
        user=None,
        at=timezone.now(),
    )
    bodies = [body for body in _told(stage) for _copy in range(2)]
    chance.shuffle(bodies)
    queue = SqsQueue(stage.queue.arn, endpoint=stage.queue.endpoint, poll_seconds=0)
    consumer = Consumer(queue, clock=timezone.now)
    for start in range(0, len(bodies), IN_THE_QUEUE):
        waiting = bodies[start : start + IN_THE_QUEUE]
        stage.queue.put(waiting)
        left = len(waiting)
        while left:
            taken = consumer.turn()
            assert taken.strangers == taken.parked == taken.left == 0, taken
            assert taken.done, "the queue hides what was put into it"
            left -= len(taken.done)
            yield
    queue.close()


def _told(stage: Stage) -> list[str]:
    """What Amazon told, the newest `stage.told_most` of each order."""
    told = stage.amazon.take_notifications(since=stage.since.isoformat())
    by_order: dict[str, list[str]] = {}
    for message in told:
        by_order.setdefault(order_of(message["body"]), []).append(message["body"])
    assert by_order, "Amazon told nothing"
    return [body for bodies in by_order.values() for body in bodies[-stage.told_most :]]
