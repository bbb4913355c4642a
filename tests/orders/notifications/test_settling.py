"""An answer that is older than the notification: asked for once more, and once only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders.ingest.upsert import upsert_orders
from orders.models import HeardNotification, NotificationSubscription, OrderHint
from orders.notifications.settling import SETTLES_AFTER, ask_again
from orders.notifications.taking import take_messages
from tests.factories import NotificationSubscriptionFactory
from tests.orders.amazon import an_order
from tests.orders.notifications.told import ORDER, document, message

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
CHANGED = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LATER = NOW + SETTLES_AFTER


@pytest.fixture
def subscription() -> NotificationSubscription:
    """An account of which a change was told, as of CHANGED."""
    made: NotificationSubscription = NotificationSubscriptionFactory()
    take_messages([message(document(made))], queue_arn=made.queue_arn, at=NOW)
    return made


def answered(subscription: NotificationSubscription, updated_at: datetime) -> None:
    """Amazon was asked for the order, and told that version of it."""
    upsert_orders(subscription.account, [an_order(ORDER, updated_at=updated_at)], seen_at=NOW)
    OrderHint.objects.all().delete()


def test_an_answer_older_than_was_told_is_asked_for_once_more(
    subscription: NotificationSubscription,
) -> None:
    answered(subscription, CHANGED - timedelta(seconds=1))
    assert ask_again(LATER - timedelta(seconds=1)) == 0
    assert ask_again(LATER) == 1
    assert OrderHint.objects.get().amazon_order_id == ORDER
    answered(subscription, CHANGED - timedelta(seconds=1))
    assert ask_again(LATER + timedelta(hours=1)) == 0
    assert not OrderHint.objects.exists()


def test_an_answer_as_new_as_was_told_settles_it(subscription: NotificationSubscription) -> None:
    answered(subscription, CHANGED)
    assert ask_again(LATER) == 0
    assert HeardNotification.objects.get().is_settled


def test_an_order_that_waits_to_be_asked_for_is_left_to_that(
    subscription: NotificationSubscription,
) -> None:
    assert ask_again(LATER) == 0
    assert OrderHint.objects.get().renewals == 0


def test_a_moment_to_come_is_no_reason_to_ask_again(
    subscription: NotificationSubscription,
) -> None:
    answered(subscription, CHANGED)
    HeardNotification.objects.update(changed_at=LATER + timedelta(days=1))
    assert ask_again(LATER) == 0
