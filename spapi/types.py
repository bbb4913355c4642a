"""The values that calls return: small, frozen, and without anything about the buyer.

Orders are read by an allow-list: what is not named here is never looked at, so that buyer,
recipient, address, payment and tax data cannot get in even if Amazon sends them unasked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ActionLink:
    """One action that Amazon offers for an order. `href` is kept for the record, never followed.

    `name` is what decides; `title`, `description` and `schema` describe Seller Central's form.
    """

    name: str
    href: str = ""
    title: str = ""
    description: str = ""
    disabled: bool = False
    disabled_reason: str = ""
    schema: Mapping[str, object] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class OfferedActions:
    """What Amazon offers for an order at this moment.

    An empty list is never final: Amazon's list is known to be empty at random
    (https://github.com/amzn/selling-partner-api-models/issues/187). `well_formed` says whether the
    answer had the shape of a list at all; only then does an empty one mean anything.
    `body` is the raw answer, at most 4,096 bytes.
    """

    actions: tuple[ActionLink, ...]
    well_formed: bool
    request_id: str = ""
    body: str = ""

    def offers(self, name: str) -> bool:
        """Whether the action of this name is listed and not disabled."""
        return any(action.name == name and not action.disabled for action in self.actions)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Amazon said that it did what was asked. `body` is the raw answer, at most 4,096 bytes."""

    status: int
    request_id: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in a currency (ISO 4217)."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A span that Amazon promises or demands; both ends aware in UTC, either may be missing."""

    earliest: datetime | None
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class AssociatedOrder:
    """Another order that this one replaces or exchanges."""

    order_id: str
    association_type: str | None


@dataclass(frozen=True, slots=True)
class Package:
    """A parcel of a seller-fulfilled order. Amazon gives no moment of delivery, only a status."""

    status: str | None
    detailed_status: str | None
    shipped_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One position of an order. `cancelled` means carried out, `cancellation_requested` asked."""

    order_item_id: str
    asin: str | None
    sku: str | None
    title: str | None
    quantity: int | None
    quantity_fulfilled: int | None
    programs: tuple[str, ...]
    cancellation_requested: bool
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Order:
    """An order as Amazon describes it; moments are aware in UTC, what is missing is None.

    Words that Amazon's model does not list are kept as they are and named in `unknown_words`
    (as `field=WORD`). `deliver_by` is a promise, not a delivery, and missing for most orders
    fulfilled by Amazon.
    """

    order_id: str
    created_at: datetime | None
    updated_at: datetime | None
    marketplace_id: str | None
    channel_name: str | None
    programs: tuple[str, ...]
    associated_orders: tuple[AssociatedOrder, ...]
    fulfillment_status: str | None
    fulfilled_by: str | None
    service_level: str | None
    ship_by: TimeWindow | None
    deliver_by: TimeWindow | None
    packages: tuple[Package, ...]
    total: Money | None
    items: tuple[OrderItem, ...]
    unknown_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of orders. `next_token` (valid 24 hours) is None on the last page.

    `last_updated_before` or `created_before` is the moment up to which the search is complete.
    `unreadable` counts entries that could not be read as an order at all (no order id).
    """

    orders: tuple[Order, ...]
    next_token: str | None
    last_updated_before: datetime | None
    created_before: datetime | None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class MarketplaceParticipation:
    """A marketplace in which the seller has a store. `language` has the form `en_US`."""

    marketplace_id: str
    country: str | None
    name: str | None
    currency: str | None
    language: str | None
    domain: str | None
    store_name: str | None
    participating: bool
    suspended_listings: bool


@dataclass(frozen=True, slots=True)
class OrderItemPage:
    """One page of an order's items out of Orders v0; `next_token` is None on the last page.

    `order_programs` are those that v0 tells of the items and 2026-01-01 of the order.
    """

    items: tuple[OrderItem, ...]
    next_token: str | None
    order_programs: tuple[str, ...] = ()
    unknown_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was ordered. `status` is Amazon's word, such as `DONE` or `IN_QUEUE`.

    Moments are aware in UTC. `CANCELLED` is also Amazon's word for no data. `document_id` may come
    with any status; of a `FATAL` one the document says what went wrong.
    """

    report_id: str
    report_type: str
    status: str
    document_id: str | None = None
    marketplace_ids: tuple[str, ...] = ()
    data_start: datetime | None = None
    data_end: datetime | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """Where a report's document lies for five minutes. Whoever has `url` may read it: no repr.

    `compression` is Amazon's word, `GZIP`, or None for a document that is not compressed.
    """

    document_id: str
    url: str = field(repr=False)
    compression: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """A document that was fetched whole: bytes after unpacking, and the charset that was named."""

    size: int
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """A queue to which Amazon may deliver notifications; `arn` is None for other kinds."""

    destination_id: str
    name: str
    arn: str | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are delivered: of these marketplaces and kinds, all where none is named.

    `kind` is Amazon's `eventFilterType`, such as `ORDER_CHANGE`; `order_change_types` are
    `OrderStatusChange`, `BuyerRequestedChange`, `DeliveryTipChange` (model notifications.json).
    """

    kind: str
    marketplace_ids: tuple[str, ...] = ()
    order_change_types: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """As Amazon's model notifications.json has it."""
        document: dict[str, object] = {"eventFilterType": self.kind}
        if self.marketplace_ids:
            document["marketplaceIds"] = list(self.marketplace_ids)
        if self.order_change_types:
            document["orderChangeTypes"] = list(self.order_change_types)
        return document


@dataclass(frozen=True, slots=True)
class Subscription:
    """A seller's notifications of one type go to a destination."""

    subscription_id: str
    payload_version: str | None
    destination_id: str | None
    event_filter: EventFilter | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """One page of subscriptions; `next_token` is None on the last page."""

    subscriptions: tuple[Subscription, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class RestrictedResource:
    """An operation that answers with personal data, and which of them (none named: all of it).

    `method` is in capital letters, `path` begins at the host and may hold `{orderId}`.
    """

    method: str
    path: str
    data_elements: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """As Amazon's model tokens_2021-03-01.json has it."""
        document: dict[str, object] = {"method": self.method, "path": self.path}
        if self.data_elements:
            document["dataElements"] = sorted(set(self.data_elements))
        return document

    def sort_key(self) -> tuple[str, str, tuple[str, ...]]:
        """Where it stands among others, whatever order they were given in."""
        return (self.path, self.method, tuple(sorted(self.data_elements)))
