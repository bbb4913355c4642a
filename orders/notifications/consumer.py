"""Reading the queue without pause: receive, commit, and only then delete."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Protocol

from django.db import InterfaceError, OperationalError, connection

from orders.doors import door_failed, door_worked
from orders.models import NotificationQueue, NotificationSubscription
from orders.notifications.queues import MOST_AT_ONCE, QueueError
from orders.notifications.settling import ask_again
from orders.notifications.taking import Message, Taken, forget_old, take_messages
from orders.states import DoorName
from sellers.models import SellerAccount

logger = logging.getLogger(__name__)

# How often it is noted that the queue is read: often enough that polling rests (10 minutes).
NOTED_EVERY = timedelta(minutes=1)
FORGOTTEN_EVERY = timedelta(hours=1)
# How long to wait when the queue or the database does not answer: seconds, doubled each time.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
AWAY = (OperationalError, InterfaceError)


class StopReading(BaseException):
    """Raised by a signal while the queue is waited for, which may take 20 s.

    No Exception: the library that waits would take it for an error of the line.
    """


class Queue(Protocol):
    """What a queue must do; see `SqsQueue`."""

    arn: str

    def receive(self) -> list[Message]: ...

    def delete(self, messages: Sequence[Message]) -> None: ...


class Consumer:
    """Takes in what the queue holds until `stop` is called, from a signal if need be.

    `on_heard` is called after a commit that brought something new. What was received and not
    deleted is handed out again by the queue, to whoever reads it then, and is known by its id.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        clock: Callable[[], datetime],
        on_heard: Callable[[Taken], None] = lambda _taken: None,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._on_heard = on_heard
        self._stopping = Event()
        self._is_receiving = False
        self._noted_at: datetime | None = None
        self._settled_at: datetime | None = None
        self._forgot_at: datetime | None = None
        self._pause = FIRST_PAUSE

    def stop(self) -> None:
        """Reading ends as soon as what was received is taken in; for a handler of signals.

        Raises StopReading in the thread that reads while it only waits for the queue.
        """
        self._stopping.set()
        if self._is_receiving:
            raise StopReading

    def run(self) -> None:
        """Reads until it is told to stop; an error of the queue or database is waited out."""
        while not self._stopping.is_set():
            try:
                self.turn()
                self._pause = FIRST_PAUSE
            except StopReading:
                return
            except QueueError as error:
                if self._stopping.is_set():
                    return
                logger.warning("%s", error)
                self._rest(str(error))
            except AWAY as error:
                # nothing was deleted, so that nothing is lost
                self._note_away(error)
                self._rest("")

    def turn(self) -> Taken:
        """One call of the queue: what it gave is taken in, and deleted. Raises QueueError."""
        messages = self._receive()
        at = self._clock()
        taken = Taken()
        if messages:
            taken = take_messages(messages, queue_arn=self._queue.arn, at=at)
            if taken.done:
                self._queue.delete(taken.done)
            if taken.heard:
                self._on_heard(taken)
        self._note_worked(at, is_empty=len(messages) < MOST_AT_ONCE)
        if self._settled_at is None or at - self._settled_at >= NOTED_EVERY:
            self._settled_at = at
            ask_again(at)
        if self._forgot_at is None or at - self._forgot_at >= FORGOTTEN_EVERY:
            self._forgot_at = at
            forget_old(at)
        return taken

    def _receive(self) -> list[Message]:
        self._is_receiving = True
        try:
            if self._stopping.is_set():
                raise StopReading  # the signal came just before
            return self._queue.receive()
        finally:
            self._is_receiving = False

    def _note_worked(self, at: datetime, *, is_empty: bool) -> None:
        """The doors of the subscribed accounts work, as far as the queue has been read to its end."""
        if not is_empty or (self._noted_at is not None and at - self._noted_at < NOTED_EVERY):
            return
        self._noted_at = at
        NotificationQueue.objects.update_or_create(
            arn=self._queue.arn, defaults={"read_at": at, "error": "", "error_at": None}
        )
        for account in self._subscribers():
            door_worked(account, DoorName.NOTIFICATIONS, at=at)

    def _rest(self, problem: str) -> None:
        at = self._clock()
        self._noted_at = None
        try:
            if problem:
                NotificationQueue.objects.update_or_create(
                    arn=self._queue.arn, defaults={"error": problem, "error_at": at}
                )
                for account in self._subscribers():
                    door_failed(account, DoorName.NOTIFICATIONS, at=at, error=problem)
        except AWAY as error:
            self._note_away(error)
        self._stopping.wait(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _note_away(self, error: Exception) -> None:
        logger.warning("The database is away (%s).", type(error).__name__)
        if not connection.in_atomic_block:
            connection.close()  # a new one is opened for the next turn

    def _subscribers(self) -> list[SellerAccount]:
        subscriptions = NotificationSubscription.objects.filter(
            queue_arn=self._queue.arn, removed_at=None
        )
        return list(
            SellerAccount.objects.reachable().filter(pk__in=subscriptions.values("account_id"))
        )
