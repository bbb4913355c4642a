"""Exclusions: which orders are never asked, by a fact of the order that somebody wrote down."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Case, Exists, OuterRef, Q, Value, When

from audit.models import AuditKind
from audit.services import record_event
from orders.locking import lock_orders_of
from orders.models import AMAZON_ORDER_ID, Exclusion, ExclusionKind, Order, OrderItem
from sellers.models import SellerAccount
from solicit_dashboard.conflicts import repeats_on_conflict

LONGEST_VALUE = 64
# Values in one statement; SQLite and a reader of slow-query logs both have their limits.
CHUNK = 500


class BadExclusionError(ValueError):
    """A value cannot be excluded; the sentence says which and why. Nothing was changed."""


def exclude(
    account: SellerAccount,
    kind: ExclusionKind,
    values: Iterable[str],
    *,
    user: User,
    reason: str = "",
) -> int:
    """Orders with one of these numbers, SKUs or ASINs are not asked; returns how many were added.

    Values are trimmed; repeats and those that stand already are left as they are. Orders that come
    in later are covered too. Raises BadExclusionError before anything is changed.
    """
    cleaned = list(dict.fromkeys(clean_value(kind, value) for value in values))
    return _exclude(account, kind, cleaned, user=user, reason=reason)


@repeats_on_conflict
def _exclude(
    account: SellerAccount, kind: ExclusionKind, cleaned: list[str], *, user: User, reason: str
) -> int:
    added = 0
    with transaction.atomic():
        lock_orders_of(account.pk)
        for chunk in _chunks(cleaned):
            standing = set(
                _standing(account)
                .filter(kind=kind, value__in=chunk)
                .values_list("value", flat=True)
            )
            new = [value for value in chunk if value not in standing]
            Exclusion.objects.bulk_create(
                [
                    Exclusion(
                        account=account,
                        kind=kind,
                        value=value,
                        reason=reason.strip()[:200],
                        created_by=user,
                    )
                    for value in new
                ]
            )
            added += len(new)
            _refresh(account, _touched(account, kind, new))
    return added


@repeats_on_conflict
def undo_exclusion(exclusion: Exclusion, *, user: User, at: datetime) -> bool:
    """The exclusion stands no longer from that moment (UTC); False when it was undone before.

    Its orders may be asked again unless another exclusion covers them.
    """
    with transaction.atomic():
        lock_orders_of(exclusion.account_id)
        undone = Exclusion.objects.filter(pk=exclusion.pk, undone_at=None).update(
            undone_at=at, undone_by=user
        )
        if undone:
            kind = ExclusionKind(exclusion.kind)
            record_event(
                AuditKind.EXCLUSION_UNDONE,
                user=user,
                account_id=exclusion.account_id,
                subject=str(exclusion),
            )
            _refresh(exclusion.account, _touched(exclusion.account, kind, [exclusion.value]))
    exclusion.refresh_from_db(fields=["undone_at", "undone_by"])
    return bool(undone)


def refresh_exclusions(account: SellerAccount, *, order_ids: Collection[int] | None = None) -> int:
    """`is_excluded` of these orders (of all, without `order_ids`) says what the exclusions say.

    Returns how many rows that changed. One UPDATE; the caller holds `lock_orders_of` or is the
    only writer.
    """
    among = Q() if order_ids is None else Q(pk__in=order_ids)
    if not _standing(account).exists():
        # nearly always, and ingest asks for every order
        return Order.objects.filter(among, account=account, is_excluded=True).update(
            is_excluded=False
        )
    return _refresh(account, among)


def clean_value(kind: ExclusionKind, value: str) -> str:
    """The value as exclusions and orders have it; BadExclusionError when it cannot be one."""
    value = value.strip()
    if kind == ExclusionKind.ASIN:
        value = value.upper()
    if not value or len(value) > LONGEST_VALUE or not value.isprintable():
        raise BadExclusionError(f"“{value[:LONGEST_VALUE]}” is no {kind.label}.")
    if kind == ExclusionKind.ORDER and not AMAZON_ORDER_ID.fullmatch(value):
        raise BadExclusionError(f"“{value}”: order numbers look like 123-1234567-1234567.")
    return value


def _touched(account: SellerAccount, kind: ExclusionKind, values: list[str]) -> Q:
    """The orders that these values may concern, found by the indexes on number, SKU and ASIN."""
    if kind == ExclusionKind.ORDER:
        return Q(amazon_order_id__in=values)
    items = OrderItem.objects.filter(order__account=account, **{f"{kind.value}__in": values})
    return Q(pk__in=items.values("order_id"))


def _refresh(account: SellerAccount, among: Q) -> int:
    def stands(kind: ExclusionKind, value: str) -> Exists:
        return Exists(_standing(account).filter(kind=kind, value=OuterRef(value)))

    covered = stands(ExclusionKind.ORDER, "amazon_order_id") | Q(
        Exists(
            OrderItem.objects.filter(
                stands(ExclusionKind.SKU, "sku") | stands(ExclusionKind.ASIN, "asin"),
                order=OuterRef("pk"),
            )
        )
    )
    return (
        Order.objects.filter(among, account=account)
        .filter(Q(covered, is_excluded=False) | Q(~covered, is_excluded=True))
        .update(is_excluded=Case(When(is_excluded=True, then=Value(False)), default=Value(True)))
    )


def _standing(account: SellerAccount) -> models.QuerySet[Exclusion]:
    return Exclusion.objects.filter(account=account, undone_at=None)


def _chunks(values: list[str]) -> Iterable[list[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
