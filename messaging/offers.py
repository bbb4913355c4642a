"""What Amazon offers for one order now: asked for a person who waits, and kept with its moment.

Names alone are compared. Where the list says that a message goes (`href`) is nowhere read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from messaging.action_types import MESSAGES, ActionType, Api, Limits
from messaging.amazon_calls import ask_offers
from messaging.models import OrderOffers
from orders.models import Order
from sellers.clients import client_for, limiter_for
from sellers.encryption import SecretUnreadableError
from sellers.models import Connection
from spapi import (
    AccessDenied,
    Client,
    FormField,
    InvalidClient,
    InvalidGrant,
    LimitReached,
    MessageOffer,
    NotFound,
    OfferedMessages,
    Rejected,
    SpApiError,
    Throttled,
)

# A list that is younger is used again: the way from the list to the form, the check and the send.
FRESH = timedelta(seconds=60)
# How long a person waits for one answer, in seconds.
PATIENCE = 8.0
# The longest list that was seen has five; what Amazon sends is kept, and not without end.
MOST_OFFERS = 40
MOST_WORDS = 1_000
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")


class OffersUnknownError(Exception):
    """Amazon could not be asked, or did not tell; the message is a sentence for a person."""


@dataclass(frozen=True)
class Field:
    """What Amazon's form says of a text or of files; None where it names no number."""

    title: str = ""
    description: str = ""
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Offer:
    """One entry of Amazon's list; a `disabled` one cannot be sent now, for `reason`."""

    name: str
    title: str = ""
    description: str = ""
    disabled: bool = False
    reason: str = ""
    text: Field | None = None
    files: Field | None = None

    @property
    def type(self) -> ActionType | None:
        """What we know of it; None: it is done in Seller Central."""
        return MESSAGES.get(self.name)


@dataclass(frozen=True)
class Listing:
    """What is known of the list: `asked_at` (UTC) is None where Amazon was never asked.

    `fault` says in a sentence why it is not newer, "" when it is as new as it should be.
    """

    offers: tuple[Offer, ...] = ()
    locale: str = ""
    asked_at: datetime | None = None
    fault: str = ""

    def offer(self, name: str) -> Offer | None:
        """The entry of that name which may be sent, None where there is none."""
        found = (one for one in self.offers if one.name == name and not one.disabled)
        return next(found, None)

    def why_disabled(self, name: str) -> str:
        """Amazon's reason why the entry of that name cannot be sent now, "" where it gives none."""
        return next((one.reason for one in self.offers if one.name == name), "")

    @property
    def is_known(self) -> bool:
        """Whether Amazon was ever asked."""
        return self.asked_at is not None


def known_offers(order: Order) -> Listing:
    """What was said last, however old; Amazon is not asked."""
    return _listing(OrderOffers.objects.filter(order=order).first())


def read_offers(order: Order, *, at: datetime, again: bool = False) -> Listing:
    """What Amazon offers for the order; it is asked unless it was within the last minute.

    With `again` it is asked whatever is known. `at` is now (UTC). Never raises for Amazon: where it
    could not be asked the last known list comes back, with the reason in `fault`.
    """
    known = known_offers(order)
    if known.asked_at is not None and not again and abs(at - known.asked_at) < FRESH:
        return known
    locale = known.locale
    try:
        client = _client(order)
        offers = _ask_list(client, order)
    except OffersUnknownError as error:
        return replace(known, fault=str(error))
    if not locale or again:
        locale = _ask_locale(client, order) or locale
    stored, _made = OrderOffers.objects.update_or_create(
        order=order,
        defaults={
            "asked_at": at,
            "offers": [asdict(one) for one in offers],
            "locale": locale,
        },
    )
    return _listing(stored)


def tighten(action_type: ActionType, offer: Offer) -> ActionType:
    """The type with the stricter limits: those of Amazon's model, and those of its form.

    A form that leaves nothing possible, or lacks the field, changes nothing.
    """
    return replace(
        action_type,
        text=_stricter(action_type.text, offer.text),
        files=_stricter(action_type.files, offer.files),
    )


