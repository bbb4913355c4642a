"""Having Amazon send an account's order changes to our queue, and ending it.

Destinations are the application's, subscriptions a seller's; both in one region. Every step may be
made again: what is there already is found and used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from audit.models import AuditKind
from audit.services import record_event
from orders.doors import door_closed, door_worked
from orders.models import NotificationSubscription
from orders.notifications.messages import TYPE, VERSION
from orders.states import DoorName
from sellers.models import SellerAccount
from spapi import (
    AccessDenied,
    Client,
    Conflict,
    Destination,
    EventFilter,
    NotFound,
    SpApiError,
    StillInUse,
    Subscription,
)

NAME = "Solicit Dashboard"
CHANGES = ("OrderStatusChange", "BuyerRequestedChange")
MOST_PAGES = 20


class SetUpError(Exception):
    """Notifications were not set up or removed; the sentence says why and what to do."""


@dataclass(frozen=True)
class Listed:
    """What Amazon has: the application's destinations, and the seller's subscriptions."""

    destinations: tuple[Destination, ...]
    subscriptions: tuple[Subscription, ...]


def subscribe(
    account: SellerAccount,
    *,
    client: Client,
    queue_arn: str,
    user: AbstractBaseUser | None,
    at: datetime,
) -> NotificationSubscription:
    """Amazon sends the account's order changes to the queue from now on; done before: the same.

    Three calls of Amazon at most where nothing is there yet. Raises SetUpError. `at` is now (UTC).
    """
    try:
        destination = _destination(client, queue_arn)
        subscription = _subscription(client, destination, _event_filter(account))
    except SpApiError as error:
        raise SetUpError(f"Amazon did not set up notifications: {error}") from error
    return _store(account, subscription, destination, user, at)


def unsubscribe(
    account: SellerAccount, *, client: Client, user: AbstractBaseUser | None, at: datetime
) -> bool:
    """Amazon sends nothing for the account any more; False if it did not do so before.

    The destination goes too when no subscription uses it. Raises SetUpError. `at` is now (UTC).
    """
    row = NotificationSubscription.objects.filter(account=account, removed_at=None).first()
    try:
        if row is None:
            return False
        _delete_subscription(client, row.subscription_id)
        _mark_removed(row, user, at)
        _delete_destination(client, row.destination_id)
    except SpApiError as error:
        raise SetUpError(f"Amazon did not end the notifications: {error}") from error
    return True


def look_up(client: Client) -> Listed:
    """What Amazon has now. Raises SetUpError."""
    try:
        return Listed(client.get_destinations(), _subscriptions(client))
    except SpApiError as error:
        raise SetUpError(f"Amazon did not tell what is set up: {error}") from error


def _destination(client: Client, queue_arn: str) -> Destination:
    try:
        return client.create_destination(NAME, queue_arn)
    except Conflict:
        found = _of_queue(client, queue_arn)
        if found is None:
            raise SetUpError(
                "Amazon says that the queue is a destination of this application already, and "
                "does not list it. Try again in a minute."
            ) from None
        return found
    except AccessDenied as error:
        found = _of_queue(client, queue_arn)
        if found is not None:
            return found
        raise SetUpError(
            "Amazon may not write to the queue. Give the queue the policy that is shown, "
            "wait a minute and try again. (Amazon says the same where the application lacks a "
            f"role: {error})"
        ) from error


def _of_queue(client: Client, queue_arn: str) -> Destination | None:
    return next((one for one in client.get_destinations() if one.arn == queue_arn), None)


def _subscription(
    client: Client, destination: Destination, event_filter: EventFilter
) -> Subscription:
    key = destination.destination_id
    try:
        return client.create_subscription(TYPE, key, event_filter=event_filter)
    except Conflict:
        found = _subscriptions(client)
    ours = next((one for one in found if one.destination_id == key), None)
    if ours is None:
        places = {one.destination_id: one.arn for one in client.get_destinations()}
        named = ", ".join(
            places.get(one.destination_id or "") or f"destination {one.destination_id}"
            for one in found
        )
        raise SetUpError(
            "Amazon sends this seller's order changes to another queue already: "
            f"{named or 'which one, it does not tell'}. End that subscription first."
        )
    if _covers(ours.event_filter, event_filter):
        return ours
    # made when the seller sold in fewer marketplaces
    _delete_subscription(client, ours.subscription_id)
    return client.create_subscription(TYPE, key, event_filter=event_filter)


def _subscriptions(client: Client) -> tuple[Subscription, ...]:
    """The seller's subscriptions to order changes; all pages."""
    found: list[Subscription] = []
    token = None
    for _page in range(MOST_PAGES):
        page = client.get_subscriptions(TYPE, payload_version=VERSION, next_token=token)
        found += page.subscriptions
        token = page.next_token
        if token is None:
            break
    return tuple(found)


