"""When a door is late, and what is said of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orders.freshness import DoorState, door_states
from orders.states import DoorName
from sellers.models import SellerAccount
from tests.factories import DoorFactory, SellerAccountFactory
from tests.orders.amazon import NOON

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def account() -> SellerAccount:
    account: SellerAccount = SellerAccountFactory()
    SellerAccount.objects.filter(pk=account.pk).update(created_at=NOON - 90 * MINUTE)
    account.refresh_from_db()
    return account


def states(account: SellerAccount) -> dict[DoorName, DoorState]:
    return {state.door: state for state in door_states([account], NOON)[account.pk]}


@pytest.mark.parametrize(
    ("door", "ago", "trouble"),
    [
        (DoorName.POLLING, HOUR, ""),
        (DoorName.POLLING, HOUR + MINUTE, "orders were not read for over an hour."),
        (DoorName.NOTIFICATIONS, 10 * MINUTE, ""),
        (DoorName.NOTIFICATIONS, 11 * MINUTE, "notifications were not read for over 10 minutes."),
        (DoorName.REPORTS, 30 * HOUR, ""),
        (DoorName.REPORTS, 31 * HOUR, "reports were not read for over 30 hours."),
        (DoorName.CSV, 9000 * HOUR, ""),
    ],
)
def test_a_door_is_late_after_its_own_time(
    account: SellerAccount, door: DoorName, ago: Any, trouble: str
) -> None:
    DoorFactory(account=account, door=door, last_worked_at=NOON - ago)
    state = states(account)[door]
    assert state.trouble == trouble
    assert (state.late_by is None) == (trouble == "")


def test_polling_that_never_worked_counts_from_when_the_account_was_connected(
    account: SellerAccount,
) -> None:
    assert states(account)[DoorName.POLLING].late_by == 30 * MINUTE


def test_polling_may_rest_while_notifications_work(account: SellerAccount) -> None:
    DoorFactory(account=account, last_worked_at=NOON - 5 * HOUR, error="Amazon answered 503.")
    told = DoorFactory(account=account, door=DoorName.NOTIFICATIONS, last_worked_at=NOON)
    assert states(account)[DoorName.POLLING].trouble == ""
    told.error = "The queue is gone."
    told.save()
    assert states(account)[DoorName.POLLING].trouble == (
        "orders were not read for over an hour. Amazon answered 503."
    )
