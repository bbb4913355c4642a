"""Rows for tests: each is as our own code would have made it, and eligible unless told otherwise.

`OrderFactory()` may be asked now; `OrderFactory(too_early=True)` and its like may not.
`OutgoingActionFactory(status=Status.SENT)` walks the state machine to that state, so that its
attempts, its events and the state on its order agree. All moments are aware and in UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import factory
from django.contrib.auth.models import User
from django.db.models import Model
from django.utils import timezone
from factory.django import DjangoModelFactory

from messaging.action_types import CONFIRM_ORDER_DETAILS
from messaging.models import (
    ActionAttempt,
    AttemptOutcome,
    Batch,
    FilePiece,
    FileType,
    KillSwitch,
    MessageTemplate,
    OutgoingAction,
    StoredFile,
    mark_orders,
)
from messaging.states import Status
from orders.models import (
    Door,
    Exclusion,
    ExclusionKind,
    HeardNotification,
    ImportKind,
    NotificationQueue,
    NotificationSubscription,
    Order,
    OrderHint,
    OrderImport,
    OrderItem,
    OrderReport,
    OrderSync,
    ParkedNotification,
    ReportType,
)
from orders.states import DoorName, FulfilledBy, FulfillmentStatus, WindowSource
from sellers.models import (
    AccountMarketplace,
    Application,
    Connection,
    Membership,
    Region,
    Role,
    SellerAccount,
)

GERMANY = "A1PA6795UKMFR9"
PASSWORD = "Correct horse battery 9"
DAY = timedelta(days=1)


def _ago(**span: float) -> factory.LazyFunction:
    return factory.LazyFunction(lambda: timezone.now() - timedelta(**span))


class UserFactory(DjangoModelFactory[User]):
    """A person who can log in with PASSWORD and has no role anywhere."""

    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"person{n}")
    password = factory.django.Password(PASSWORD)


class ApplicationFactory(DjangoModelFactory[Application]):
    class Meta:
        model = Application

    name = "Private application"
    client_id = factory.Sequence(lambda n: f"amzn1.application-oa2-client.{n:032x}")
    client_secret = factory.Sequence(lambda n: f"amzn1.oa2-cs.v1.{n:064x}")


class SellerAccountFactory(DjangoModelFactory[SellerAccount]):
    """A connected account that may send."""

    class Meta:
        model = SellerAccount

    class Params:
        paused = factory.Trait(paused_at=_ago(hours=1))
        disconnected = factory.Trait(connection=Connection.DISCONNECTED)
        needs_reconnect = factory.Trait(connection=Connection.RECONNECT, trouble="invalid_grant")

    name = factory.Sequence(lambda n: f"Seller {n}")
    selling_partner_id = factory.Sequence(lambda n: f"A{n:013d}")
    region = Region.EU
    application = factory.SubFactory(ApplicationFactory)
    refresh_token = factory.Sequence(lambda n: f"Atzr|{n:064x}")


class AccountMarketplaceFactory(DjangoModelFactory[AccountMarketplace]):
    class Meta:
        model = AccountMarketplace

    account = factory.SubFactory(SellerAccountFactory)
    marketplace_id = GERMANY
    name = "Amazon.de"
    country = "DE"
    currency = "EUR"
    language = "de_DE"
    domain = "www.amazon.de"


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    account = factory.SubFactory(SellerAccountFactory)
    role = Role.OPERATOR


class OrderFactory(DjangoModelFactory[Order]):
    """A shipped order in the middle of its window; its items come from OrderItemFactory."""

    class Meta:
        model = Order

    class Params:
        too_early = factory.Trait(
            earliest_delivery_at=_ago(days=2), latest_delivery_at=_ago(days=1)
        )
        window_closed = factory.Trait(
            earliest_delivery_at=_ago(days=40), latest_delivery_at=_ago(days=38)
        )
        closing_soon = factory.Trait(
            earliest_delivery_at=_ago(days=31), latest_delivery_at=_ago(days=29.5)
        )
        no_dates = factory.Trait(
            earliest_delivery_at=None, latest_delivery_at=None, window_source=""
        )
        not_shipped = factory.Trait(fulfillment_status=FulfillmentStatus.UNSHIPPED)
        cancelled = factory.Trait(fulfillment_status=FulfillmentStatus.CANCELLED, is_cancelled=True)

    account = factory.SubFactory(SellerAccountFactory)
    amazon_order_id = factory.Sequence(
        lambda n: f"{302 + n // 10**7 % 600:03d}-{n % 10**7:07d}-{n * 7919 % 10**7:07d}"
    )
    marketplace_id = GERMANY
    fulfillment_status = FulfillmentStatus.SHIPPED
    fulfilled_by = FulfilledBy.MERCHANT
    service_level = "STANDARD"
    purchased_at = _ago(days=15)
    amazon_updated_at = _ago(days=9)
    earliest_delivery_at = _ago(days=12)
    latest_delivery_at = _ago(days=10)
    window_source = WindowSource.AMAZON
    quantity = 1
    total_amount = "24.90"
    total_currency = "EUR"
    synced_at = _ago(minutes=5)

    @classmethod
    def _create(cls, model_class: type[Model], *args: Any, **kwargs: Any) -> Order:
        order: Order = super()._create(model_class, *args, **kwargs)
        # the database works this one out; without it the row in hand would not know its own refusal
        order.refresh_from_db(fields=["fixed_refusal"])
        return order


class OrderItemFactory(DjangoModelFactory[OrderItem]):
    class Meta:
        model = OrderItem

    order = factory.SubFactory(OrderFactory)
    order_item_id = factory.Sequence(lambda n: f"{n:014d}")
    asin = factory.Sequence(lambda n: f"B0{n:08d}")
    sku = factory.Sequence(lambda n: f"SKU-{n}")
    title = "Enamel mug, 350 ml"
    quantity = 1
    quantity_shipped = 1


class ExclusionFactory(DjangoModelFactory[Exclusion]):
    """A standing exclusion as a row alone; orders.services.exclude also marks the orders."""

    class Meta:
        model = Exclusion

    account = factory.SubFactory(SellerAccountFactory)
    kind = ExclusionKind.SKU
    value = factory.Sequence(lambda n: f"SKU-{n}")
    reason = "Recalled by the maker"
    created_by = factory.SubFactory(UserFactory)


class OrderSyncFactory(DjangoModelFactory[OrderSync]):
    class Meta:
        model = OrderSync

    account = factory.SubFactory(SellerAccountFactory)


class DoorFactory(DjangoModelFactory[Door]):
    """The polling of an account, which worked a moment ago."""

    class Meta:
        model = Door

    account = factory.SubFactory(SellerAccountFactory)
    door = DoorName.POLLING
    last_worked_at = _ago(minutes=5)


class OrderImportFactory(DjangoModelFactory[OrderImport]):
    """A file with one order number that was imported to its end."""

    class Meta:
        model = OrderImport

    account = factory.SubFactory(SellerAccountFactory)
    kind = ImportKind.ORDERS
    client_key = factory.LazyFunction(uuid4)
    file_name = "orders.csv"
    digest = factory.Sequence(lambda n: f"{n:064x}")
    made_by = factory.SubFactory(UserFactory)
    made_at = _ago(minutes=1)
    finished_at = _ago(minutes=1)
    rows = 1
    new = 1


class OrderHintFactory(DjangoModelFactory[OrderHint]):
    """An order that was heard of, and is due to be asked for."""

    class Meta:
        model = OrderHint

    account = factory.SubFactory(SellerAccountFactory)
    amazon_order_id = factory.Sequence(lambda n: f"305-{n:07d}-{n:07d}")
    doors = [DoorName.NOTIFICATIONS.value]
    heard_at = _ago(minutes=1)
    due_at = _ago(minutes=1)


class OrderReportFactory(DjangoModelFactory[OrderReport]):
    """A report of a month of orders, of a back-fill, that Amazon is to be asked for now."""

    class Meta:
        model = OrderReport

    account = factory.SubFactory(SellerAccountFactory)
    report_type = ReportType.BY_UPDATE
    marketplace_ids = [GERMANY]
    data_start = _ago(days=30)
    data_end = _ago(minutes=1)
    planned_at = _ago(minutes=1)
    is_backfill = True
    due_at = _ago(minutes=1)


class BatchFactory(DjangoModelFactory[Batch]):
    """A batch of which the hold is over; give its actions `batch=`."""

    class Meta:
        model = Batch

    created_at = _ago(minutes=10)
    created_by = factory.SubFactory(UserFactory)
    description = "Eligible now"
    release_at = factory.SelfAttribute("created_at")


class KillSwitchFactory(DjangoModelFactory[KillSwitch]):
    """A switch that stops everything; `account=` or `kind=` narrows it."""

    class Meta:
        model = KillSwitch

    set_at = _ago(minutes=1)
    set_by = factory.SubFactory(UserFactory)


class StoredFileFactory(DjangoModelFactory[StoredFile]):
    """A text of five bytes that somebody brought a minute ago."""

    class Meta:
        model = StoredFile
        skip_postgeneration_save = True

    account = factory.SubFactory(SellerAccountFactory)
    name = factory.Sequence(lambda n: f"key-{n}.txt")
    content_type = FileType.TEXT
    size = 5
    sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    uploaded_by = factory.SubFactory(UserFactory)
    uploaded_at = _ago(minutes=1)

    @factory.post_generation
    def content(self, create: bool, extracted: object, **_more: object) -> None:
        FilePiece.objects.create(file=self, number=0, data=b"hello")


class MessageTemplateFactory(DjangoModelFactory[MessageTemplate]):
    """A template for a question before shipping."""

    class Meta:
        model = MessageTemplate

    account = factory.SubFactory(SellerAccountFactory)
    kind = CONFIRM_ORDER_DETAILS.name
    name = factory.Sequence(lambda n: f"Template {n}")
    text = "Is the address of order {order_number} complete?"
    changed_by = factory.SubFactory(UserFactory)
    changed_at = _ago(days=1)


# How an action comes to its state from `queued`.
ROADS: dict[Status, tuple[Status, ...]] = {
    Status.QUEUED: (),
    Status.HELD: (Status.HELD,),
    Status.SENDING: (Status.SENDING,),
    Status.UNCONFIRMED: (Status.SENDING, Status.UNCONFIRMED),
    Status.PROBABLY_SENT: (Status.SENDING, Status.UNCONFIRMED, Status.PROBABLY_SENT),
    Status.SENT: (Status.SENDING, Status.SENT),
    Status.REFUSED: (Status.SENDING, Status.REFUSED),
    Status.CANCELLED: (Status.CANCELLED,),
    Status.EXPIRED: (Status.EXPIRED,),
    Status.UNRESOLVED: (Status.SENDING, Status.UNCONFIRMED, Status.UNRESOLVED),
}
ALREADY_REQUESTED = "You have already requested a review for this order."


class ActionAttemptFactory(DjangoModelFactory[ActionAttempt]):
    """An open attempt; `accepted`, `rejected` and `unknown` are finished ones."""

    class Meta:
        model = ActionAttempt

    class Params:
        accepted = factory.Trait(
            finished_at=_ago(), outcome=AttemptOutcome.ACCEPTED, status_code=201, body="{}"
        )
        rejected = factory.Trait(
            finished_at=_ago(),
            outcome=AttemptOutcome.REJECTED,
            status_code=403,
            code="Unauthorized",
            message=ALREADY_REQUESTED,
        )
        unknown = factory.Trait(
            finished_at=_ago(), outcome=AttemptOutcome.UNKNOWN, message="The connection was reset."
        )

    action = factory.SubFactory("tests.factories.OutgoingActionFactory")
    number = factory.LazyAttribute(lambda attempt: attempt.action.attempts.count() + 1)
    claimed_at = _ago(seconds=1)
    worker = "test:1"
    request_id = factory.Sequence(lambda n: f"request-{n}")


class OutgoingActionFactory(DjangoModelFactory[OutgoingAction]):
    """A solicitation in the state given as `status` (queued and due, unless told otherwise).

    `account` is the order's. `status_at` is the moment of the last step. `attempt` is what its
    attempt says, if it has one and other than usual.
    """

    class Meta:
        model = OutgoingAction

    order = factory.SubFactory(OrderFactory)
    account = factory.SelfAttribute("order.account")
    requested_by = factory.SubFactory(UserFactory)
    created_at = _ago(minutes=10)
    status_at = factory.SelfAttribute("created_at")
    look_at = factory.SelfAttribute("created_at")
    not_before = factory.SelfAttribute("created_at")
    not_after = factory.LazyAttribute(
        lambda action: action.order.closes_at() or action.created_at + 30 * DAY
    )

    @classmethod
    def _create(cls, model_class: type[Model], *args: Any, **kwargs: Any) -> OutgoingAction:
        status = Status(kwargs.pop("status", Status.QUEUED))
        reason = kwargs.pop("reason", "")
        told: dict[str, Any] = kwargs.pop("attempt", {})
        at: datetime = kwargs["status_at"]
        action: OutgoingAction = super()._create(model_class, *args, **kwargs)
        mark_orders([action.pk], Status.QUEUED, at)
        before = Status.QUEUED
        for after in ROADS[status]:
            fields: dict[str, Any] = {}
            if after == Status.SENDING:
                ActionAttemptFactory(action=action, claimed_at=at)
                fields["lease_until"] = timezone.now() + timedelta(minutes=3)
            if before == Status.SENDING:
                fields |= {"lease_until": None, **_finish_attempt(action, after, at, told)}
            OutgoingAction.objects.filter(pk=action.pk).transition(
                before, after, at=at, reason=reason if after == status else "", **fields
            )
            before = after
        if reason:
            OutgoingAction.objects.filter(pk=action.pk).update(reason=reason)
        action.refresh_from_db()
        if isinstance(kwargs["order"], Order):
            kwargs["order"].refresh_from_db(fields=["solicitation", "solicitation_at"])
        return action


def _finish_attempt(
    action: OutgoingAction, after: Status, at: datetime, told: dict[str, Any]
) -> dict[str, Any]:
    """The open attempt ends as that state says; returns what the action keeps of it."""
    attempt = action.attempts.get(finished_at=None, abandoned_at=None)
    attempt.finished_at = at
    if after == Status.SENT:
        attempt.outcome, attempt.status_code, attempt.body = AttemptOutcome.ACCEPTED, 201, "{}"
    elif after == Status.REFUSED:
        attempt.outcome, attempt.status_code = AttemptOutcome.REJECTED, 403
        attempt.code, attempt.message = "Unauthorized", ALREADY_REQUESTED
    else:
        attempt.outcome, attempt.message = AttemptOutcome.UNKNOWN, "The connection was reset."
    for name, value in told.items():
        setattr(attempt, name, value)
    attempt.save()
    return {"sent_attempt": attempt} if after == Status.SENT else {}


class NotificationSubscriptionFactory(DjangoModelFactory[NotificationSubscription]):
    """Amazon sends an account's order changes to our queue."""

    class Meta:
        model = NotificationSubscription

    account = factory.SubFactory(SellerAccountFactory)
    subscription_id = factory.Sequence(lambda n: f"7fcacc7e-727b-11e9-8848-{n:012d}")
    destination_id = "3acafc7e-121b-1329-8ae8-1571be663aa2"
    queue_arn = "arn:aws:sqs:eu-west-1:123456789012:orders"
    made_at = _ago(days=1)


