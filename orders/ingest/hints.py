"""Hints: somebody said that an order changed, so Amazon is asked for it (getOrder).

Whatever the door, what it says is only a hint: the order as Amazon's orders API tells it is what
ends up in the tables. A hint is a row until the answer is stored, so that a kill loses none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

import spapi
from orders.ingest.rows import clean_text
from orders.ingest.sources import ask_order
from orders.ingest.store import write_hints
from orders.ingest.upsert import Counts, upsert_orders
from orders.locking import lock_orders_of
from orders.models import Order, OrderHint, OrderHintQuerySet, OrderSync
from orders.states import DoorName
from sellers.models import SellerAccount
from sellers.services import note_trouble
from solicit_dashboard.conflicts import repeats_on_conflict
from spapi import (
    AccessDenied,
    AuthorizationFailed,
    Client,
    LimitReached,
    NotSent,
    SpApiError,
    Throttled,
)

LONGEST_NUMBER = 32
CHUNK = 500
# Orders asked for at a time, and stored in one transaction: what a kill makes us ask again.
ASKED_AT_ONCE = 20
THREADS = 4
# After each answer that was of no use, how long to wait before the next question; then parked. An
# order may be told of before Amazon's orders API knows it.
RESTS = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
AFTER_TROUBLE = timedelta(minutes=5)
# One token of getOrder comes back in 2 s; used when a 429 does not say how long to wait.
THROTTLED_SECONDS = 2.0


@dataclass(frozen=True)
class FetchResult:
    """What came of the hints. `wait_seconds`: Amazon's rate stopped it, and for how long."""

    counts: Counts = field(default_factory=Counts)
    asked: int = 0
    wait_seconds: float | None = None
    error: str = ""


def note_hints(
    account: SellerAccount, numbers: Iterable[str], door: DoorName, *, heard_at: datetime
) -> int:
    """Amazon will be asked for these orders; returns how many numbers were noted.

    Each number once, however often it is told; one that waits already is renewed, so that an
    answer on its way does not end it, and one that was parked is due again. What cannot be an
    order number is passed over. `heard_at` is now (UTC). Inside a caller's transaction it is part
    of that.
    """
    usable = dict.fromkeys(
        number
        for text in numbers
        if (number := clean_text(text, LONGEST_NUMBER + 1)) and len(number) <= LONGEST_NUMBER
    )
    noted = 0
    for chunk in _chunks(usable, CHUNK):
        noted += _note(account, chunk, door, heard_at)
    return noted


def unknown_versions(account: SellerAccount, versions: Mapping[str, datetime]) -> set[str]:
    """Of these orders, those that we do not have as Amazon's time (UTC) of their change says.

    For doors that tell when an order changed: the others need no hint.
    """
    missing = set(versions)
    # PostgreSQL cannot even be asked for a text with a NUL
    for chunk in _chunks((number for number in versions if "\x00" not in number), CHUNK):
        known = Order.objects.filter(
            account=account, amazon_order_id__in=chunk, is_partial=False
        ).values_list("amazon_order_id", "amazon_updated_at")
        missing -= {number for number, updated_at in known if updated_at >= versions[number]}
    return missing


def fetch_hinted(
    account: SellerAccount, *, client: Client, now: datetime, most: int = 100
) -> FetchResult:
    """The orders that were heard of stand as Amazon tells them, as many as its rate lets through.

    At most `most` are asked for (getOrder: 0.5 a second, burst 30), the longest due first. An
    answer and the end of its hint are one transaction; a hint that was renewed meanwhile stays and
    is asked again. An order that Amazon does not know, or answers unreadably for, rests longer
    each time and is parked in the end. Never sleeps: `OrderSync.hints_due_at` says when to go on.
    An error about the connection is noted on the account; nothing is raised for it. `now` is UTC.
    """
    result = FetchResult()
    way = OrderSync.objects.filter(account=account).values_list("way", flat=True).first() or 0
    while result.asked < most:
        waiting = OrderHint.objects.filter(account=account).due(now)
        hints = list(waiting[: min(ASKED_AT_ONCE, most - result.asked)])
        if not hints:
            return result
        if _drop_answered(account, hints):
            continue
        answers = _ask(client, hints, way)
        stop = next((error for error in map(_stops, answers.values()) if error), None)
        counts = _store(account, hints, answers, now)
        asked = sum(not _stops(answer) for answer in answers.values())
        result = replace(result, counts=result.counts + counts, asked=result.asked + asked)
        if stop is not None:
            return _stopped(account, result, stop, now)
    return result


