"""Which orders came back, and when: some of those that arrived, the same for the same world."""

from sandbox.life import Life
from sandbox.moments import DAY
from sandbox.randomness import draw
from sandbox.world import Seller, World

_SHARE = 0.05
REASONS = ("UNWANTED_ITEM", "DEFECTIVE", "NOT_AS_DESCRIBED", "ORDERED_WRONG_ITEM")


def returned_at(world: World, seller: Seller, life: Life) -> int | None:
    """When Amazon got the order back, or the buyer asked the seller to take it back; else None."""
    if life.delivered is None or life.undeliverable:
        return None
    chance = draw(world.plan.seed, "return", seller.number, life.number)
    if chance.random() >= _SHARE:
        return None
    return life.delivered + int(chance.uniform(1, 20) * DAY)


def reason(life: Life) -> str:
    """Why, in Amazon's words."""
    return REASONS[life.number % len(REASONS)]