def _stricter(ours: Limits | None, theirs: Field | None) -> Limits | None:
    if ours is None or theirs is None:
        return ours
    least = max(ours.least, theirs.least or 0)
    most = ours.most if theirs.most is None else min(ours.most, theirs.most)
    return Limits(least, most) if least <= most else ours


def _client(order: Order) -> Client:
    account = order.account
    if account.connection == Connection.DISCONNECTED:
        raise OffersUnknownError("The account is disconnected: Amazon cannot be asked for it.")
    try:
        return client_for(account, limiter=limiter_for(account), deadline=PATIENCE)
    except (ValueError, SecretUnreadableError) as error:
        raise OffersUnknownError(str(error)) from error


def _ask_list(client: Client, order: Order) -> list[Offer]:
    try:
        found = ask_offers(
            client,
            Api.MESSAGING,
            order=order.amazon_order_id,
            marketplace=order.marketplace_id,
        )
    except SpApiError as error:
        raise OffersUnknownError(_explain(error)) from error
    if not found.well_formed or not isinstance(found, OfferedMessages):
        raise OffersUnknownError("Amazon's answer is not a list of messages. Ask again.")
    return [_kept(one) for one in found.messages[:MOST_OFFERS]]


def _ask_locale(client: Client, order: Order) -> str:
    """The buyer's language as a tag, such as de-DE; "" where Amazon tells none.

    A message may be written all the same.
    """
    try:
        found = client.get_attributes(order.amazon_order_id, order.marketplace_id)
    except SpApiError:
        return ""
    locale = (found.locale or "").replace("_", "-")
    return locale if LANGUAGE_TAG.fullmatch(locale) else ""


def _kept(offer: MessageOffer) -> Offer:
    return Offer(
        name=offer.name[:MOST_WORDS],
        title=offer.title[:MOST_WORDS],
        description=offer.description[:MOST_WORDS],
        disabled=offer.disabled,
        reason=offer.disabled_reason[:MOST_WORDS],
        text=_kept_field(offer.text),
        files=_kept_field(offer.attachments),
    )


def _kept_field(field: FormField | None) -> Field | None:
    if field is None:
        return None
    least = max(1, field.least or 0) if field.required else field.least
    return Field(field.title[:MOST_WORDS], field.description[:MOST_WORDS], least, field.most)


def _listing(stored: OrderOffers | None) -> Listing:
    """What is kept; nothing, should another release have kept it in its own way."""
    if stored is None:
        return Listing()
    try:
        offers = tuple(_read(one) for one in stored.offers)
    except (KeyError, TypeError):
        return Listing(locale=stored.locale)
    return Listing(offers, stored.locale, stored.asked_at)


def _read(kept: Mapping[str, Any]) -> Offer:
    fields = {name: Field(**kept[name]) if kept[name] else None for name in ("text", "files")}
    return Offer(**{**kept, **fields})


def _explain(error: SpApiError) -> str:
    """Why Amazon did not tell what it offers, in a sentence for who asked."""
    if isinstance(error, (Throttled, LimitReached)):
        seconds = math.ceil(error.retry_after or 1)
        return f"Amazon is asked as often as it allows. Ask again in {seconds} s."
    if isinstance(error, (InvalidGrant, InvalidClient)):
        return "Amazon no longer accepts this account's authorization. Connect the account again."
    if isinstance(error, AccessDenied):
        return (
            "Amazon refuses the question: the application lacks the role “Buyer Communication”, or "
            "the account was connected before it had it."
        )
    if isinstance(error, NotFound):
        return "Amazon says that it has no such order for this account."
    if isinstance(error, Rejected):
        return f"Amazon refuses the question: {error.message or error.code}."
    return "Amazon did not answer in time. Ask again in a minute."
