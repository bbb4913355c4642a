"""Replenishment 2022-11-07: the seller's offers in Subscribe & Save, filtered, sorted and by pages."""

from collections.abc import Callable, Collection
from typing import Any

from sandbox.marketplaces import BY_ID
from sandbox.messages import Answer, json_answer
from sandbox.operations.parameters import body_of, invalid, refuse_unknown
from sandbox.operations.routing import Call, State
from sandbox.subscriptions import (
    CONDITIONS,
    COUNTRIES,
    ELIGIBILITIES,
    PROMOTIONS,
    SubscribedOffer,
    subscribed_offers,
)

_ENROLLMENTS = ("OPTED_IN", "OPTED_OUT")
_UNSUPPORTED = (
    "Unsupported eligibility is provided. Only ELIGIBLE, INELIGIBLE, SUSPENDED and "
    "REPLENISHMENT_ONLY_ORDERING are supported"
)
_SORTS: dict[str, Callable[[SubscribedOffer], Any]] = {
    "ASIN": lambda offer: offer.listing.asin,
    "SELLING_PARTNER_FUNDED_BASE_DISCOUNT_PERCENTAGE": lambda offer: offer.promotions[0],
    "SELLING_PARTNER_FUNDED_TIERED_DISCOUNT_PERCENTAGE": lambda offer: offer.promotions[1],
    "AMAZON_FUNDED_BASE_DISCOUNT_PERCENTAGE": lambda offer: offer.promotions[2],
    "AMAZON_FUNDED_TIERED_DISCOUNT_PERCENTAGE": lambda offer: offer.promotions[3],
    "INVENTORY": lambda offer: offer.inventory,
    "PRICE": lambda offer: offer.price,
    "SUBSCRIPTION_COUNT": lambda offer: offer.subscriptions,
    "FULFILLMENT_NETWORK_ID_TYPE": lambda offer: "AMAZON",
}
_Test = Callable[[SubscribedOffer], bool]


def list_offers(state: State, call: Call) -> Answer:
    """200 with one page of the offers that match every filter; 400 for what the model does not have."""
    refuse_unknown(call.request, ())
    document = body_of(call.request)
    _only(document, "The body", ("pagination", "filters", "sort"))
    paging = _object(document, "pagination", ("limit", "offset"))
    limit, offset = _number(paging, "limit", 1, 100), _number(paging, "offset", 0, 9_000)
    filters = _object(
        document,
        "filters",
        (
            "marketplaceId",
            "programTypes",
            "skus",
            "asins",
            "eligibilities",
            "preferences",
            "promotions",
            "deliveriesConditions",
        ),
    )
    market = BY_ID.get(str(filters.get("marketplaceId")))
    if market is None or market.country not in COUNTRIES:
        raise invalid("marketplaceId: Invalid value.")
    if filters.get("programTypes") != ["SUBSCRIBE_AND_SAVE"]:
        raise invalid("programTypes: Only SUBSCRIBE_AND_SAVE is supported.")
    tests = _tests(filters)
    found = []
    if call.partner.sells_in(market.id):
        every = subscribed_offers(state.world.plan.seed, call.partner, market)
        found = [offer for offer in every if all(test(offer) for test in tests)]
    if "sort" in document:
        sort = _object(document, "sort", ("order", "key"))
        order, key = sort.get("order"), sort.get("key")
        if key not in _SORTS or order not in ("ASC", "DESC"):
            raise invalid("sort: Invalid value.")
        found.sort(key=_SORTS[key], reverse=order == "DESC")
    shown = [offer.as_json() for offer in found[offset : offset + limit]]
    return json_answer(200, {"offers": shown, "pagination": {"totalResults": len(found)}})


def _tests(filters: dict[str, Any]) -> list[_Test]:
    """What each filter that was given asks of an offer."""
    tests: list[_Test] = []

    def wanted(held: Callable[[SubscribedOffer], object], values: list[Any]) -> None:
        tests.append(lambda offer: held(offer) in values)

    if "skus" in filters:
        wanted(lambda offer: offer.listing.sku, _list(filters, "skus", 20))
    if "asins" in filters:
        wanted(lambda offer: offer.listing.asin, _list(filters, "asins", 20))
    if "eligibilities" in filters:
        words = _list(filters, "eligibilities", 4, ELIGIBILITIES, _UNSUPPORTED)
        wanted(lambda offer: offer.eligibility, words)
    if "preferences" in filters:
        preferences = _object(filters, "preferences", ("autoEnrollment",))
        if preferences:
            words = _list(preferences, "autoEnrollment", 2, _ENROLLMENTS)
            wanted(lambda offer: offer.auto_enrollment, words)
    if "deliveriesConditions" in filters:
        words = _list(filters, "deliveriesConditions", 5, CONDITIONS)
        wanted(lambda offer: offer.condition, words)
    promotions = _object(filters, "promotions", PROMOTIONS) if "promotions" in filters else {}
    for name in promotions:
        funding = _object(promotions, name, ("percentage",))
        percentages = _list(funding, "percentage", 10)
        if not all(_is_whole(one) and 0 <= one <= 100 for one in percentages):
            raise invalid(f"{name}: percentages are from 0 to 100.")
        wanted(_percentage(name), percentages)
    return tests


def _percentage(promotion: str) -> Callable[[SubscribedOffer], object]:
    place = PROMOTIONS.index(promotion)
    return lambda offer: offer.promotions[place]


def _object(holder: dict[str, Any], name: str, known: Collection[str]) -> dict[str, Any]:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise invalid(f"{name}: Missing or invalid.")
    _only(value, name, known)
    return value


def _only(value: dict[str, Any], where: str, known: Collection[str]) -> None:
    for key in value:
        if key not in known:
            raise invalid(f"{where} has an unknown key.", key[:100])


def _list(
    holder: dict[str, Any], name: str, most: int, known: Collection[str] = (), refusal: str = ""
) -> list[Any]:
    values = holder.get(name)
    if not isinstance(values, list) or not 1 <= len(values) <= most:
        raise invalid(f"{name}: 1 to {most} values are needed.")
    if known and any(value not in known for value in values):
        raise invalid(refusal or f"{name}: Invalid value.")
    if any(value in values[:place] for place, value in enumerate(values)):
        raise invalid(f"{name}: a value is given twice.")
    return values


def _number(holder: dict[str, Any], name: str, least: int, most: int) -> int:
    value: Any = holder.get(name)
    if not _is_whole(value) or not least <= value <= most:
        raise invalid(f"{name}: {least} to {most}.")
    return int(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