class NotificationQueueFactory(DjangoModelFactory[NotificationQueue]):
    """A queue that was read a minute ago."""

    class Meta:
        model = NotificationQueue

    arn = factory.Sequence(lambda n: f"arn:aws:sqs:eu-west-1:123456789012:orders-{n}")
    read_at = _ago(minutes=1)


class HeardNotificationFactory(DjangoModelFactory[HeardNotification]):
    """A notification that was taken a minute ago."""

    class Meta:
        model = HeardNotification

    key = factory.Sequence(lambda n: f"d0e9e693-c3ad-4373-979f-{n:012d}")
    body_hash = factory.Sequence(lambda n: f"{n:064x}")
    account = factory.SubFactory(SellerAccountFactory)
    amazon_order_id = factory.Sequence(lambda n: f"303-{n:07d}-{n * 7919 % 10**7:07d}")
    order_status = "Shipped"
    changed_at = _ago(minutes=2)
    heard_at = _ago(minutes=1)


class ParkedNotificationFactory(DjangoModelFactory[ParkedNotification]):
    """A message that names an order of the account and is of a version that nobody knows."""

    class Meta:
        model = ParkedNotification

    message_id = factory.Sequence(lambda n: f"b10d2234-6a2a-4a57-9fe8-{n:012d}")
    queue_arn = "arn:aws:sqs:eu-west-1:123456789012:orders"
    account = factory.SubFactory(SellerAccountFactory)
    amazon_order_id = factory.Sequence(lambda n: f"304-{n:07d}-{n * 7919 % 10**7:07d}")
    reason = "Its payload's version is 2.0, not 1.0."
    is_new_version = True
    kept = factory.LazyAttribute(
        lambda row: {
            "SellerId": row.account.selling_partner_id,
            "AmazonOrderId": row.amazon_order_id,
            "PayloadVersion": "2.0",
        }
    )
    body_hash = factory.Sequence(lambda n: f"{n:064x}")
    size = 1_500
    parked_at = _ago(minutes=5)
