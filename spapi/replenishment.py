"""Replenishment 2022-11-07: a seller's offers in Subscribe & Save, for sellers that ship by FBA."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from spapi.api import Api
from spapi.operations import LIST_OFFERS
from spapi.texts import amount, part, parts, text, whole_number
from spapi.types import Money
from spapi.writing import json_body

MOST_OFFERS = 100
LAST_OFFSET = 9_000
PROMOTIONS = (
    "sellingPartnerFundedBaseDiscount",
    "sellingPartnerFundedTieredDiscount",
    "amazonFundedBaseDiscount",
    "amazonFundedTieredDiscount",
)
SORT_KEYS = (
    "ASIN",
    "SELLING_PARTNER_FUNDED_BASE_DISCOUNT_PERCENTAGE",
    "SELLING_PARTNER_FUNDED_TIERED_DISCOUNT_PERCENTAGE",
    "AMAZON_FUNDED_BASE_DISCOUNT_PERCENTAGE",
    "AMAZON_FUNDED_TIERED_DISCOUNT_PERCENTAGE",
    "INVENTORY",
    "PRICE",
    "SUBSCRIPTION_COUNT",
    "FULFILLMENT_NETWORK_ID_TYPE",
)
# Where Amazon has the programme for sellers: model replenishment-2022-11-07.json.
REPLENISHMENT_COUNTRIES = frozenset({"US", "CA", "ES", "GB", "FR", "IT", "IN", "DE", "JP"})
_PROGRAM = "SUBSCRIBE_AND_SAVE"
_MOST_NAMED = 20
_MOST_PERCENTAGES = 10
_FORECASTS = (15, 30, 60, 90)


@dataclass(frozen=True, slots=True)
class ReplenishmentOffer:
    """One offer as Amazon describes it; what is missing is None, words are Amazon's own.

    `promotions` are percentages by the names in `PROMOTIONS`; `deliveries` counts those of the next
    30 days by their condition; `forecast` those of so many next days.
    """

    asin: str | None
    sku: str | None
    marketplace_id: str | None
    eligibility: str | None
    auto_enrollment: str | None
    enrollment_method: str | None
    price: Money | None
    inventory: int | None
    stock_risk: str | None
    subscriptions: int | None
    fulfillment_network: str | None
    promotions: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    deliveries: Mapping[str, int | None] = field(default_factory=dict, hash=False)
    forecast: Mapping[int, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class OfferPage:
    """One page of offers; `total` counts all that match, None if Amazon does not say."""

    offers: tuple[ReplenishmentOffer, ...]
    total: int | None


class ReplenishmentApi(Api):
    """https://developer-docs.amazon.com/sp-api/docs/replenishment-api-v2022-11-07-reference"""

    def list_offers(
        self,
        marketplace_id: str,
        *,
        skus: Collection[str] = (),
        asins: Collection[str] = (),
        eligibilities: Collection[str] = (),
        auto_enrollment: Collection[str] = (),
        promotions: Mapping[str, Collection[int]] | None = None,
        deliveries_conditions: Collection[str] = (),
        sort_key: str | None = None,
        descending: bool = False,
        limit: int = MOST_OFFERS,
        offset: int = 0,
    ) -> OfferPage:
        """One page of the seller's offers in one marketplace: those that match every filter given.

        A filter holds if one of its words does. At most 20 SKUs and ASINs; `promotions` are whole
        percentages by the names in `PROMOTIONS`, at most 10 each. `limit` is 1 to 100, `offset` 0
        to 9,000: of more than 9,100 matching offers only the first can be reached, and a filter
        must part them. Only where Amazon has the programme: US CA ES GB FR IT IN DE JP (model
        replenishment-2022-11-07.json).
        """
        if not 1 <= limit <= MOST_OFFERS or not 0 <= offset <= LAST_OFFSET:
            raise ValueError(f"limit is 1 to {MOST_OFFERS}, offset 0 to {LAST_OFFSET:,}")
        filters: dict[str, object] = {"marketplaceId": marketplace_id, "programTypes": [_PROGRAM]}
        for name, words in (("skus", skus), ("asins", asins)):
            if len(set(words)) > _MOST_NAMED:
                raise ValueError(f"give at most {_MOST_NAMED} {name}")
            filters |= _listed(name, words)
        filters |= _listed("eligibilities", eligibilities)
        if auto_enrollment:
            filters["preferences"] = _listed("autoEnrollment", auto_enrollment)
        if promotions:
            filters["promotions"] = {
                name: _percentages(name, values) for name, values in promotions.items()
            }
        filters |= _listed("deliveriesConditions", deliveries_conditions)
        document: dict[str, object] = {
            "pagination": {"limit": limit, "offset": offset},
            "filters": filters,
        }
        if sort_key is not None:
            document["sort"] = {"order": "DESC" if descending else "ASC", "key": sort_key}
        return self._ask(LIST_OFFERS, read_offers, body=json_body(document))


def read_offers(document: object) -> OfferPage | None:
    """The offers of an answer of listOffers; None if it is none."""
    if not isinstance(document, Mapping) or not isinstance(document.get("offers"), list):
        return None
    offers = tuple(_read_offer(entry) for entry in parts(document, "offers"))
    return OfferPage(offers, whole_number(part(document, "pagination").get("totalResults")))


def _read_offer(entry: Mapping[str, object]) -> ReplenishmentOffer:
    configuration = part(entry, "offerProgramConfiguration")
    price, currency = amount(entry.get("price")), text(entry, "priceCurrencyCode")
    promotions = {
        name: found
        for name in PROMOTIONS
        if (found := amount(part(part(configuration, "promotions"), name).get("percentage")))
        is not None
    }
    forecast_part = part(entry, "forecastDeliveries")
    forecast = {
        days: count
        for days in _FORECASTS
        if (count := whole_number(forecast_part.get(f"next{days}DaysDeliveries"))) is not None
    }
    deliveries = {
        condition: whole_number(one.get("next30DaysDeliveries"))
        for one in parts(entry, "deliveriesConditions")
        if (condition := text(one, "condition"))
    }
    return ReplenishmentOffer(
        asin=text(entry, "asin"),
        sku=text(entry, "sku"),
        marketplace_id=text(entry, "marketplaceId"),
        eligibility=text(entry, "eligibility"),
        auto_enrollment=text(part(configuration, "preferences"), "autoEnrollment"),
        enrollment_method=text(configuration, "enrollmentMethod"),
        price=Money(price, currency) if price is not None and currency else None,
        inventory=whole_number(entry.get("inventory")),
        stock_risk=text(entry, "stockRisk"),
        subscriptions=whole_number(entry.get("subscriptions")),
        fulfillment_network=text(entry, "fulfillmentNetworkIDType"),
        promotions=promotions,
        deliveries=deliveries,
        forecast=forecast,
    )


def _listed(name: str, words: Collection[str]) -> dict[str, object]:
    return {name: list(dict.fromkeys(words))} if words else {}


def _percentages(name: str, values: Collection[int]) -> dict[str, object]:
    if name not in PROMOTIONS:
        raise ValueError(f"{name} is no promotion; there are {', '.join(PROMOTIONS)}")
    distinct = list(dict.fromkeys(values))
    if not 1 <= len(distinct) <= _MOST_PERCENTAGES or not all(0 <= one <= 100 for one in distinct):
        raise ValueError(f"give 1 to {_MOST_PERCENTAGES} percentages from 0 to 100")
    return {"percentage": distinct}
