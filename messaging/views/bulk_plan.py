"""A message for many orders, from one page to the next: what a form says, and the signed plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

from django.core import signing
from django.core.exceptions import BadRequest
from django.http import HttpRequest

from messaging.action_types import MESSAGES, ActionType
from messaging.drafting import Coverage, Writing
from messaging.files.refusal import FileRefusedError
from messaging.files.storing import GONE, get_files, store_file
from messaging.models import OrderOffers, StoredFile
from messaging.services.message_batches import MOST_DRAFTS, CheckedDraft
from orders.models import Order
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import get_account, get_orders, get_reach, get_user, single_value

# What Amazon offered longer ago is not shown.
RECENT = timedelta(hours=1)
GOOD_FOR_SECONDS = 3600
# To be changed it is good for a day's work: nobody's text is lost while the phone rings.
CHANGED_FOR_SECONDS = 12 * 3600
TOO_OLD = (
    "This page is too old to send from. Go back, press “Change it”, and check once more; or begin "
    "again with the orders."
)
MOST_FILES = 1_000
# What a person may write to many at once; the others have a condition that is said for each order.
BULK_KINDS: Mapping[str, ActionType] = {
    name: one for name, one in MESSAGES.items() if one.text is not None or one.files is not None
}


@dataclass(frozen=True)
class Place:
    """For whom something is written: a kind of message, and orders of one account with their items."""

    account: SellerAccount
    kind: str
    orders: list[Order]

    @property
    def type(self) -> ActionType:
        """What is sent."""
        return MESSAGES[self.kind]


@dataclass(frozen=True)
class Plan:
    """What the check page showed and its button sends: for the orders, in the words of `shown`."""

    account_id: int
    kind: str
    order_ids: list[int]
    text: str
    file_ids: list[int]
    by_number: bool
    months: int
    first_day: str
    key: str
    shown: str

    @classmethod
    def of(cls, place: Place, writing: Writing, checked: Sequence[CheckedDraft]) -> Self:
        """The plan of a page that is about to be shown, with a key of its own."""
        coverage = writing.coverage
        first_day = coverage.first_day if coverage else None
        return cls(
            account_id=place.account.pk,
            kind=place.kind,
            order_ids=[order.pk for order in place.orders],
            text=writing.text,
            file_ids=[file.pk for file in writing.files],
            by_number=writing.by_number,
            months=coverage.months if coverage else 0,
            first_day=first_day.isoformat() if first_day else "",
            key=str(uuid4()),
            shown=digest(checked),
        )

    def sign(self, request: HttpRequest) -> str:
        """The plan as it stands in the page, good for this person for an hour."""
        return signing.dumps(vars(self), salt=_salt(request), compress=True)

    @classmethod
    def read(cls, request: HttpRequest, token: str, *, max_age: int = GOOD_FOR_SECONDS) -> Self:
        """The plan that the page carried; BadRequest for one that is too old or another's.

        `max_age` in seconds.
        """
        try:
            return cls(**signing.loads(token, salt=_salt(request), max_age=max_age))
        except (signing.BadSignature, TypeError):  # or of a release whose plans were others
            raise BadRequest(TOO_OLD) from None

    @property
    def client_key(self) -> UUID:
        """One page makes one batch."""
        return UUID(self.key)

    @property
    def initial(self) -> dict[str, Any]:
        """What the form is filled with, to change it."""
        return {
            "text": self.text,
            "months": self.months or None,
            "first_day": self.first_day,
            "file_use": "by_number" if self.by_number else "same",
        }

    def place(self, request: HttpRequest) -> Place:
        """For whom it is; raises what `get_account` raises."""
        account = get_account(request, self.account_id, Role.OPERATOR)
        return Place(account, self.kind, load_orders(account, self.order_ids))

    def writing(self, account: SellerAccount) -> Writing:
        """What is written; FileRefusedError when a file is not kept any more."""
        coverage = None
        if self.months:
            first_day = date.fromisoformat(self.first_day) if self.first_day else None
            coverage = Coverage(self.months, first_day)
        files = get_files(account, self.file_ids)
        return Writing(self.text, files, self.by_number, coverage)


def read_place(request: HttpRequest) -> Place:
    """For whom the posted form is.

    Raises BadRequest, Http404 for what is not mine, RoleTooLowError for what I only see.
    """
    ids = read_ids(request)
    given = single_value(request.POST, "account")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise BadRequest("account: choose one of the list.")
    kind = single_value(request.POST, "kind")
    if kind not in BULK_KINDS:
        raise BadRequest("kind: there is no such message for many orders.")
    account = get_account(request, int(given), Role.OPERATOR)
    pairs = get_orders(request, ids, Role.OPERATOR, reach=get_reach(request))
    orders = load_orders(account, [pk for account_id, pk in pairs if account_id == account.pk])
    if not orders:
        raise BadRequest("No orders of this account were selected. Go back and tick some.")
    return Place(account, kind, orders)


def read_ids(request: HttpRequest) -> tuple[int, ...]:
    """The ids of the orders in the form, each once."""
    given = [str(value) for value in request.POST.getlist("order")]
    if not given:
        raise BadRequest("No orders were selected. Go back and tick some.")
    for value in given:
        if not (value.isascii() and value.isdigit() and len(value) < 19):
            raise BadRequest(f"order: “{value[:40]}” is not the id of an order.")
    ids = tuple(dict.fromkeys(int(value) for value in given))
    if len(ids) > MOST_DRAFTS:
        raise BadRequest(f"A message goes to at most {MOST_DRAFTS} orders at once.")
    return ids


def load_orders(account: SellerAccount, ids: Sequence[int]) -> list[Order]:
    """These orders of the account with all that is written of them, newest first; two queries."""
    found = Order.objects.filter(account=account, pk__in=ids).prefetch_related("items")
    orders = list(found.order_by("-purchased_at", "-pk"))
    for order in orders:
        order.account = account
    return orders


def read_bulk_files(
    request: HttpRequest, account: SellerAccount, *, at: datetime
) -> tuple[list[StoredFile], list[str]]:
    """The files that the form names, as many as there may be orders; sentences for those not taken.

    `at` in UTC. As `messaging.files.picking.read_files`, whose limits are those of one message.
    """
    faults: list[str] = []
    words = [str(one) for one in request.POST.getlist("file")]
    try:
        if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in words):
            raise FileRefusedError(GONE)
        if len(words) > MOST_FILES:
            raise FileRefusedError(f"At most {MOST_FILES:,} files go together.")
        files = get_files(account, [int(word) for word in words])
    except FileRefusedError as refusal:
        files, faults = [], [str(refusal)]
    for upload in request.FILES.getlist("upload"):
        if upload is not None:
            try:
                files.append(store_file(account, upload, user=get_user(request), at=at))
            except FileRefusedError as refusal:
                faults.append(str(refusal))
    return files, faults


def digest(checked: Sequence[CheckedDraft]) -> str:
    """The same for the same messages to the same orders: what a person saw is what is sent.

    An order that was left out and no longer would be is a change too, and the other way round.
    """
    shown = sorted((one.draft.order.pk, one.payload_hash, bool(one.left_out)) for one in checked)
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


@dataclass(frozen=True)
class KnownOffers:
    """What Amazon offered for some orders within the last hour, and their buyers' languages.

    `names` has an order that was asked about, with the messages that can be sent.
    """

    names: Mapping[int, frozenset[str]]
    locales: Mapping[int, str]

    def count(self, kind: str) -> int:
        """For how many it was offered."""
        return sum(kind in names for names in self.names.values())


def recent_offers(order_ids: Sequence[int], at: datetime) -> KnownOffers:
    """What is known at that moment (UTC); Amazon is not asked."""
    rows = OrderOffers.objects.filter(order__in=order_ids).order_by()
    names, locales = {}, {}
    for row in rows:
        if at - row.asked_at < RECENT:
            names[row.order_id] = frozenset(
                one["name"] for one in row.offers if not one.get("disabled")
            )
        if row.locale:
            locales[row.order_id] = row.locale
    return KnownOffers(names, locales)


def _salt(request: HttpRequest) -> str:
    return f"messaging.bulk.{get_user(request).pk}"
