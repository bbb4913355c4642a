"""Messages taken in: each once, as a hint; strangers not believed; the unreadable put aside."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from orders.ingest.hints import fetch_hinted
from orders.ingest.upsert import upsert_orders
from orders.models import (
    Door,
    HeardNotification,
    NotificationQueue,
    NotificationSubscription,
    Order,
    OrderHint,
    ParkedNotification,
)
from orders.notifications.taking import Taken, forget_old, take_messages
from orders.states import DoorName
from tests.doors.tables import stored_text
from tests.factories import NotificationSubscriptionFactory, SellerAccountFactory
from tests.orders.amazon import an_order
from tests.orders.notifications.told import ORDER, change_of, document, message

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"
OTHER = "303-7654321-7654321"


@pytest.fixture
def subscription() -> NotificationSubscription:
    made: NotificationSubscription = NotificationSubscriptionFactory()
    return made


def take(*told: object, received: int = 1, at: datetime = NOW) -> Taken:
    messages = [message(one, number=n, received=received) for n, one in enumerate(told, 1)]
    return take_messages(messages, queue_arn=ARN, at=at)


def counters() -> dict[str, Any]:
    found: dict[str, Any] = Door.objects.get(door=DoorName.NOTIFICATIONS).counters
    return found


def test_a_change_becomes_a_hint_and_may_be_deleted(
    subscription: NotificationSubscription,
) -> None:
    taken = take(document(subscription))
    assert [one.message_id for one in taken.done] == ["message-1"]
    assert (taken.heard, taken.copies) == (1, 0)
    hint = OrderHint.objects.get()
    assert (hint.account, hint.amazon_order_id) == (subscription.account, ORDER)
    assert (hint.doors, hint.due_at) == (["notifications"], NOW)
    door = Door.objects.get()
    assert door.newest_heard_at == datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    assert door.last_worked_at is None
    assert (door.counters["heard"], door.counters["shipped"]) == (1, 1)


def test_a_copy_changes_nothing_and_another_body_is_counted(
    subscription: NotificationSubscription,
) -> None:
    take(document(subscription), document(subscription))
    OrderHint.objects.all().delete()
    other = document(subscription, order=OTHER)
    taken = take(document(subscription), other, at=NOW + timedelta(minutes=1))
    assert (taken.heard, taken.copies, len(taken.done)) == (0, 2, 2)
    assert not OrderHint.objects.exists()
    row = HeardNotification.objects.get()
    assert (row.amazon_order_id, row.copies, row.differing) == (ORDER, 3, 1)
    assert (counters()["copies"], counters()["differing copies"]) == (3, 1)


def test_many_changes_of_one_order_are_one_hint(subscription: NotificationSubscription) -> None:
    told = [document(subscription, key=f"n-{n}") for n in range(10)]
    assert take(*told).heard == 10
    assert OrderHint.objects.count() == 1


def test_an_order_that_we_have_as_it_is_told_needs_no_hint(
    subscription: NotificationSubscription,
) -> None:
    moment = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    upsert_orders(subscription.account, [an_order(ORDER, updated_at=moment)], seen_at=NOW)
    older = "2026-03-09T12:00:00.000Z"
    take(document(subscription, key="same"), document(subscription, key="old", changed=older))
    assert not OrderHint.objects.exists()
    newer = "2026-03-10T12:00:00.001Z"
    take(document(subscription, key="new", changed=newer))
    assert OrderHint.objects.get().amazon_order_id == ORDER


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "2126-03-10T12:00:00Z"])
def test_a_moment_that_cannot_be_never_hides_a_change(
    subscription: NotificationSubscription, moment: str
) -> None:
    upsert_orders(subscription.account, [an_order(ORDER, updated_at=NOW)], seen_at=NOW)
    take(document(subscription, changed=moment, EventTime=moment))
    assert OrderHint.objects.count() == 1
    newest = Door.objects.get().newest_heard_at
    assert newest is None or newest <= NOW


def test_an_unknown_status_is_counted_and_asked_about(
    subscription: NotificationSubscription,
) -> None:
    take(document(subscription, status="HandedToDrone"))
    assert OrderHint.objects.count() == 1
    assert counters()["unknown_words"] == {"OrderStatus=HandedToDrone": 1}


def test_strangers_are_not_believed_counted_and_deleted(
    subscription: NotificationSubscription, caplog: pytest.LogCaptureFixture
) -> None:
    other = NotificationSubscriptionFactory()
    not_of_it = document(subscription)
    change_of(not_of_it)["SellerId"] = other.account.selling_partner_id
    not_ours = document(subscription, key="k2")
    change_of(not_ours)["SellerId"] = "A9STRANGER"
    unknown = document(subscription, key="k3")
    unknown["NotificationMetadata"]["SubscriptionId"] = "of-somebody-else"
    taken = take(not_of_it, not_ours, unknown)
    assert (taken.strangers, taken.heard, len(taken.done)) == (3, 0, 3)
    assert not OrderHint.objects.exists()
    queue = NotificationQueue.objects.get(arn=ARN)
    assert (queue.counters, queue.stranger_at) == ({"strangers": 3}, NOW)
    assert "somebody else can write to it" in caplog.text


def test_a_seller_in_two_regions_is_told_by_subscription_or_marketplace() -> None:
    europe = NotificationSubscriptionFactory()
    account = SellerAccountFactory(
        selling_partner_id=europe.account.selling_partner_id, region="na"
    )
    america = NotificationSubscriptionFactory(account=account)
    take(document(america))
    assert OrderHint.objects.get().account == america.account
    unnamed = document(europe, order=OTHER, key="k2")
    del unnamed["NotificationMetadata"]["SubscriptionId"]
    take(unnamed)
    assert OrderHint.objects.get(amazon_order_id=OTHER).account == europe.account


def test_what_was_on_its_way_when_a_subscription_ended_is_still_taken(
    subscription: NotificationSubscription,
) -> None:
    NotificationSubscription.objects.update(removed_at=NOW)
    assert take(document(subscription)).heard == 1


def test_poison_is_left_twice_then_parked_and_the_rest_flows(
    subscription: NotificationSubscription, caplog: pytest.LogCaptureFixture
) -> None:
    poison = json.dumps(document(subscription, order=OTHER))[:900]
    for received in (1, 2):
        taken = take(poison, document(subscription), received=received)
        assert (taken.left, taken.parked) == (1, 0)
        assert [one.message_id for one in taken.done] == ["message-2"]
    taken = take(poison, received=3)
    assert (taken.left, taken.parked, len(taken.done)) == (0, 1, 1)
    row = ParkedNotification.objects.get()
    assert (row.account, row.amazon_order_id) == (subscription.account, OTHER)
    assert (row.size, row.is_new_version) == (900, False)
    assert "not JSON" in row.reason
    assert "is parked" in caplog.text
    # killed before it was deleted: the same row
    take(poison, received=4)
    assert ParkedNotification.objects.count() == 1
    assert NotificationQueue.objects.get().counters == {"parked": 1}


def test_a_new_version_is_parked_as_one(subscription: NotificationSubscription) -> None:
    take(document(subscription, PayloadVersion="2.0"), received=3)
    row = ParkedNotification.objects.get()
    assert row.is_new_version
    assert row.kept["PayloadVersion"] == "2.0"
    assert not OrderHint.objects.exists()


def test_nothing_of_the_buyer_is_kept(
    subscription: NotificationSubscription, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    told = document(subscription)
    new = document(subscription, key="k2", PayloadVersion="2.0")
    junk = document(subscription, key="k3", status="Canary Street 7")
    stranger = document(subscription, key="k4")
    change_of(stranger)["SellerId"] = "A9STRANGER"
    cut = json.dumps(document(subscription, key="k5"))[:-40]
    take(told, new, junk, stranger, cut, "Canary Buyer", received=3)
    assert ParkedNotification.objects.count() == 3
    for text in (stored_text(), caplog.text):
        assert "canary" not in text.lower()
    assert ORDER in stored_text()


def test_what_is_no_longer_in_any_queue_is_forgotten(
    subscription: NotificationSubscription,
) -> None:
    take(document(subscription, key="old"), at=NOW - timedelta(days=16))
    take(document(subscription, key="new"), at=NOW - timedelta(days=14))
    assert forget_old(NOW) == 1
    assert HeardNotification.objects.get().key == "new"


class OneOrder:
    """Amazon, which knows the newest version of every order and is asked for it."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders

    def get_order(self, number: str, *, included_data: object) -> Any:
        return self.orders[number]


