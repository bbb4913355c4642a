"""What a check of the records looks at: one moment of one consistent snapshot, of all accounts or one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from messaging.models import (
    ActionAttempt,
    ActionEvent,
    Batch,
    BatchQuerySet,
    OutgoingAction,
    OutgoingActionQuerySet,
)
from orders.models import Order, OrderQuerySet

_CHUNK = 2_000


@dataclass(frozen=True)
class Found:
    """One contradiction: the thing that it is about ("action 12"), and what is wrong, in words."""

    subject: str
    text: str


@dataclass(frozen=True)
class Scope:
    """The rows that are looked at. `at` (UTC) is a moment before the snapshot, of the database's clock."""

    at: datetime
    account_id: int | None = None

    def actions(self) -> OutgoingActionQuerySet:
        """The outgoing actions, without an order."""
        rows = OutgoingAction.objects.order_by()
        return rows if self.account_id is None else rows.filter(account_id=self.account_id)

    def attempts(self) -> QuerySet[ActionAttempt]:
        """The attempts at them, without an order."""
        rows = ActionAttempt.objects.order_by()
        return rows if self.account_id is None else rows.filter(action__account_id=self.account_id)

    def events(self) -> QuerySet[ActionEvent]:
        """The steps that they took, without an order."""
        rows = ActionEvent.objects.order_by()
        return rows if self.account_id is None else rows.filter(action__account_id=self.account_id)

    def orders(self) -> OrderQuerySet:
        """The orders, without an order."""
        rows = Order.objects.order_by()
        return rows if self.account_id is None else rows.filter(account_id=self.account_id)

    def batches(self) -> BatchQuerySet:
        """The batches; for one account those that hold an action of it."""
        rows = Batch.objects.order_by()
        if self.account_id is None:
            return rows
        mine = OutgoingAction.objects.filter(batch=OuterRef("pk"), account_id=self.account_id)
        return rows.filter(Exists(mine))


Find = Callable[[Scope], Iterator[Found]]


@dataclass(frozen=True)
class Check:
    """One thing that is always true. `says` is the sentence, `find` yields what contradicts it."""

    name: str
    says: str
    find: Find


def stream(rows: QuerySet[Any, Any]) -> Iterator[Any]:
    """The rows one after the other, however many, a few thousand at a time in memory."""
    return iter(rows.iterator(chunk_size=_CHUNK))


@contextmanager
def snapshot() -> Iterator[None]:
    """All that is read in the block is of one moment, and nobody who writes waits for it.

    Inside a caller's transaction it is that transaction's view.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Rows are streamed, but mostly there are none: the plan for all of them is the right one.
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
            yield
    else:
        # Django's own transaction would begin as IMMEDIATE and lock out every writer.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
