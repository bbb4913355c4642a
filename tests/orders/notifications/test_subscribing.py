"""Setting up notifications at Amazon on this machine, again and again, and ending them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from audit.models import AuditEvent, AuditKind
from orders.models import Door, NotificationSubscription
from orders.notifications.subscribing import SetUpError, look_up, subscribe, unsubscribe
from orders.states import DoorName
from sandbox.testing import Running
from sellers.clients import client_for
from sellers.models import SellerAccount
from sellers.services import connect_account
from spapi import Client, EventFilter, Unlimited
from tests.sellers.conftest import amazon, keys_of, nordlicht

__all__ = ["amazon", "nordlicht"]
pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NOW = datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"
OTHER_ARN = "arn:aws:sqs:eu-west-1:123456789012:others"


@pytest.fixture
def account(amazon: Running) -> SellerAccount:
    amazon.set_faults([])
    return connect_account(**keys_of(amazon.sellers[0]))


@pytest.fixture
def client(account: SellerAccount) -> Client:
    """Waits where Amazon's bucket is empty: these calls are few."""
    return client_for(account, limiter=Unlimited())


def start(account: SellerAccount, client: Client, arn: str = ARN) -> NotificationSubscription:
    return subscribe(account, client=client, queue_arn=arn, user=None, at=NOW)


def test_set_up_again_after_a_kill_and_ended_it_is_as_the_tables_say(
    account: SellerAccount, client: Client, amazon: Running
) -> None:
    row = start(account, client)
    assert (row.queue_arn, row.removed_at) == (ARN, None)
    listed = look_up(client)
    assert [one.arn for one in listed.destinations] == [ARN]
    (subscription,) = listed.subscriptions
    assert subscription.subscription_id == row.subscription_id
    assert subscription.event_filter is not None
    assert set(subscription.event_filter.marketplace_ids) == set(
        account.marketplaces.values_list("marketplace_id", flat=True)
    )
    assert Door.objects.get(door=DoorName.NOTIFICATIONS).last_worked_at == NOW
    # Amazon's notifications come to that queue, and are of that subscription
    (told, *_) = amazon.take_notifications(since="2020-01-01T00:00:00Z")
    metadata = json.loads(told["body"])["NotificationMetadata"]
    assert (told["arn"], metadata["SubscriptionId"]) == (ARN, row.subscription_id)

    # killed before the row was stored: what Amazon has is found
    NotificationSubscription.objects.all().delete()
    again = start(account, client)
    assert again.subscription_id == row.subscription_id
    assert start(account, client).pk == again.pk
    assert AuditEvent.objects.filter(kind=AuditKind.SUBSCRIBED).count() == 2

    assert unsubscribe(account, client=client, user=None, at=NOW)
    listed = look_up(client)
    assert (listed.destinations, listed.subscriptions) == ((), ())
    assert NotificationSubscription.objects.get().removed_at == NOW
    assert not Door.objects.filter(door=DoorName.NOTIFICATIONS).exists()
    assert not unsubscribe(account, client=client, user=None, at=NOW)
    assert AuditEvent.objects.filter(kind=AuditKind.UNSUBSCRIBED).count() == 1


def test_a_subscription_that_lacks_a_marketplace_is_made_anew(
    account: SellerAccount, client: Client
) -> None:
    destination = client.create_destination("Orders", ARN)
    (first, *_rest) = account.marketplaces.values_list("marketplace_id", flat=True)
    client.create_subscription(
        "ORDER_CHANGE",
        destination.destination_id,
        event_filter=EventFilter("ORDER_CHANGE", (first,)),
    )
    row = start(account, client)
    (subscription,) = look_up(client).subscriptions
    assert subscription.subscription_id == row.subscription_id
    assert subscription.event_filter is not None
    assert len(subscription.event_filter.marketplace_ids) == account.marketplaces.count() > 1


def test_a_subscription_to_another_queue_is_left_alone_and_named(
    account: SellerAccount, client: Client
) -> None:
    destination = client.create_destination("Somebody else's", OTHER_ARN)
    client.create_subscription("ORDER_CHANGE", destination.destination_id)
    with pytest.raises(SetUpError) as caught:
        start(account, client)
    assert OTHER_ARN in str(caught.value)
    assert not NotificationSubscription.objects.exists()


def test_a_queue_that_amazon_may_not_write_to_is_said_with_the_remedy(
    account: SellerAccount, client: Client
) -> None:
    with pytest.raises(SetUpError, match="policy"):
        start(account, client, "arn:aws:sqs:eu-west-1:123456789012:forbidden")


def test_the_destination_stays_while_another_seller_uses_it(
    account: SellerAccount, client: Client, amazon: Running
) -> None:
    another = connect_account(**keys_of(amazon.sellers[1]))
    theirs = client_for(another, limiter=Unlimited())
    start(account, client)
    row = start(another, theirs)
    unsubscribe(account, client=client, user=None, at=NOW)
    assert [one.arn for one in look_up(theirs).destinations] == [ARN]
    # ended by somebody else in between: that is as good
    theirs.delete_subscription_by_id("ORDER_CHANGE", row.subscription_id)
    assert unsubscribe(another, client=theirs, user=None, at=NOW)
    assert look_up(theirs).destinations == ()


def test_amazon_away_is_a_sentence_and_changes_nothing(
    account: SellerAccount, client: Client, amazon: Running
) -> None:
    start(account, client)
    amazon.stop()
    for step in (
        lambda: start(account, client),
        lambda: unsubscribe(account, client=client, user=None, at=NOW),
        lambda: look_up(client),
    ):
        with pytest.raises(SetUpError, match="Amazon did not"):
            step()
    assert NotificationSubscription.objects.get().removed_at is None