@repeats_on_conflict
def _drop_answered(account: SellerAccount, hints: list[OrderHint]) -> int:
    """Of these hints those are gone that a search has answered since; returns how many.

    A report is heard of alone only when it told something new, and then the order is partial until
    Amazon's orders API told at least as much: there is no need to ask again. Other doors may
    want an order asked again that we know well.
    """
    with transaction.atomic():
        lock_orders_of(account.pk)
        told = [hint for hint in hints if hint.doors == [DoorName.REPORTS.value]]
        known = set(
            Order.objects.filter(
                account=account,
                amazon_order_id__in=[hint.amazon_order_id for hint in told],
                is_partial=False,
            ).values_list("amazon_order_id", flat=True)
        )
        return sum(_same(hint).delete()[0] for hint in told if hint.amazon_order_id in known)


def _ask(client: Client, hints: list[OrderHint], way: int) -> dict[int, spapi.Order | SpApiError]:
    """What Amazon answered, by the hint's number; threads call, and leave the database alone."""

    def ask(number: str) -> spapi.Order | SpApiError:
        try:
            return ask_order(client, number, way)
        except SpApiError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(ask, [hint.amazon_order_id for hint in hints]))
    return {hint.pk: answer for hint, answer in zip(hints, answers, strict=True)}


def _stops(answer: spapi.Order | SpApiError) -> SpApiError | None:
    """The error if it is about the account or the line and not about the order."""
    return answer if isinstance(answer, NotSent | spapi.NoAnswer | spapi.ServerError) else None


@repeats_on_conflict
def _store(
    account: SellerAccount,
    hints: list[OrderHint],
    answers: Mapping[int, spapi.Order | SpApiError],
    now: datetime,
) -> Counts:
    with transaction.atomic():
        lock_orders_of(account.pk)
        counts, ended = Counts(), []
        for hint in hints:
            answer = answers[hint.pk]
            if isinstance(answer, spapi.Order):
                problem = ""
                if answer.order_id != hint.amazon_order_id:
                    problem = f"Amazon answered with the order {answer.order_id[:32]}."
                else:
                    ended.append((hint, answer))
            elif isinstance(answer, NotSent):
                continue
            else:
                problem = f"Amazon did not give the order: {answer}"
            if problem:
                _rest(hint, problem, now, may_park=_stops(answer) is None)
        orders = [order for _hint, order in ended]
        counts = upsert_orders(account, orders, seen_at=now, asked=True)
        stored = set(
            Order.objects.filter(
                account=account,
                amazon_order_id__in=[order.order_id for order in orders],
                is_partial=False,
            ).values_list("amazon_order_id", flat=True)
        )
        for hint, order in ended:
            if order.order_id in stored:
                _same(hint).delete()
            else:
                _rest(hint, "Amazon's answer has no date and cannot be stored.", now)
    return counts


def _rest(hint: OrderHint, problem: str, now: datetime, *, may_park: bool = True) -> None:
    is_parked = may_park and hint.attempts >= len(RESTS)
    _same(hint).update(
        attempts=hint.attempts + 1,
        error=clean_text(problem, 500),
        due_at=now + RESTS[min(hint.attempts, len(RESTS) - 1)],
        parked_at=now if is_parked else None,
    )


def _same(hint: OrderHint) -> OrderHintQuerySet:
    """The hint as it was when it was read: none when it was renewed since."""
    return OrderHint.objects.filter(pk=hint.pk, renewals=hint.renewals)


def _stopped(
    account: SellerAccount, result: FetchResult, error: SpApiError, now: datetime
) -> FetchResult:
    if isinstance(error, LimitReached | Throttled):
        seconds = error.retry_after or THROTTLED_SECONDS
        result = replace(result, wait_seconds=seconds)
        due_at = now + timedelta(seconds=seconds)
    else:
        if isinstance(error, AccessDenied | AuthorizationFailed):
            note_trouble(account, error)
        result = replace(result, error=f"Amazon did not give the orders: {error}"[:500])
        due_at = now + AFTER_TROUBLE
    OrderSync.objects.filter(account=account).update(hints_due_at=due_at)
    return result


@repeats_on_conflict
def _note(account: SellerAccount, numbers: list[str], door: DoorName, heard_at: datetime) -> int:
    with transaction.atomic():
        lock_orders_of(account.pk)
        waiting = {
            hint.amazon_order_id: hint
            for hint in OrderHint.objects.filter(account=account, amazon_order_id__in=numbers)
        }
        write_hints(
            account.pk,
            [_heard(number, waiting.get(number), door, heard_at) for number in numbers],
            heard_at=heard_at,
        )
    return len(numbers)


def _heard(
    number: str, known: OrderHint | None, door: DoorName, at: datetime
) -> tuple[str, list[str], int, datetime]:
    """The hint as it now is; what failed before does not count against what is new."""
    if known is None:
        return number, [door.value], 0, at
    doors = sorted({*known.doors, door.value})
    return number, doors, known.renewals + 1, min(known.due_at, at)


def _chunks(numbers: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(numbers)
    while chunk := list(islice(iterator, size)):
        yield chunk
