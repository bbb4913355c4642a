"""What was bought with an order, and for how much; read from the plan each time it is asked for."""

from dataclasses import dataclass
from random import Random

from sandbox.catalogue import Catalogue, Listing
from sandbox.life import Life, Status
from sandbox.randomness import draw
from sandbox.world import Seller, World


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; `price` for one piece, in the marketplace's currency."""

    item_id: str
    listing: Listing
    quantity: int
    price: float


def basket(world: World, seller: Seller, life: Life) -> tuple[Item, ...]:
    """The order's items; a replacement costs nothing and repeats the first item of its original."""
    original = life if life.replaces is None else seller.orders[life.replaces]
    chance = draw(world.plan.seed, "basket", seller.number, original.number)
    listings = _listings(chance, seller.catalogue, original)
    items = []
    for place, listing in enumerate(listings):
        quantity = chance.choices((1, 2, 3), (85, 11, 4))[0]
        if "AMAZON_BUSINESS" in life.programs:
            quantity *= chance.choice((1, 2, 5))
        price = listing.price(life.marketplace)
        item_id = f"{life.number % 10**6:06}{chance.randrange(10**7):07}{place}"
        items.append(Item(item_id, listing, quantity, price))
    if life.replaces is not None:
        first = items[0]
        return (Item(f"9{first.item_id[1:]}", first.listing, 1, 0.0),)
    return tuple(items)


def _listings(chance: Random, catalogue: Catalogue, life: Life) -> list[Listing]:
    """One listing mostly, several where a part could be shipped before the rest."""
    in_parts = any(status is Status.PARTIALLY_SHIPPED for _, status in life.statuses)
    count = 2 if in_parts else chance.choices((1, 2, 3), (78, 15, 7))[0]
    listings = chance.sample(catalogue.listings, count)
    # Always in an early order, so that even the smallest world has the hostile title.
    if life.number == 3 or chance.random() < 0.01:
        listings[0] = catalogue.hostile
    return listings
