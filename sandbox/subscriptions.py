"""What a seller has in Subscribe & Save: invented for every product, the same for the same seed."""

from dataclasses import dataclass
from typing import Any

from sandbox.catalogue import Listing
from sandbox.marketplaces import Marketplace
from sandbox.randomness import draw
from sandbox.world import Seller

COUNTRIES = ("US", "CA", "ES", "GB", "FR", "IT", "IN", "DE", "JP")
PROMOTIONS = (
    "sellingPartnerFundedBaseDiscount",
    "sellingPartnerFundedTieredDiscount",
    "amazonFundedBaseDiscount",
    "amazonFundedTieredDiscount",
)
ELIGIBILITIES = ("ELIGIBLE", "INELIGIBLE", "SUSPENDED", "REPLENISHMENT_ONLY_ORDERING")
_PAUSED = "NEXT_30_DAYS_DELIVERIES_PAUSED_"
_AT_RISK = "NEXT_30_DAYS_DELIVERIES_AT_LOW_INVENTORY_RISK"
NO_ISSUES = "NO_ISSUES_FOR_NEXT_30_DAYS_DELIVERIES"
CONDITIONS = (
    f"{_PAUSED}PRICING",
    f"{_PAUSED}NON_BUYABLE",
    f"{_AT_RISK}_ONLY",
    _AT_RISK,
    NO_ISSUES,
)


@dataclass(frozen=True, slots=True)
class SubscribedOffer:
    """One product in one marketplace; `promotions` in percent, in the order of `PROMOTIONS`."""

    listing: Listing
    marketplace: Marketplace
    eligibility: str
    auto_enrollment: str
    enrollment: str
    promotions: tuple[int, ...]
    inventory: int
    subscriptions: int
    condition: str

    @property
    def price(self) -> float:
        """The price of one piece."""
        return round(self.listing.price(self.marketplace), 2)

    def as_json(self) -> dict[str, Any]:
        """As Amazon's model replenishment-2022-11-07.json has it."""
        monthly = self.subscriptions * 3 // 4
        return {
            "sku": self.listing.sku,
            "asin": self.listing.asin,
            "marketplaceId": self.marketplace.id,
            "eligibility": self.eligibility,
            "offerProgramConfiguration": {
                "preferences": {"autoEnrollment": self.auto_enrollment},
                "promotions": {
                    name: {"percentage": percentage}
                    for name, percentage in zip(PROMOTIONS, self.promotions, strict=True)
                },
                "enrollmentMethod": self.enrollment,
            },
            "programType": "SUBSCRIBE_AND_SAVE",
            "price": self.price,
            "priceCurrencyCode": self.marketplace.currency,
            "inventory": self.inventory,
            "stockRisk": "HIGH" if self.inventory < monthly else "LOW",
            "deliveriesConditions": [
                {"condition": self.condition, "next30DaysDeliveries": monthly}
            ],
            "subscriptions": self.subscriptions,
            "fulfillmentNetworkIDType": "AMAZON",
            "forecastDeliveries": {
                f"next{days}DaysDeliveries": monthly * days // 30 for days in (15, 30, 60, 90)
            },
        }


def subscribed_offers(seed: int, seller: Seller, market: Marketplace) -> list[SubscribedOffer]:
    """The seller's offers in the marketplace, in the order of the catalogue."""
    found = []
    for listing in seller.catalogue.listings:
        chance = draw(seed, "subscribe", seller.number, market.id, listing.sku)
        if chance.random() < 0.15:
            continue
        subscriptions = int(chance.expovariate(1 / 30))
        inventory = int(chance.expovariate(1 / 120))
        risk = inventory < subscriptions
        conditions = CONDITIONS[2:4] if risk else (*[NO_ISSUES] * 8, *CONDITIONS[:2])
        found.append(
            SubscribedOffer(
                listing,
                market,
                chance.choices(ELIGIBILITIES, (84, 8, 5, 3))[0],
                chance.choice(("OPTED_IN", "OPTED_IN", "OPTED_OUT")),
                chance.choice(("AUTOMATIC", "MANUAL")),
                tuple(chance.choice((0, 0, 5, 10)) for _ in PROMOTIONS),
                inventory,
                subscriptions,
                chance.choice(conditions),
            )
        )
    return found
