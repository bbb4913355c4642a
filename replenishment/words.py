"""Amazon's words of Subscribe & Save, and what the pages call them.

Source: replenishment-2022-11-07.json of Amazon's models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ELIGIBILITIES = {
    "ELIGIBLE": "Eligible",
    "INELIGIBLE": "Not eligible",
    "SUSPENDED": "Suspended",
    "REPLENISHMENT_ONLY_ORDERING": "Present subscribers only",
}
ENROLMENTS = {"OPTED_IN": "On", "OPTED_OUT": "Off"}
METHODS = {"AUTOMATIC": "Automatic", "MANUAL": "By hand"}
RISKS = {"LOW": "Low", "MEDIUM": "Medium", "HIGH": "High"}
NETWORKS = {"AMAZON": "Amazon", "MERCHANT": "Merchant"}
NO_ISSUES = "NO_ISSUES_FOR_NEXT_30_DAYS_DELIVERIES"
CONDITIONS = {
    "NEXT_30_DAYS_DELIVERIES_PAUSED_PRICING": "paused: price",
    "NEXT_30_DAYS_DELIVERIES_PAUSED_NON_BUYABLE": "paused: cannot be bought",
    "NEXT_30_DAYS_DELIVERIES_AT_LOW_INVENTORY_RISK_ONLY": "stock may not last",
    "NEXT_30_DAYS_DELIVERIES_AT_LOW_INVENTORY_RISK": "stock may not last",
}


@dataclass(frozen=True)
class Promotion:
    """A discount: the field of the address, and its label."""

    field: str
    label: str
    short: str


@dataclass(frozen=True)
class Sort:
    """A way to sort: Amazon's key, and its label."""

    key: str
    label: str


PROMOTIONS: Mapping[str, Promotion] = {
    "sellingPartnerFundedBaseDiscount": Promotion("own_base", "Your base discount, %", "Your base"),
    "sellingPartnerFundedTieredDiscount": Promotion(
        "own_tiered", "Your tiered discount, %", "Your tiered"
    ),
    "amazonFundedBaseDiscount": Promotion(
        "amazon_base", "Amazon's base discount, %", "Amazon's base"
    ),
    "amazonFundedTieredDiscount": Promotion(
        "amazon_tiered", "Amazon's tiered discount, %", "Amazon's tiered"
    ),
}
SORTS: Mapping[str, Sort] = {
    "asin": Sort("ASIN", "ASIN"),
    "price": Sort("PRICE", "Price"),
    "inventory": Sort("INVENTORY", "In stock"),
    "subscriptions": Sort("SUBSCRIPTION_COUNT", "Subscriptions"),
    "own_base": Sort("SELLING_PARTNER_FUNDED_BASE_DISCOUNT_PERCENTAGE", "Your base discount"),
    "own_tiered": Sort("SELLING_PARTNER_FUNDED_TIERED_DISCOUNT_PERCENTAGE", "Your tiered discount"),
    "amazon_base": Sort("AMAZON_FUNDED_BASE_DISCOUNT_PERCENTAGE", "Amazon's base discount"),
    "amazon_tiered": Sort("AMAZON_FUNDED_TIERED_DISCOUNT_PERCENTAGE", "Amazon's tiered discount"),
    "network": Sort("FULFILLMENT_NETWORK_ID_TYPE", "Who ships"),
}


def word(known: Mapping[str, str], given: str | None) -> str:
    """What the pages call it; a word of Amazon's that is new stands as it came."""
    return known.get(given, given) if given else ""