def test_twenty_copies_in_any_order_three_days_late_end_in_the_same_rows(
    subscription: NotificationSubscription,
) -> None:
    moments = [NOW - timedelta(days=9, hours=n) for n in range(6)]
    numbers = [f"303-000000{n}-0000001" for n in range(5)]
    told = [
        document(subscription, number, key=f"{number}-{n}", changed=moment.isoformat())
        for number, (n, moment) in itertools.product(numbers, enumerate(moments))
    ]
    amazon: Any = OneOrder({n: an_order(n, updated_at=moments[0]) for n in numbers})

    def rows() -> list[dict[str, Any]]:
        fetch_hinted(subscription.account, client=amazon, now=NOW)
        hidden = {"id", "first_seen_at", "synced_at"}
        found = [
            {name: value for name, value in row.items() if name not in hidden}
            for row in Order.objects.order_by("amazon_order_id").values()
        ]
        Order.objects.all().delete()
        HeardNotification.objects.all().delete()
        return found

    take(*told)
    expected = rows()
    assert len(expected) == 5
    shuffled = told * 20
    Random(3).shuffle(shuffled)
    for start in range(0, len(shuffled), 60):
        take(*reversed(shuffled[start : start + 60]), at=NOW + timedelta(days=3))
    assert HeardNotification.objects.count() == len(told)
    assert OrderHint.objects.count() == 5
    OrderHint.objects.update(due_at=NOW)
    assert rows() == expected
