"""The filters of the list of orders, as they stand in its address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils import timezone

from orders.forms import CHANNELS, OrderFilterForm
from orders.models import Order, OrderItem, OrderQuerySet
from orders.numbers import clean_order_number, is_beginning, number_range
from orders.views.pills import ALL, PILLS_BY_NAME, Pill, Sort
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import Reach
from spapi import MARKETPLACES

# A text that fits no more orders than this is looked up first, and its orders then are the list.
FEW = 1000


@dataclass(frozen=True)
class OrderFilter:
    """What an address of the list asks for; days are of the reader's time zone, both included."""

    pill: Pill = ALL
    account_id: int | None = None
    marketplace_id: str = ""
    channel: str = ""
    day_from: date | None = None
    day_to: date | None = None
    text: str = ""
    sort_name: str = ""
    direction: str = ""

    @classmethod
    def from_form(cls, form: OrderFilterForm) -> OrderFilter:
        """The filter that a valid form holds."""
        clean: dict[str, Any] = form.cleaned_data
        return cls(
            pill=PILLS_BY_NAME[clean["state"]],
            account_id=int(clean["account"]) if clean["account"] else None,
            marketplace_id=clean["marketplace"],
            channel=clean["channel"],
            day_from=clean["day_from"],
            day_to=clean["day_to"],
            text=clean["q"],
            sort_name=clean["sort"],
            direction=clean["direction"],
        )

    @classmethod
    def from_query(cls, query: str, reach: Reach) -> OrderFilter | None:
        """The filter that such an address holds, or None when it is not valid for this person."""
        form = OrderFilterForm(QueryDict(query), reach=reach)
        return cls.from_form(form) if form.is_valid() else None

    @property
    def sort(self) -> Sort:
        """The order of the rows: the one that was asked for, or the pill's usual one."""
        return self.pill.sort(self.sort_name) or self.pill.sorts[0]

    @property
    def is_descending(self) -> bool:
        """The direction that was asked for, or the usual one."""
        if self.direction and self.pill.sort(self.sort_name or self.sort.name):
            return self.direction == "desc"
        return self.sort.descending

    @property
    def note(self) -> str:
        """A sentence when the list is not sorted as the address says."""
        if self.sort_name and self.pill.sort(self.sort_name) is None:
            names = " or ".join(sort.name for sort in self.pill.sorts)
            return f"“{self.pill.label}” can be sorted by {names}, not by {self.sort_name}."
        return ""

    def query(self, **changes: Any) -> str:
        """The query of the address, with these filters changed; what is usual is left out."""
        changed = replace(self, **changes)
        parts = {
            "state": "" if changed.pill is ALL else changed.pill.name,
            "account": str(changed.account_id or ""),
            "marketplace": changed.marketplace_id,
            "channel": changed.channel,
            "from": changed.day_from.isoformat() if changed.day_from else "",
            "to": changed.day_to.isoformat() if changed.day_to else "",
            "q": changed.text,
            "sort": changed.sort_name,
            "dir": changed.direction,
        }
        return urlencode({name: value for name, value in parts.items() if value})

    def account_ids(self, reach: Reach, at_least: Role = Role.VIEWER) -> list[int]:
        """The accounts that it asks about, of those on which the person has that role."""
        ids = reach.ids(at_least)
        return [pk for pk in ids if self.account_id in (None, pk)]

    def narrow(self, account_ids: list[int]) -> Narrowing:
        """All that it asks of the orders of these accounts besides their state; looks its text up."""
        days = q = Q()
        if self.marketplace_id:
            q &= Q(marketplace_id=self.marketplace_id)
            account_ids = _accounts_of_region(self.marketplace_id, account_ids)
        if self.channel:
            q &= Q(fulfilled_by=CHANNELS[self.channel].value)
        if self.day_from:
            days &= Q(purchased_at__gte=_midnight(self.day_from))
        if self.day_to:
            days &= Q(purchased_at__lt=_midnight(self.day_to + timedelta(days=1)))
        if not self.text:
            return Narrowing(account_ids, days, q)
        found, is_few = _orders_with_text(self.text, account_ids)
        return Narrowing(account_ids, days, q & found, by_text="few" if is_few else "many")

    def describe(self, reach: Reach) -> str:
        """What was asked for in words: "Eligible now, amazon.de, FBA"."""
        words = [self.pill.label]
        words += [account.name for account in reach.accounts if account.pk == self.account_id]
        if self.marketplace_id:
            known = MARKETPLACES.get(self.marketplace_id)
            words.append(known.domain if known else self.marketplace_id)
        if self.channel:
            words.append(CHANNELS[self.channel].label)
        if self.day_from:
            words.append(f"purchased from {self.day_from}")
        if self.day_to:
            words.append(f"purchased to {self.day_to}")
        if self.text:
            words.append(f"“{self.text}”")
        return ", ".join(words)