def _event_filter(account: SellerAccount) -> EventFilter:
    places = account.marketplaces.filter(is_participating=True)
    ids = sorted(places.values_list("marketplace_id", flat=True))
    return EventFilter(TYPE, tuple(ids), CHANGES)


def _covers(has: EventFilter | None, needs: EventFilter) -> bool:
    """Whether everything that is needed passes; an empty list lets all pass."""
    if has is None:
        return True
    places, changes = set(has.marketplace_ids), set(has.order_change_types)
    return (
        not places or (bool(needs.marketplace_ids) and places >= set(needs.marketplace_ids))
    ) and (not changes or changes >= set(needs.order_change_types))


def _delete_subscription(client: Client, subscription_id: str) -> None:
    try:
        client.delete_subscription_by_id(TYPE, subscription_id)
    except NotFound:
        return  # somebody else has ended it


def _delete_destination(client: Client, destination_id: str) -> None:
    """It is gone, unless another seller's subscription uses it."""
    used = NotificationSubscription.objects.filter(destination_id=destination_id, removed_at=None)
    if used.exists():
        return
    try:
        client.delete_destination(destination_id)
    except (NotFound, StillInUse):
        return


@transaction.atomic
def _store(
    account: SellerAccount,
    subscription: Subscription,
    destination: Destination,
    user: AbstractBaseUser | None,
    at: datetime,
) -> NotificationSubscription:
    others = NotificationSubscription.objects.filter(account=account, removed_at=None).exclude(
        subscription_id=subscription.subscription_id
    )
    others.update(removed_at=at)
    row = NotificationSubscription.objects.filter(
        subscription_id=subscription.subscription_id, removed_at=None
    ).first()
    if row is not None:
        return row
    row, _made = NotificationSubscription.objects.update_or_create(
        subscription_id=subscription.subscription_id,
        defaults={
            "account": account,
            "destination_id": destination.destination_id,
            "queue_arn": destination.arn or "",
            "made_at": at,
            "removed_at": None,
        },
    )
    # there is nothing to read yet; from now on it is late when nobody reads the queue
    door_worked(account, DoorName.NOTIFICATIONS, at=at)
    record_event(
        AuditKind.SUBSCRIBED,
        user=user,
        account_id=account.pk,
        subject=account.name,
        queue=destination.arn,
        subscription=subscription.subscription_id,
    )
    return row


@transaction.atomic
def _mark_removed(
    row: NotificationSubscription, user: AbstractBaseUser | None, at: datetime
) -> None:
    open_row = NotificationSubscription.objects.filter(pk=row.pk, removed_at=None)
    if not open_row.update(removed_at=at):
        return
    door_closed(row.account, DoorName.NOTIFICATIONS)
    record_event(
        AuditKind.UNSUBSCRIBED,
        user=user,
        account_id=row.account_id,
        subject=row.account.name,
        queue=row.queue_arn,
        subscription=row.subscription_id,
    )
