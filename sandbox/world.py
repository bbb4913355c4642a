"""The invented world: who sells where, and which orders exist at a moment.

It depends on four numbers alone (seed, orders, sellers, epoch) and never on what anybody asks.
"""

from dataclasses import dataclass, field
from math import ceil, pi, sin
from uuid import UUID

from sandbox.catalogue import Catalogue, plan_catalogue
from sandbox.life import Life, plan_life
from sandbox.marketplaces import MARKETPLACES, Marketplace
from sandbox.moments import DAY
from sandbox.order_ids import OrderIds
from sandbox.randomness import draw

PAST = 120 * DAY  # how far back the orders reach at the epoch
PAGE = 100

_NAMED = (
    ("Nordlicht Home", "eu", "DE FR IT ES NL GB"),
    ("Harbor & Pine", "na", "US CA MX"),
    ("Kitsune Living", "fe", "JP AU SG"),
    ("Maison Cerisier", "eu", "FR BE DE ES"),
    ("Copper Creek Outfitters", "na", "US CA"),
    ("Fjord & Fell", "eu", "SE DE PL NL"),
    ("Wattle Street", "fe", "AU SG"),
    ("Thistle & Loom", "eu", "GB IE"),
)


@dataclass(frozen=True, slots=True)
class WorldPlan:
    """What a world depends on: `epoch` in whole seconds since 1970, `orders` for each seller."""

    seed: int = 1
    orders: int = 2_000
    sellers: int = 2
    epoch: int = 0


@dataclass(slots=True)
class Seller:
    """One selling partner, its keys and its orders so far, oldest first."""

    number: int
    name: str
    region: str
    marketplaces: tuple[Marketplace, ...]
    selling_partner_id: str
    refresh_token: str = field(repr=False)
    catalogue: Catalogue = field(repr=False)
    orders: list[Life] = field(default_factory=list, repr=False)
    next_purchase: int = 0

    def sells_in(self, marketplace_id: str) -> bool:
        """Whether the seller takes part in the marketplace."""
        return any(market.id == marketplace_id for market in self.marketplaces)


class World:
    """All sellers of one plan and their orders; orders appear as the moments asked about pass."""

    def __init__(self, plan: WorldPlan) -> None:
        self.plan = plan
        self.ids = OrderIds(plan.seed)
        chance = draw(plan.seed, "application")
        self.client_id = f"amzn1.application-oa2-client.{chance.getrandbits(128):032x}"
        self.client_secret = f"amzn1.oa2-cs.v1.{chance.getrandbits(256):064x}"
        self.application_id = f"amzn1.sp.solution.{UUID(int=chance.getrandbits(128))}"
        self.sellers = tuple(_plan_seller(plan.seed, number) for number in range(plan.sellers))
        for seller in self.sellers:
            seller.next_purchase = self._purchased(seller.number, 0)
        self.by_partner_id = {seller.selling_partner_id: seller for seller in self.sellers}
        self.by_refresh_token = {seller.refresh_token: seller for seller in self.sellers}

    def grow(self, seller: Seller, at: float) -> list[Life]:
        """The seller's orders, with all that were bought up to `at`; a later call never has fewer.

        After an earlier moment was asked about the list may reach past `at`: see `orders_at`.
        """
        while seller.next_purchase <= at:
            number = len(seller.orders)
            chance = draw(self.plan.seed, "order", seller.number, number)
            # The replaced order came 10 to 60 orders ago and was a plain one that was sent.
            back = chance.randint(10, 60)
            earlier = seller.orders[number - back] if back <= number else None
            if earlier and (earlier.shipped is None or earlier.replaces or not earlier.on_amazon):
                earlier = None
            seller.orders.append(
                plan_life(chance, number, seller.next_purchase, seller.marketplaces, earlier)
            )
            seller.next_purchase = self._purchased(seller.number, number + 1)
        return seller.orders

    def orders_at(self, seller: Seller, at: float) -> list[Life]:
        """The seller's orders that exist at `at`, oldest first."""
        orders = self.grow(seller, at)
        if orders and orders[-1].purchased <= at:
            return orders
        return [life for life in orders if life.purchased <= at]

    def order_id(self, seller: Seller, life: Life) -> str:
        """Amazon's number of the order."""
        return self.ids.encode(seller.number, life.number, life.marketplace)

    def find(self, seller: Seller, order_id: str, at: float) -> Life | None:
        """The seller's order with this id, or None: no such order yet, or another seller's."""
        place = self.ids.decode(order_id)
        if place is None or place[0] != seller.number:
            return None
        orders = self.grow(seller, at)
        if place[1] >= len(orders):
            return None
        life = orders[place[1]]
        known = life.purchased <= at and self.order_id(seller, life) == order_id
        return life if known else None

    def pages(self, seller: Seller, at: float) -> int:
        """How many full pages all of the seller's orders fill at `at`."""
        return ceil(len(self.grow(seller, at)) / PAGE)

    def _purchased(self, seller: int, number: int) -> int:
        """When the seller's order with this number is bought; later numbers, later moments.

        One order falls into each equal step of time, moved by a weekly wave whose slope is too
        small to change their sequence and which is zero at the epoch: exactly `orders` lie before.
        """
        step = PAST / self.plan.orders
        jitter = draw(self.plan.seed, "purchase", seller, number).random()
        since_epoch = (number + jitter) * step - PAST
        wave = 0.5 * DAY * sin(2 * pi * since_epoch / (7 * DAY))
        return int(self.plan.epoch + since_epoch + wave)


def _plan_seller(seed: int, number: int) -> Seller:
    name, region, countries = _NAMED[number % len(_NAMED)]
    if number >= len(_NAMED):
        name = f"{name} {number // len(_NAMED) + 1}"
    chance = draw(seed, "seller", number)
    partner_id = "A" + "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=13))
    return Seller(
        number=number,
        name=name,
        region=region,
        marketplaces=tuple(MARKETPLACES[country] for country in countries.split()),
        selling_partner_id=partner_id,
        refresh_token=f"Atzr|{chance.getrandbits(512):0128x}",
        catalogue=plan_catalogue(seed, number, name),
    )
