"""What the sellers had asked before the epoch: the past that a demonstration begins with.

Most orders whose window has passed and about 40 % of those in their window were asked already. A
few were asked by hand in Seller Central first, so that the seller's program was then refused; a few
refusals belong to orders that could never be asked, or were asked too late.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.eligibility import refusal
from sandbox.life import Life
from sandbox.moments import HOUR
from sandbox.randomness import draw, identifier
from sandbox.world import Seller, World


@dataclass(frozen=True, slots=True)
class PastRequest:
    """One request of the past and how it ended.

    `at` in seconds since 1970. `outcome`: accepted, already_requested, not_available or
    outside_window. `by_hand_at`: when it was asked in Seller Central instead, if it was.
    """

    seller: Seller
    life: Life
    at: float
    outcome: str
    request_id: str
    by_hand_at: float | None = None


def past_requests(world: World) -> Iterator[PastRequest]:
    """All requests before the world's epoch, seller by seller, oldest order first."""
    for seller in world.sellers:
        for life in world.grow(seller, world.plan.epoch)[: world.plan.orders]:
            request = _past_request(world, seller, life)
            if request is not None:
                yield request


def _past_request(world: World, seller: Seller, life: Life) -> PastRequest | None:
    epoch = world.plan.epoch
    if life.opens > epoch - 2 * HOUR or life.shipped is None:
        return None
    chance = draw(world.plan.seed, "history", seller.number, life.number)
    request_id = identifier(chance)
    # Asked mostly soon after the window opened, and never in the last hour before the epoch.
    first = max(life.opens, life.shipped)
    last = min(life.closes, epoch - HOUR)
    if first >= last:
        return None
    at = first + (last - first) * chance.random() ** 2
    if refusal(life, at, asked=False) is not None:
        if chance.random() < 0.5:
            return PastRequest(seller, life, at, "not_available", request_id)
        return None
    passed = life.closes < epoch - HOUR
    fate = chance.random()
    if fate < (0.85 if passed else 0.4):
        if chance.random() < 0.04:
            by_hand_at = first + (at - first) * chance.random()
            return PastRequest(seller, life, at, "already_requested", request_id, by_hand_at)
        return PastRequest(seller, life, at, "accepted", request_id)
    if passed and fate > 0.98:
        late = life.closes + (epoch - HOUR - life.closes) * chance.random()
        return PastRequest(seller, life, late, "outside_window", request_id)
    return None
