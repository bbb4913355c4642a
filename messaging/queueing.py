"""Many orders become queued actions in a handful of statements, whatever their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Count, Exists, F, OuterRef, Value
from django.db.models.functions import Cast

from messaging.action_types import REVIEW_REQUEST
from messaging.lane_speed import finish_time
from messaging.left_out import LeftOut, skipped_in_words
from messaging.models import Batch, OutgoingAction, Priority
from messaging.states import WRITTEN, Status
from orders.eligibility import ReviewWindow
from orders.locking import lock_orders_of
from orders.models import Order, OrderQuerySet
from sellers.models import SellerAccount

# How long before the end of a batch's hold its first looks at Amazon's list begin.
LOOK_LEAD = timedelta(seconds=1)


@dataclass(frozen=True)
class AccountShare:
    """What a request means for one account."""

    account: SellerAccount
    eligible: int
    marketplaces: dict[str, int]
    waiting_before: int
    finish_at: datetime


@dataclass(frozen=True)
class RequestPreview:
    """What a request would do: how many orders, which are left out and why, when it would be done.

    `orders` are the eligible ones, not read yet. `written`: to how many of their buyers a message was
    written. Their accounts allow both; Amazon may take only one.
    """

    orders: OrderQuerySet
    selected: int
    eligible: int
    skipped: dict[str, int]
    shares: list[AccountShare]
    finish_at: datetime | None
    written: int

    def skipped_in_words(self) -> list[tuple[str, int]]:
        """The reasons for leaving orders out as a person reads them, most frequent first."""
        return skipped_in_words(self.skipped)


def preview_reviews(
    orders: OrderQuerySet, *, at: datetime, start: datetime, limit: int | None = None
) -> RequestPreview:
    """What `request_reviews` would do with these orders now; `start` is when sending would begin."""
    orders = orders.order_by()
    by_account = orders.count_by_obstacle(at)
    accounts = _one_message_accounts(by_account)
    skipped = sum(by_account.values(), Counter())
    del skipped[""]
    skipped += Counter(
        {LeftOut.WRITTEN.value: sum(_count_second_of_one(orders, at, accounts).values())}
    )
    wanted = _askable(orders, at, accounts)
    if limit is not None:
        wanted = Order.objects.filter(
            pk__in=list(
                wanted.order_by("latest_delivery_at", "pk").values_list("pk", flat=True)[:limit]
            )
        )
    per_account: dict[int, dict[str, int]] = {}
    for account_id, marketplace_id, number in (
        wanted.values_list("account_id", "marketplace_id").annotate(Count("pk")).order_by()
    ):
        per_account.setdefault(account_id, {})[marketplace_id] = number
    waiting = dict(
        OutgoingAction.objects.filter(
            account_id__in=per_account,
            api=REVIEW_REQUEST.api,
            status=Status.QUEUED,
            look_at__lte=start,
        )
        .values_list("account_id")
        .annotate(Count("pk"))
        .order_by()
    )
    shares = [
        AccountShare(
            account=account,
            eligible=sum(per_account[account.pk].values()),
            marketplaces=per_account[account.pk],
            waiting_before=waiting.get(account.pk, 0),
            finish_at=finish_time(
                REVIEW_REQUEST,
                waiting=waiting.get(account.pk, 0) + sum(per_account[account.pk].values()),
                start=start,
            ),
        )
        for account in SellerAccount.objects.filter(pk__in=per_account)
    ]
    eligible = sum(share.eligible for share in shares)
    return RequestPreview(
        orders=wanted,
        selected=eligible + skipped.total(),
        eligible=eligible,
        skipped=skipped,
        shares=shares,
        finish_at=max((share.finish_at for share in shares), default=None),
        written=wanted.filter(_was_written()).count() if eligible else 0,
    )


def queue_reviews(
    batch: Batch, orders: OrderQuerySet, *, at: datetime, limit: int | None = None
) -> list[int]:
    """Each of these orders that may be asked has a queued action of this batch; returns the accounts.

    Runs in the caller's transaction. An order that somebody else queues at this moment is left to
    them: the database allows one.
    """
    orders = orders.order_by()
    skipped = orders.count_by_obstacle(at)
    accounts = hold_one_per_order(skipped)
    expected = {account_id: counts.pop("", 0) for account_id, counts in skipped.items()}
    for account_id, number in _count_second_of_one(orders, at, accounts).items():
        skipped.setdefault(account_id, Counter())[LeftOut.WRITTEN.value] = number
        expected[account_id] = expected.get(account_id, 0) - number
    wanted = _askable(orders, at, accounts)
    if limit is not None:
        wanted = wanted.order_by("latest_delivery_at", "pk")[:limit]
        expected = Counter(wanted.values_list("account_id", flat=True))
    look_at = max(at, batch.release_at - LOOK_LEAD)
    queued = _insert_actions(
        wanted,
        {
            "account_id": F("account_id"),
            "order_id": F("pk"),
            "kind": REVIEW_REQUEST.name,
            "api": REVIEW_REQUEST.api.value,
            "payload": {},
            "payload_hash": "",
            "status": Status.QUEUED.value,
            "status_at": at,
            "reason": "",
            "priority": Priority.BATCH.value,
            "look_at": look_at,
            "not_before": batch.release_at,
            "not_after": F("latest_delivery_at") + ReviewWindow.from_settings().closes_after,
            "offered_looks": 0,
            "absent_looks": 0,
            "looks": 0,
            "batch_id": batch.pk,
            "requested_by_id": batch.created_by_id,
            "created_at": at,
        },
    )
    actions = OutgoingAction.objects.filter(batch=batch)
    Order.objects.filter(pk__in=actions.order_by().values("order_id")).mark_solicitation(
        Status.QUEUED, at
    )
    made = dict(actions.order_by().values_list("account_id").annotate(Count("pk")))
    for account_id, number in expected.items():
        # somebody else asked for these between the two statements
        lost = number - made.get(account_id, 0)
        if lost > 0:
            skipped.setdefault(account_id, Counter())[Status.QUEUED.value] += lost
    batch.queued = queued
    batch.skipped = {str(pk): dict(counts) for pk, counts in skipped.items() if counts}
    batch.selected = queued + sum(counts.total() for counts in skipped.values())
    batch.save(update_fields=["queued", "skipped", "selected"])
    return sorted(made)


def _one_message_accounts(account_ids: Iterable[int]) -> list[int]:
    """Those of the accounts that forbid a review request after a message: as a rule none."""
    accounts = SellerAccount.objects.filter(pk__in=account_ids, one_message_per_order=True)
    return list(accounts.order_by("pk").values_list("pk", flat=True))


def _was_written() -> Exists:
    """Whether a message to the order's buyer is on its way, has left or may have."""
    messages = OutgoingAction.objects.filter(order=OuterRef("pk"), status__in=sorted(WRITTEN))
    return Exists(messages.exclude(kind=REVIEW_REQUEST.name))


