"""What Amazon lets one write to the buyer of an order, as a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from messaging.action_types import ActionType
from messaging.languages import language_name, language_of
from messaging.offers import Listing, Offer, known_offers, read_offers
from messaging.seller_central import seller_central_address
from messaging.services import NotAllowedError
from messaging.services.refusing import second_of_one
from messaging.services.requesting import message_closes_at
from orders.models import Order
from sellers.models import Role
from solicit_dashboard.access import get_order, get_reach, single_value
from solicit_dashboard.middleware import is_htmx


@dataclass(frozen=True)
class Row:
    """One entry of Amazon's list as the page shows it; `type` is None for what is done elsewhere."""

    offer: Offer
    type: ActionType | None
    withdrawn_on: date | None

    @property
    def place(self) -> int:
        """What can be written first, what is done in Seller Central last."""
        if self.type is None:
            return 2
        return 1 if self.offer.disabled else 0


@require_safe
def offered(request: HttpRequest, account_id: int, number: str) -> HttpResponse:
    """What Amazon lets one write to the order's buyer; it is asked, with `?now=1` once more."""
    order = get_order(request, account_id, number)
    now = timezone.now()
    refusal = refusal_to_write(order, now)
    again = single_value(request.GET, "now") == "1"
    listing = known_offers(order) if refusal else read_offers(order, at=now, again=again)
    context = {
        "order": order,
        "listing": listing,
        "refusal": refusal,
        "rows": [] if refusal else offer_rows(listing),
        "may_write": get_reach(request).may(account_id, Role.OPERATOR),
        "language": buyer_language(listing.locale),
        "second": "" if refusal else second_of_one(order, is_solicitation=False),
        "seller_central": seller_central_address(order.marketplace_id, order.amazon_order_id),
    }
    template = "messaging/_messages.html" if is_htmx(request) else "messaging/messages.html"
    return render(request, template, context)


def offer_rows(listing: Listing) -> list[Row]:
    """Amazon's list, what can be written first."""
    rows = []
    for offer in listing.offers:
        known = offer.type
        withdrawn = known.withdrawn_on if known else ""
        rows.append(Row(offer, known, date.fromisoformat(withdrawn) if withdrawn else None))
    return sorted(rows, key=lambda row: row.place)


def buyer_language(locale: str) -> str:
    """The language in words with its tag, "German (de-DE)"; "" where it is not known."""
    language = language_of(locale)
    return f"{language_name(language)} ({locale})" if language else ""


def refusal_to_write(order: Order, at: datetime) -> str:
    """Why our own rules let nobody write to this buyer, "" when they do."""
    try:
        message_closes_at(order, at)
    except NotAllowedError as refusal:
        return str(refusal)
    if order.account.one_message_per_order:
        return second_of_one(order, is_solicitation=False)
    return ""
