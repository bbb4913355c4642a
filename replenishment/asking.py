"""One question to Amazon for a page of offers, at Amazon's pace of one a second."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from replenishment.forms import OffersForm, Shop
from replenishment.words import PROMOTIONS, SORTS
from sellers.clients import account_key, client_for
from sellers.encryption import SecretUnreadableError
from solicit_dashboard.doctor.findings import refusal
from solicit_dashboard.ratelimit import RedisLimiter
from spapi import Client, LimitReached, OfferPage, SpApiError, Throttled
from spapi.replenishment import MOST_OFFERS

# How long a page waits for its turn, in seconds, before it says that there was none.
PATIENCE_SECONDS = 4.0
# No role of Amazon's list is named for this API in a source that we have.
_ROLE = "for the Replenishment API"


class CannotAskError(Exception):
    """Amazon gave no offers; the message is for a person."""


@dataclass(frozen=True)
class Question:
    """What is asked of Amazon, without the page."""

    shop: Shop
    skus: tuple[str, ...] = ()
    asins: tuple[str, ...] = ()
    eligibilities: tuple[str, ...] = ()
    enrolments: tuple[str, ...] = ()
    promotions: dict[str, tuple[int, ...]] = field(default_factory=dict)
    sort_key: str | None = None
    is_descending: bool = False

    @classmethod
    def from_form(cls, form: OffersForm) -> Question:
        """The question of a valid form; without a shop in it, about the first one."""
        data = form.cleaned_data
        shop = next((one for one in form.shops if one.key == data["shop"]), form.shops[0])
        sort = SORTS.get(data["sort"])
        return cls(
            shop=shop,
            skus=tuple(data["sku"]),
            asins=tuple(data["asin"]),
            eligibilities=tuple(data["eligibility"]),
            enrolments=tuple(filter(None, [data["enrolment"]])),
            promotions={
                name: tuple(data[promotion.field])
                for name, promotion in PROMOTIONS.items()
                if data[promotion.field]
            },
            sort_key=sort.key if sort else None,
            is_descending=data["dir"] == "desc",
        )


class Asker:
    """Asks for the pages of one question; a client is made once."""

    def __init__(self, question: Question) -> None:
        """Raises CannotAskError when the account has no token that can be read."""
        account = question.shop.account
        limiter = RedisLimiter(account_key(account.selling_partner_id, account.region))
        self._question = question
        try:
            self._client: Client = client_for(account, limiter=limiter)
        except (ValueError, SecretUnreadableError) as error:
            raise CannotAskError(str(error)) from error

    def page(self, number: int, *, patience: float = PATIENCE_SECONDS) -> OfferPage:
        """The page with this number, from 1, of 100 offers.

        Waits for Amazon's pace up to `patience` seconds in all. Raises CannotAskError.
        """
        waited = 0.0
        while True:
            try:
                return self._ask(number)
            except (LimitReached, Throttled) as error:
                pause = max(error.retry_after or 1.0, 0.05)
                if waited + pause > patience:
                    raise CannotAskError(_words(error)) from error
            except SpApiError as error:
                raise CannotAskError(_words(error)) from error
            time.sleep(pause)
            waited += pause

    def _ask(self, number: int) -> OfferPage:
        asked = self._question
        return self._client.list_offers(
            asked.shop.marketplace_id,
            skus=asked.skus,
            asins=asked.asins,
            eligibilities=asked.eligibilities,
            auto_enrollment=asked.enrolments,
            promotions=asked.promotions,
            sort_key=asked.sort_key,
            descending=asked.is_descending,
            limit=MOST_OFFERS,
            offset=(number - 1) * MOST_OFFERS,
        )


def _words(error: SpApiError) -> str:
    finding = refusal(error, _ROLE)
    return f"{finding.says} {finding.remedy}"
