"""A day on which no notification arrives: polling finds every order, at most a period late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from orders.freshness import POLL_EVERY, POLL_EVERY_BESIDE_NOTIFICATIONS
from orders.ingest.due import take_due
from orders.ingest.poll import sync_orders
from orders.models import HeardNotification, Order
from orders.notifications.consumer import Consumer
from orders.notifications.taking import Message
from sellers.models import SellerAccount
from tests.factories import NotificationSubscriptionFactory
from tests.orders.amazon import DAY, NOON, an_order
from tests.orders.fake_amazon import FakeAmazon

# When is searched is shown here; how rows are stored, elsewhere.
pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

TICK = timedelta(minutes=10)  # sync_due's own is a minute
CHANGES_EVERY = timedelta(minutes=7)
# Amazon's search does not know of the last two minutes.
UNSEEN = timedelta(minutes=2)


class NothingArrives:
    """A queue that works, in which there is never anything."""

    def __init__(self, arn: str) -> None:
        self.arn = arn

    def receive(self) -> list[Message]:
        return []

    def delete(self, messages: object) -> None:
        raise AssertionError("nothing was received")


def changes() -> dict[str, datetime]:
    """When each order changed: one every seven minutes, for a day."""
    count = DAY // CHANGES_EVERY
    return {f"302-{n:07d}-{n:07d}": NOON + n * CHANGES_EVERY for n in range(count)}


@pytest.mark.parametrize(
    ("is_read", "period"),
    [(True, POLL_EVERY_BESIDE_NOTIFICATIONS), (False, POLL_EVERY)],
    ids=["the queue stays empty", "nobody reads the queue"],
)
def test_when_every_notification_of_a_day_is_lost_polling_finds_every_order_a_period_late_at_most(
    is_read: bool, period: timedelta
) -> None:
    subscription = NotificationSubscriptionFactory()
    account: SellerAccount = subscription.account
    changed = changes()
    amazon = FakeAmazon(
        *(an_order(number, updated_at=at) for number, at in changed.items()), page_size=100
    )
    consumer = Consumer(NothingArrives(subscription.queue_arn), clock=lambda: amazon.now)
    found: dict[str, datetime] = {}
    searches = 0
    while amazon.now < NOON + DAY + period + TICK:
        if is_read:
            consumer.turn()
        for due in take_due(amazon.now):
            assert due == account
            assert sync_orders(account, client=amazon.client, now=amazon.now).finished
            searches += 1
            for number in Order.objects.values_list("amazon_order_id", flat=True):
                found.setdefault(number, amazon.now)
        amazon.now += TICK
    assert found.keys() == changed.keys()
    assert max(found[number] - at for number, at in changed.items()) <= period + UNSEEN
    assert not HeardNotification.objects.exists()
    # and the period is what it is said to be: nobody searches more often
    assert searches <= (DAY + period) // period + 2
