"""What one seller has on sale: every product in four colours, with SKU, ASIN and price."""

from dataclasses import dataclass
from string import ascii_uppercase, digits

from sandbox.marketplaces import Marketplace
from sandbox.products import COLOURS, HOME, HOSTILE, OUTDOOR, Product
from sandbox.randomness import draw


@dataclass(frozen=True, slots=True)
class Listing:
    """One product in one colour as one seller offers it."""

    brand: str
    product: Product
    colour: int
    sku: str
    asin: str

    def title(self, marketplace: Marketplace) -> str:
        """The title in the marketplace's language, or in English where there is none."""
        language = marketplace.language[:2]
        if language not in self.product.titles:
            language = "en"
        colour = COLOURS[language][self.colour]
        return f"{self.brand} {self.product.titles[language]}, {colour}"

    def price(self, marketplace: Marketplace) -> float:
        """The price of one piece in the marketplace's currency, as shops write prices."""
        price = round(self.product.price * marketplace.per_euro)
        return round(price, -1) if marketplace.currency == "JPY" else price - 0.01


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that a seller offers; the hostile listing stands apart because it is rarely bought."""

    listings: tuple[Listing, ...]
    hostile: Listing


def plan_catalogue(seed: int, seller: int, brand: str) -> Catalogue:
    """The listings of the seller with this number, the same for the same seed."""
    chance = draw(seed, "catalogue", seller)
    initials = "".join(word[0] for word in brand.split() if word[0].isalpha()).upper()

    def listing(product: Product, colour: int) -> Listing:
        sku = f"{initials}-{product.code}-{COLOURS['en'][colour][:4].upper()}"
        asin = "B0" + "".join(chance.choices(ascii_uppercase + digits, k=8))
        return Listing(brand, product, colour, sku, asin)

    products = OUTDOOR if seller % 2 else HOME
    every = tuple(listing(product, colour) for product in products for colour in range(4))
    return Catalogue(every, listing(HOSTILE, 0))
