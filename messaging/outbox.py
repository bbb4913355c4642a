"""What the outbox shows: the states one may ask for, and the actions that a filter lets through."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.utils import timezone

from messaging.models import OutgoingAction, OutgoingActionQuerySet
from messaging.states import NEEDS_A_LOOK, Status
from orders.models import Order
from orders.numbers import clean_order_number, is_beginning, number_range

MOST_FOUND = 1_000  # orders with one beginning of their number
MOST_DAYS = 400


@dataclass(frozen=True)
class Pill:
    """One choice of states; no states means all."""

    key: str
    label: str
    statuses: tuple[Status, ...] = ()

    @property
    def states(self) -> tuple[Status, ...]:
        """The states that it shows, spelt out."""
        return self.statuses or tuple(Status)


PILLS: tuple[Pill, ...] = (
    Pill("", "All"),
    Pill("waiting", "Waiting", (Status.QUEUED,)),
    Pill("held", "On hold", (Status.HELD,)),
    Pill("sending", "Sending", (Status.SENDING,)),
    Pill("look", "Needs a look", tuple(sorted(NEEDS_A_LOOK))),
    Pill("probably", "Probably sent", (Status.PROBABLY_SENT,)),
    Pill("sent", "Sent", (Status.SENT,)),
    Pill("refused", "Refused by Amazon", (Status.REFUSED,)),
    Pill("cancelled", "Cancelled", (Status.CANCELLED,)),
    Pill("expired", "Window closed", (Status.EXPIRED,)),
)
PILL_OF = {pill.key: pill for pill in PILLS}


@dataclass(frozen=True)
class OutboxFilter:
    """What is asked for. Days are days of UTC, both included, of the moment the state began."""

    pill: Pill = PILLS[0]
    account_id: int | None = None
    first: date | None = None
    last: date | None = None
    number: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        return self != OutboxFilter()

    def address(self, **changes: Any) -> str:
        """The part of an address behind the path that stands for this, with these changes."""
        values = {
            "state": self.pill.key,
            "account": self.account_id,
            "from": self.first,
            "to": self.last,
            "q": self.number,
        } | changes
        query = urlencode(
            {name: value for name, value in values.items() if value not in (None, "")}
        )
        return f"?{query}" if query else "?"

    def without_state(self, account_ids: Collection[int]) -> OutgoingActionQuerySet:
        """The actions of these accounts that all but the state lets through."""
        if self.account_id is not None:
            account_ids = [self.account_id]
        if self.number:
            # by their orders alone: beside an account SQLite would walk all that the account has
            actions = OutgoingAction.objects.filter(order_id__in=self._found(account_ids))
        else:
            actions = OutgoingAction.objects.filter(account_id__in=list(account_ids))
        if self.first is not None:
            actions = actions.filter(status_at__gte=_midnight(self.first))
        if self.last is not None:
            actions = actions.filter(status_at__lt=_midnight(self.last + timedelta(days=1)))
        return actions

    def _found(self, account_ids: Collection[int]) -> list[int]:
        """The ids of the orders of these accounts whose numbers begin as asked, so many at most."""
        found = Order.objects.filter(
            account_id__in=list(account_ids), amazon_order_id__range=number_range(self.number)
        )
        return list(found.order_by().values_list("pk", flat=True)[:MOST_FOUND])

    def ordered_parts(self, account_ids: Collection[int]) -> Iterable[OutgoingActionQuerySet]:
        """The actions in parts that an index holds in the order of `status_at`.

        Those of a number are few, and are one part that the database sorts.
        """
        actions = self.without_state(account_ids)
        if self.number:
            yield actions.filter(status__in=self.pill.statuses) if self.pill.statuses else actions
            return
        if self.account_id is not None:
            account_ids = [self.account_id]
        for account_id in account_ids:
            of_account = actions.filter(account_id=account_id)
            if not self.pill.statuses:
                yield of_account
            for status in self.pill.statuses:
                yield of_account.filter(status=status)


def read_filter(
    *, state: str, account: str, first: str, last: str, number: str, account_ids: Collection[int]
) -> OutboxFilter:
    """The filter of an address; raises BadRequest with the field, the value and how to put it right."""
    if state not in PILL_OF:
        known = ", ".join(key for key in PILL_OF if key)
        raise BadRequest(f"There is no state “{state[:40]}”. Known: {known}.")
    account_id = None
    if account:
        account_id = int(account) if account.isascii() and account.isdigit() else 0
        if account_id not in account_ids:
            raise BadRequest(f"There is no account “{account[:40]}”.")
    first_on, last_on = _day("from", first), _day("to", last)
    if first_on and last_on and first_on > last_on:
        raise BadRequest(f"“from” ({first_on}) is after “to” ({last_on}). Change one of them.")
    if first_on and ((last_on or timezone.localdate()) - first_on).days >= MOST_DAYS:
        raise BadRequest(f"Choose at most {MOST_DAYS} days from “from” to “to” (or today).")
    clean = clean_order_number(number)
    if clean and not is_beginning(clean):
        raise BadRequest(
            f"“{number[:40]}” is not the beginning of an order number. "
            "Order numbers look like 123-1234567-1234567."
        )
    return OutboxFilter(
        pill=PILL_OF[state], account_id=account_id, first=first_on, last=last_on, number=clean
    )


def _day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"“{name}” is “{text[:40]}”. Write a day as 2026-01-31.") from None
    if not 2000 <= day.year <= 2100:
        raise BadRequest(f"“{name}” is {day}. Choose a day between 2000 and 2100.")
    return day


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