def _askable(orders: OrderQuerySet, at: datetime, one_message: Collection[int]) -> OrderQuerySet:
    """Those for which a request at that moment (UTC) queues an action."""
    wanted = orders.eligible(at).unasked()
    return wanted.exclude(_was_written(), account_id__in=one_message) if one_message else wanted


def _count_second_of_one(
    orders: OrderQuerySet, at: datetime, one_message: Collection[int]
) -> dict[int, int]:
    """By account: how many of these could be asked, had no message been written for them."""
    if not one_message:
        return {}
    written = orders.eligible(at).unasked().filter(_was_written(), account_id__in=one_message)
    return dict(written.values_list("account_id").annotate(Count("pk")).order_by())


def hold_one_per_order(account_ids: Iterable[int]) -> list[int]:
    """Those of the accounts that allow one of a review request and a message, as a rule none.

    Until the caller's transaction ends, nobody else queues for them or takes in their orders: of two
    who ask for one of each at the same moment, the second finds the first.
    """
    accounts = _one_message_accounts(account_ids)
    for account_id in accounts:
        lock_orders_of(account_id)
    return accounts


def _insert_actions(source: models.QuerySet[Any], columns: dict[str, Any]) -> int:
    """Actions stand for the rows of `source`; those that a constraint forbids are left out.

    Values are constants or expressions over the source. They are written in the order of their
    orders' ids, so that two people who ask for the same orders at once wait for each other in turn.
    Returns how many were written.
    """
    expressions: dict[str, Any] = {}
    fields = {field.attname: field for field in OutgoingAction._meta.concrete_fields}
    for name, value in columns.items():
        if hasattr(value, "resolve_expression"):
            expressions[f"new_{name}"] = value
        else:
            field = fields[name]
            output = getattr(field, "target_field", field)
            expressions[f"new_{name}"] = Cast(
                Value(value, output_field=output), output_field=output
            )
    rows = source.annotate(**expressions).values_list(*expressions)
    try:
        select, parameters = rows.query.sql_with_params()
    except EmptyResultSet:
        return 0  # Django knows without asking that there is nothing to select
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(fields[name].column)) for name in columns)
    table = quote(OutgoingAction._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            # WHERE true: without it SQLite takes ON CONFLICT for a condition of a join
            f"INSERT INTO {table} ({names}) SELECT * FROM ({select}) AS chosen WHERE true"  # noqa: S608 - all names are ours
            " ORDER BY new_order_id ON CONFLICT DO NOTHING",
            parameters,
        )
        return int(cursor.rowcount)
