"""Taking in what a queue held: each message a hint, once, or put aside; in one transaction."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

import spapi
from orders.doors import door_heard
from orders.ingest.hints import note_hints, unknown_versions
from orders.models import (
    HeardNotification,
    NotificationQueue,
    NotificationSubscription,
    ParkedNotification,
)
from orders.notifications.messages import (
    SHIPPED,
    OrderChange,
    UnreadableError,
    hash_of,
    kept_words,
    read_message,
)
from orders.states import DoorName
from sellers.models import SellerAccount
from solicit_dashboard.conflicts import repeats_on_conflict

logger = logging.getLogger(__name__)

# So often a message is read in vain before it is put aside: another process may know better.
READ_IN_VAIN = 3
# A queue holds a message for 14 days at most: after that no copy can come.
REMEMBERED = timedelta(days=15)
FORGOTTEN_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a queue. `receipt` is what it takes to delete it, `received` how often it was
    handed out, this time included."""

    message_id: str
    receipt: str = field(repr=False)
    body: str = field(repr=False)
    received: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of some messages: those in `done` may be deleted now.

    `heard` are new, `copies` were known, `strangers` are of nobody's subscription, `parked` were
    put aside, `left` will be read again.
    """

    done: tuple[Message, ...] = ()
    heard: int = 0
    copies: int = 0
    strangers: int = 0
    parked: int = 0
    left: int = 0


def take_messages(messages: Sequence[Message], *, queue_arn: str, at: datetime) -> Taken:
    """What the messages tell is committed when this returns; `done` may then be deleted.

    Each notification once, by its id; an order that we have as it is told needs no hint. Who writes
    for a seller that is not of the subscription is not believed, and counted at the queue. What
    cannot be read is left in the queue, and parked when that has happened three times. `at` is now
    (UTC). Raises what the database raises; then nothing was taken.
    """
    changes: list[tuple[Message, OrderChange]] = []
    unreadable: list[tuple[Message, UnreadableError]] = []
    for message in messages:
        try:
            changes.append((message, read_message(message.body)))
        except UnreadableError as error:
            unreadable.append((message, error))
    to_park = [(message, why) for message, why in unreadable if message.received >= READ_IN_VAIN]
    taken = _store(changes, to_park, queue_arn, at)
    for message, why in to_park:
        logger.error("The message %s of the queue is parked: %s", message.message_id, why)
    if taken.strangers:
        logger.error(
            "%d messages of the queue are not of our subscriptions: somebody else can write to it.",
            taken.strangers,
        )
    done = [message for message, _ in changes] + [message for message, _ in to_park]
    return Taken(
        done=tuple(done),
        heard=taken.heard,
        copies=taken.copies,
        strangers=taken.strangers,
        parked=len(to_park),
        left=len(unreadable) - len(to_park),
    )


def forget_old(now: datetime) -> int:
    """Notifications of which no copy can come any more are forgotten; returns how many."""
    forgotten = 0
    while True:
        old = HeardNotification.objects.filter(heard_at__lt=now - REMEMBERED).order_by("heard_at")
        keys = list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
        if not keys:
            return forgotten
        forgotten += HeardNotification.objects.filter(pk__in=keys).delete()[0]


def subscriber(
    seller_id: str,
    subscription_id: str,
    marketplace_id: str,
    subscriptions: Iterable[NotificationSubscription],
) -> SellerAccount | None:
    """Whose change it is: the account of the subscription, if the seller is that account's.

    A message that names no subscription is believed if the seller has one, in the region of the
    marketplace where they have several.
    """
    found = {
        one.account_id: one.account
        for one in subscriptions
        if one.account.selling_partner_id == seller_id
        and (subscription_id in ("", one.subscription_id))
    }
    if len(found) > 1:
        place = spapi.MARKETPLACES.get(marketplace_id)
        region = place.region if place else ""
        found = {pk: account for pk, account in found.items() if account.region == region}
    return next(iter(found.values())) if len(found) == 1 else None


def subscriptions_of(
    subscription_ids: Iterable[str], seller_ids: Iterable[str]
) -> list[NotificationSubscription]:
    """The subscriptions, ended ones included, that messages with these words may be of."""
    wanted = Q(subscription_id__in=set(subscription_ids)) | Q(
        account__selling_partner_id__in=set(seller_ids)
    )
    return list(NotificationSubscription.objects.filter(wanted).select_related("account"))


@repeats_on_conflict
def _store(
    changes: Sequence[tuple[Message, OrderChange]],
    to_park: Sequence[tuple[Message, UnreadableError]],
    queue_arn: str,
    at: datetime,
) -> Taken:
    with transaction.atomic():
        told = [change for _message, change in changes]
        known = subscriptions_of(
            (change.subscription_id for change in told), (change.seller_id for change in told)
        )
        by_account: dict[SellerAccount, list[OrderChange]] = {}
        strangers = 0
        for change in told:
            account = subscriber(
                change.seller_id, change.subscription_id, change.marketplace_id, known
            )
            if account is None:
                strangers += 1
            else:
                by_account.setdefault(account, []).append(change)
        heard = 0
        for account in sorted(by_account, key=lambda account: account.pk):
            heard += _hear(account, by_account[account], at)
        parked = _park(to_park, queue_arn, at)
        if strangers or parked:
            _count_at_queue(queue_arn, strangers, parked, at)
        copies = len(told) - strangers - heard
    return Taken(heard=heard, copies=copies, strangers=strangers)


def _hear(account: SellerAccount, changes: Sequence[OrderChange], at: datetime) -> int:
    """Hints for what is new of one account; returns how many notifications were."""
    new: dict[str, OrderChange] = {}
    hashes = dict(
        HeardNotification.objects.filter(key__in={change.key for change in changes}).values_list(
            "key", "body_hash"
        )
    )
    counts: Counter[str] = Counter()
    copies: Counter[str] = Counter()
    differing: Counter[str] = Counter()
    for change in changes:
        if change.key not in hashes:
            hashes[change.key] = change.body_hash
            new[change.key] = change
            counts["shipped"] += change.status == SHIPPED
        else:
            copies[change.key] += 1
            differing[change.key] += hashes[change.key] != change.body_hash
    rows = [
        HeardNotification(
            key=change.key,
            body_hash=change.body_hash,
            account=account,
            amazon_order_id=change.order_id,
            order_status=change.status,
            changed_at=change.changed_at,
            heard_at=at,
            copies=copies[change.key],
            differing=differing[change.key],
        )
        for change in new.values()
    ]
    for key in copies.keys() - new.keys():
        HeardNotification.objects.filter(key=key).update(
            copies=F("copies") + copies[key], differing=F("differing") + differing[key]
        )
    note_hints(account, _worth_asking(account, new.values()), DoorName.NOTIFICATIONS, heard_at=at)
    # whoever reads the same message beside us has noted the same hints
    HeardNotification.objects.bulk_create(rows, ignore_conflicts=True)
    counts.update(
        {"heard": len(new), "copies": copies.total(), "differing copies": differing.total()}
    )
    moments = [min(change.changed_at, at) for change in new.values() if change.changed_at]
    door_heard(
        account,
        DoorName.NOTIFICATIONS,
        newest_heard_at=max(moments, default=None),
        counts=counts,
        unknown_words=[word for change in new.values() for word in change.unknown_words],
    )
    return len(new)


def _worth_asking(account: SellerAccount, changes: Iterable[OrderChange]) -> set[str]:
    """The orders that we do not have as the changes tell of them."""
    newest: dict[str, datetime] = {}
    undated: set[str] = set()
    for change in changes:
        if change.changed_at is None:
            undated.add(change.order_id)
        else:
            newest[change.order_id] = max(
                change.changed_at, newest.get(change.order_id, change.changed_at)
            )
    return undated | unknown_versions(account, newest)


def _park(messages: Sequence[tuple[Message, UnreadableError]], queue_arn: str, at: datetime) -> int:
    """They are rows; returns how many were not before."""
    rows = []
    ids = [message.message_id[:100] for message, _why in messages]
    parked = ParkedNotification.objects.filter(message_id__in=ids)
    before = set(parked.values_list("message_id", flat=True))
    for message, why in messages:
        if message.message_id[:100] in before:
            continue
        kept = kept_words(message.body)
        rows.append(
            ParkedNotification(
                message_id=message.message_id[:100],
                queue_arn=queue_arn,
                account=owner_of(kept),
                amazon_order_id=kept.get("AmazonOrderId", ""),
                reason=str(why)[:300],
                is_new_version=why.is_new_version,
                kept=kept,
                body_hash=hash_of(message.body),
                size=len(message.body.encode("utf-8", "surrogatepass")),
                parked_at=at,
            )
        )
    ParkedNotification.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def owner_of(kept: dict[str, str]) -> SellerAccount | None:
    """The account that the kept words of a message are about, as far as they tell."""
    seller_id, subscription_id = kept.get("SellerId", ""), kept.get("SubscriptionId", "")
    return subscriber(
        seller_id,
        subscription_id,
        kept.get("MarketplaceId", ""),
        subscriptions_of((subscription_id,), (seller_id,)),
    )


def _count_at_queue(queue_arn: str, strangers: int, parked: int, at: datetime) -> None:
    NotificationQueue.objects.get_or_create(arn=queue_arn)
    row = NotificationQueue.objects.select_for_update().get(arn=queue_arn)
    counted = Counter(row.counters)
    counted.update({"strangers": strangers, "parked": parked})
    row.counters = {name: number for name, number in counted.items() if number}
    if strangers:
        row.stranger_at = at
    row.save(update_fields=["counters", "stranger_at"])
