"""Rows of the list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from django.utils.html import strip_tags

from messaging.models import OutgoingAction, Priority
from messaging.states import Status
from orders.models import Order
from orders.views.rows import OrderRow, day_span, order_rows
from sellers.models import Role
from solicit_dashboard.access import Reach
from tests.factories import OutgoingActionFactory
from tests.orders.views.conftest import Person

pytestmark = pytest.mark.django_db


def _row(ann: Person, order: Order, role: Role = Role.OPERATOR) -> OrderRow:
    reach = Reach(accounts=(ann.account,), roles={ann.account.pk: role})
    return order_rows([order.pk], reach, at=timezone.now())[0]


def test_an_eligible_order_can_be_requested(ann: Person) -> None:
    assert _row(ann, ann.order())["action"] == "request"
    assert _row(ann, ann.order(too_early=True))["action"] == ""


@pytest.mark.parametrize("status", [status for status in Status if status != Status.CANCELLED])
def test_what_waits_can_be_undone_in_its_hold_and_cancelled_after_it(
    ann: Person, status: Status
) -> None:
    action = OutgoingActionFactory(order=ann.order(), status=status)
    stoppable = status in (Status.QUEUED, Status.HELD)
    free_again = status == Status.EXPIRED
    expected = "cancel" if stoppable else "request" if free_again else ""
    assert _row(ann, action.order)["action"] == expected
    if stoppable:
        later = timezone.now() + timedelta(seconds=9)
        OutgoingAction.objects.filter(pk=action.pk).update(not_before=later)
        assert _row(ann, action.order)["action"] == "undo"
        OutgoingAction.objects.filter(pk=action.pk).update(look_at=later)  # Amazon did not offer it
        assert _row(ann, action.order)["action"] == "cancel"


def test_a_viewer_is_offered_nothing(ann: Person) -> None:
    row = _row(ann, ann.order(), Role.VIEWER)
    assert (row["action"], row["may_send"]) == ("", False)


def test_only_what_moves_soon_is_drawn_again(ann: Person) -> None:
    soon = OutgoingActionFactory(order=ann.order(), priority=Priority.CLICK)
    assert _row(ann, soon.order)["poll_seconds"] == 3
    batch = OutgoingActionFactory(order=ann.order(), priority=Priority.BATCH)
    assert _row(ann, batch.order)["poll_seconds"] == 10
    tomorrow = timezone.now() + timedelta(days=1)
    assert (
        _row(ann, OutgoingActionFactory(order=ann.order(), look_at=tomorrow).order)["poll_seconds"]
        == 0
    )
    for status in (Status.SENT, Status.REFUSED, Status.HELD, Status.UNCONFIRMED):
        order = OutgoingActionFactory(order=ann.order(), status=status).order
        assert _row(ann, order)["poll_seconds"] == 0
    sending = OutgoingActionFactory(order=ann.order(), status=Status.SENDING)
    assert _row(ann, sending.order)["poll_seconds"] > 0
    assert _row(ann, ann.order())["poll_seconds"] == 0


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("1234.5", "EUR", "1,234.50"), ("2490", "JPY", "2,490"), (None, "", "")],
)
def test_amounts_are_written_with_separators(
    ann: Person, amount: str | None, currency: str, text: str
) -> None:
    assert _row(ann, ann.order(total_amount=amount, total_currency=currency))["total"] == text


def test_a_marketplace_that_we_do_not_know_is_shown_by_its_id(ann: Person) -> None:
    assert _row(ann, ann.order(marketplace_id="ANEWONE"))["marketplace"] == "ANEWONE"
    assert _row(ann, ann.order())["marketplace"] == "amazon.de"


def test_every_row_has_a_key_of_its_own(ann: Person) -> None:
    order = ann.order()
    assert _row(ann, order)["form_key"] != _row(ann, order)["form_key"]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ((2026, 10, 11, 8), (2026, 10, 13, 22), "11–13 Oct"),  # noqa: RUF001 - an en dash
        ((2026, 10, 30, 8), (2026, 11, 2, 22), "30 Oct – 2 Nov"),  # noqa: RUF001
        ((2026, 10, 11, 8), (2026, 10, 11, 22), "11 Oct"),
        ((2025, 12, 30, 8), (2025, 12, 31, 22), "30–31 Dec 2025"),  # noqa: RUF001
    ],
)
def test_a_window_is_shown_as_days(
    first: tuple[int, ...], last: tuple[int, ...], words: str
) -> None:
    with time_machine.travel(datetime(2026, 11, 20, tzinfo=UTC)):
        shown = day_span(datetime(*first, tzinfo=UTC), datetime(*last, tzinfo=UTC))  # type: ignore[misc, arg-type]
    assert strip_tags(shown) == words


def test_a_window_without_dates_shows_nothing() -> None:
    assert day_span(None, datetime(2026, 11, 20, tzinfo=UTC)) == ""
