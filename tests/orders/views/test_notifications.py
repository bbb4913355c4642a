"""The page of an account's notifications, its forms, and the admin's action."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from orders.models import (
    NotificationQueue,
    NotificationSubscription,
    OrderHint,
    ParkedNotification,
)
from sandbox.testing import Running
from sellers.models import Membership, Role, SellerAccount
from sellers.services import connect_account
from tests.factories import (
    MembershipFactory,
    NotificationQueueFactory,
    ParkedNotificationFactory,
    UserFactory,
)
from tests.sellers.conftest import amazon, keys_of

__all__ = ["amazon"]
pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"


def manager_of(account: SellerAccount | None = None) -> tuple[Client, SellerAccount]:
    more = {"account": account} if account else {}
    member: Membership = MembershipFactory(role=Role.MANAGER, **more)
    client = Client()
    client.force_login(member.user)
    return client, member.account


def page(client: Client, account: SellerAccount, query: str = "") -> str:
    response = client.get(reverse("sellers:notifications", args=[account.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def post(client: Client, name: str, *arguments: object) -> str:
    response = client.post(reverse(f"sellers:{name}", args=arguments), follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_without_a_queue_the_page_says_what_to_do_and_offers_nothing() -> None:
    client, account = manager_of()
    shown = page(client, account)
    assert "SQS_QUEUE_ARN" in shown
    assert "Set up notifications" not in shown
    assert "There is no queue" in post(client, "start_notifications", account.pk)


@override_settings(SQS_QUEUE_ARN=ARN)
def test_set_up_looked_up_and_ended_on_the_page(amazon: Running) -> None:
    client, account = manager_of(connect_account(**keys_of(amazon.sellers[0])))
    assert "437568002678" in page(client, account)
    assert "Amazon sends the order changes" in post(client, "start_notifications", account.pk)
    row = NotificationSubscription.objects.get()
    listed = page(client, account, "?now=1")
    assert listed.count(row.subscription_id) == 2
    assert f"{row.destination_id}</" in listed or row.destination_id in listed
    assert "have ended" in post(client, "end_notifications", account.pk)
    assert "There were no notifications" in post(client, "end_notifications", account.pk)
    amazon.stop()
    assert "Amazon did not" in page(client, account, "?now=1")
    assert "Amazon did not set up" in post(client, "start_notifications", account.pk)


@override_settings(SQS_QUEUE_ARN=ARN)
def test_the_page_says_how_reading_the_queue_fares() -> None:
    client, account = manager_of()
    assert "Nobody reads it" in page(client, account)
    queue = NotificationQueueFactory(arn=ARN)
    assert "Is read" in page(client, account)
    assert "Somebody else can write" not in page(client, account)
    NotificationQueue.objects.filter(pk=queue.pk).update(
        error="The queue refused: AccessDenied.", stranger_at=timezone.now()
    )
    shown = page(client, account)
    assert "Cannot be read" in shown
    assert "AccessDenied" in shown
    assert "Somebody else can write" in shown


def test_a_parked_message_is_shown_and_replayed_by_its_own_managers() -> None:
    client, account = manager_of()
    mine, theirs = ParkedNotificationFactory(account=account), ParkedNotificationFactory()
    shown = page(client, account)
    assert mine.amazon_order_id in shown
    assert theirs.amazon_order_id not in shown
    address = reverse("sellers:replay_notification", args=[account.pk, theirs.pk])
    assert client.post(address).status_code == 404
    assert "Amazon will be asked" in post(client, "replay_notification", account.pk, mine.pk)
    assert OrderHint.objects.get().amazon_order_id == mine.amazon_order_id
    assert mine.amazon_order_id not in page(client, account)


@override_settings(SQS_QUEUE_ARN=ARN)
def test_managers_are_told_on_accounts_of_strangers_and_of_what_cannot_be_read() -> None:
    client, account = manager_of()
    address = reverse("sellers:list")
    assert "notification" not in client.get(address).content.decode()
    ParkedNotificationFactory(account=account)
    ParkedNotificationFactory.create_batch(2, account=account, is_new_version=False)
    ParkedNotificationFactory()
    NotificationQueueFactory(arn=ARN, stranger_at=timezone.now())
    shown = client.get(address).content.decode()
    assert "1 notification is of a type or version" in shown
    assert "2 notifications could not be read" in shown
    assert "Somebody else can write to the queue" in shown


def replay_in_admin(client: Client, *rows: ParkedNotification) -> str:
    address = reverse("admin:orders_parkednotification_changelist")
    form = {"action": "replay", "_selected_action": [row.pk for row in rows]}
    return client.post(address, form, follow=True).content.decode()


@pytest.mark.parametrize(("is_superuser", "done"), [(False, 1), (True, 2)])
def test_the_admins_action_replays_what_one_manages(is_superuser: bool, done: int) -> None:
    user = UserFactory(is_staff=True, is_superuser=is_superuser)
    if not is_superuser:
        user.user_permissions.set(Permission.objects.filter(codename="view_parkednotification"))
    mine, theirs = ParkedNotificationFactory(), ParkedNotificationFactory()
    client = Client()
    client.force_login(user)
    if not is_superuser:
        replay_in_admin(client, mine)
        assert not OrderHint.objects.exists()
        MembershipFactory(user=user, account=mine.account, role=Role.MANAGER)
    replay_in_admin(client, mine, theirs)
    assert OrderHint.objects.count() == done
    assert ParkedNotification.objects.waiting().count() == 2 - done