@dataclass(frozen=True)
class Narrowing:
    """Accounts and conditions on their orders: the days of purchase, and what else is asked for.

    `by_text`: whether a text fits few or many of them.
    """

    account_ids: list[int]
    days: Q
    besides_days: Q
    by_text: str = ""

    @property
    def q(self) -> Q:
        """Both conditions."""
        return self.days & self.besides_days

    def __bool__(self) -> bool:
        return bool(self.q)

    @property
    def orders(self) -> OrderQuerySet:
        """The orders of these accounts, without the condition; of a few, with it."""
        orders = Order.objects.order_by()
        if self.by_text == "few":
            # They were looked up in these accounts; said twice, SQLite would read the accounts.
            return orders.filter(self.q)
        return orders.filter(account_id__in=self.account_ids)


def matching_orders(filters: OrderFilter, narrowing: Narrowing, at: datetime) -> OrderQuerySet:
    """The orders that the filter asks for at that moment (UTC), in no order."""
    return filters.pill.matching(narrowing.orders, at).filter(narrowing.q)


def _accounts_of_region(marketplace_id: str, account_ids: list[int]) -> list[int]:
    """Those of the accounts that can have orders of this marketplace: an account is of one region.

    The others would be searched to their oldest order in vain.
    """
    known = MARKETPLACES.get(marketplace_id)
    if known is None:
        return account_ids
    accounts = SellerAccount.objects.filter(pk__in=account_ids, region=known.region)
    return list(accounts.values_list("pk", flat=True))


def _orders_with_text(text: str, account_ids: list[int]) -> tuple[Q, bool]:
    """Orders whose number, or an item's SKU or ASIN, begins so; and whether they are few.

    Few are those of these accounts, by their ids. Many are told by a condition that leaves the
    accounts open; what in it is few by itself is told by ids too.
    """
    number = clean_order_number(text)
    begins_so = [_begins("sku", text), _begins("asin", text.upper())]
    items = OrderItem.objects.order_by()
    ids: set[int] = set()
    many: list[Q] = []
    for begins in begins_so:
        found = set(items.filter(begins).values_list("order_id", flat=True)[: FEW + 1])
        if len(found) > FEW:
            of_order = items.filter(begins, order_id=OuterRef("pk"))
            many.append(Q(Exists(of_order)))
        else:
            ids |= found
    if is_beginning(number):
        in_range = Q(amazon_order_id__range=number_range(number))
        mine = Order.objects.order_by().filter(in_range, account_id__in=account_ids)
        found = set(mine.values_list("pk", flat=True)[: FEW + 1])
        if len(found) > FEW:
            many.append(in_range)
        else:
            ids |= found
    if not many and len(ids) <= FEW:
        rows = Order.objects.order_by().filter(pk__in=ids).values_list("pk", "account_id")
        return Q(pk__in=[pk for pk, account_id in rows if account_id in account_ids]), True
    by_ids = [Q(pk__in=ids)] if ids else []
    return reduce(or_, [*many, *by_ids]), False


def _begins(column: str, text: str) -> Q:
    """The column begins with the text, said so that an index answers.

    PostgreSQL has an index for LIKE. SQLite's LIKE knows no case and so no index; its order of
    texts is that of their bytes, in which all that begins alike stands together.
    """
    if connection.vendor != "sqlite":
        return Q(**{f"{column}__startswith": text})
    return Q(**{f"{column}__gte": text, f"{column}__lt": f"{text}\U0010ffff"})


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
