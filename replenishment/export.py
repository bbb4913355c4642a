"""The offers of one question as a CSV file, written while Amazon is asked for page after page."""

from __future__ import annotations

import csv
import logging
import secrets
from collections.abc import Iterator

from redis import RedisError

from replenishment.asking import Asker, CannotAskError, Question
from replenishment.forms import LAST_PAGE
from replenishment.words import PROMOTIONS
from sellers.models import SellerAccount
from solicit_dashboard.csv_cells import safe_cell
from solicit_dashboard.redis import get_redis, redis_key
from spapi import OfferPage, ReplenishmentOffer
from spapi.replenishment import MOST_OFFERS

logger = logging.getLogger(__name__)

MOST_EXPORTED = LAST_PAGE * MOST_OFFERS
# A page that Amazon has no room for is waited for so long, in seconds, before the file ends.
PAGE_PATIENCE_SECONDS = 60.0
# An export that has shown no sign for so long is over, in seconds: longer than one page may take.
_SIGN_OF_LIFE_SECONDS = 180
_FORECASTS = (15, 30, 60, 90)
HEADER = (
    *("sku", "asin", "marketplace", "eligibility", "automatic enrolment", "enrolled"),
    *("price", "currency", "in stock", "stock risk", "subscriptions", "ships"),
    *(f"{promotion.short.lower()} %" for promotion in PROMOTIONS.values()),
    *(f"deliveries in {days} days" for days in _FORECASTS),
    "next 30 days",
)


class Turn:
    """The right to export an account's offers: one at a time, since they share Amazon's pace."""

    def __init__(self, account: SellerAccount) -> None:
        self._key = redis_key("offers-export", account.pk)
        self._mark = secrets.token_hex(8)

    def take(self) -> None:
        """It is ours. Raises CannotAskError while another export of the account is under way."""
        try:
            taken = get_redis().set(self._key, self._mark, nx=True, ex=_SIGN_OF_LIFE_SECONDS)
        except RedisError as error:
            raise CannotAskError("Redis does not answer. Try again later.") from error
        if not taken:
            raise CannotAskError(
                "Another export of this account's offers is under way. Wait until it has ended."
            )

    def keep(self) -> None:
        """It stays ours for some more minutes."""
        try:
            get_redis().expire(self._key, _SIGN_OF_LIFE_SECONDS)
        except RedisError:
            return  # the limiter needs Redis too, and says so

    def give_back(self) -> None:
        """Another may begin."""
        try:
            if get_redis().get(self._key) == self._mark.encode():
                get_redis().delete(self._key)
        except RedisError:
            return  # it ends by itself


def rows_of(total: int | None) -> int:
    """How many of so many offers a file holds."""
    return min(total or 0, MOST_EXPORTED)


def seconds_for(total: int | None) -> int:
    """How long a file of so many offers takes, in seconds: Amazon gives a page a second."""
    return -(-rows_of(total) // MOST_OFFERS)


def csv_lines(question: Question, asker: Asker, first: OfferPage, turn: Turn) -> Iterator[str]:
    """The file line by line, `first` being its first page; a file that is cut off says so at its end."""
    writer = csv.writer(_Echo())
    written, page, number = 0, first, 1
    try:
        yield "\ufeff" + writer.writerow(HEADER)  # the mark makes spreadsheets read it as UTF-8
        while True:
            for offer in page.offers:
                yield writer.writerow([safe_cell(cell) for cell in _cells(offer, question)])
            written += len(page.offers)
            if len(page.offers) < MOST_OFFERS or (page.total or 0) <= number * MOST_OFFERS:
                return
            if number == LAST_PAGE:
                yield writer.writerow(
                    [f"Amazon gives the first {MOST_EXPORTED:,} of {page.total:,} offers. Filter."]
                )
                return
            number += 1
            turn.keep()
            try:
                page = asker.page(number, patience=PAGE_PATIENCE_SECONDS)
            except CannotAskError as error:
                logger.warning("An export of offers ended after %s rows: %s", written, error)
                said = f"NOT COMPLETE: {written:,} of {page.total:,} offers. {error}"
                yield writer.writerow([said])
                return
    finally:
        turn.give_back()


def _cells(offer: ReplenishmentOffer, question: Question) -> list[str]:
    problems = [
        f"{condition}: {'' if count is None else count}"
        for condition, count in offer.deliveries.items()
    ]
    values = (
        *(offer.sku, offer.asin, question.shop.domain, offer.eligibility, offer.auto_enrollment),
        *(offer.enrollment_method, offer.price and offer.price.amount),
        *(offer.price and offer.price.currency, offer.inventory, offer.stock_risk),
        *(offer.subscriptions, offer.fulfillment_network),
        *(offer.promotions.get(name) for name in PROMOTIONS),
        *(offer.forecast.get(days) for days in _FORECASTS),
        ", ".join(problems),
    )
    return ["" if value is None else str(value) for value in values]


class _Echo:
    """A file that gives each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line
