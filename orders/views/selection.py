"""Which orders a person selected: by their ids, or all that a filter matches.

"All that match" travels as a signed filter and count, good for one person. The server counts again
before anything happens, and when the list has changed, says so and does nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.core import signing
from django.core.exceptions import BadRequest
from django.http import HttpRequest

from orders.models import Order, OrderQuerySet
from orders.views.filters import OrderFilter, matching_orders
from sellers.models import Role
from solicit_dashboard.access import Reach, get_orders, get_user, require_some_account, single_value

MOST_ORDERS = 5_000
# A selection is as good as the page that it was made on.
GOOD_FOR_SECONDS = 12 * 3600
UNREADABLE = "This selection is from an old page. Go back to the orders and select again."

_ID = re.compile(r"[0-9]{1,18}")


class TooManyOrdersError(Exception):
    """More orders were named than one request takes."""


class ListChangedError(Exception):
    """The list does not have as many orders any more as it had when it was selected."""

    def __init__(self, promised: int, found: int) -> None:
        super().__init__(
            f"The list changed from {promised:,} to {found:,} orders. Look again."
            " Nothing was requested."
        )


@dataclass(frozen=True)
class Selection:
    """The orders that were selected, cut to what this person may send for.

    `promised` is how many the person was shown (None: named one by one, or too many to count);
    `query` is the filter behind "all that match".
    """

    orders: OrderQuerySet
    description: str
    ids: tuple[int, ...] = ()
    repeats: int = 0
    is_all_matching: bool = False
    promised: int | None = None
    query: str = ""

    def check(self, found: int) -> None:
        """Raises ListChangedError when that many orders are not what the person was shown."""
        if self.promised is not None and self.promised != found:
            raise ListChangedError(self.promised, found)


def sign_all_matching(user: User, query: str, number: int | None) -> str:
    """The value of the field `all_matching`: this filter, with so many orders (None: not counted)."""
    return signing.dumps({"query": query, "number": number}, salt=_salt(user), compress=True)


def read_selection(request: HttpRequest, reach: Reach, *, at: datetime) -> Selection:
    """What was selected on the page that was posted.

    Raises Http404 for an order that is not mine, RoleTooLowError for an account that I only see,
    TooManyOrdersError, and BadRequest for what cannot be read.
    """
    token = single_value(request.POST, "all_matching")
    if token:
        return _all_matching(request, reach, token, at)
    given = request.POST.getlist("order")
    if len(given) > MOST_ORDERS:
        raise TooManyOrdersError
    for value in given:
        if not _ID.fullmatch(str(value)):
            raise BadRequest(f"order: “{str(value)[:40]}” is not the id of an order.")
    if not given:
        require_some_account(request, reach, Role.OPERATOR)
        raise BadRequest("No orders were selected. Go back and tick some.")
    ids = tuple(dict.fromkeys(int(value) for value in given))
    get_orders(request, ids, Role.OPERATOR, reach=reach)
    return Selection(
        orders=Order.objects.order_by().filter(pk__in=ids),
        description="Selected one by one",
        ids=ids,
        repeats=len(given) - len(ids),
    )


def _all_matching(request: HttpRequest, reach: Reach, token: str, at: datetime) -> Selection:
    account_ids = require_some_account(request, reach, Role.OPERATOR)
    try:
        signed = signing.loads(token, salt=_salt(get_user(request)), max_age=GOOD_FOR_SECONDS)
    except signing.BadSignature:
        raise BadRequest(UNREADABLE) from None
    filters = OrderFilter.from_query(signed["query"], reach)
    if filters is None:
        # An account or a marketplace is no longer mine.
        raise BadRequest(UNREADABLE)
    account_ids = [pk for pk in account_ids if filters.account_id in (None, pk)]
    return Selection(
        orders=matching_orders(filters, filters.narrow(account_ids), at),
        description=filters.describe(reach),
        is_all_matching=True,
        promised=signed["number"],
        query=signed["query"],
    )


def _salt(user: User) -> str:
    return f"orders.all-matching.{user.pk}"
