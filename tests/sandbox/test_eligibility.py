from dataclasses import replace
from random import Random

import pytest

from sandbox.eligibility import Refusal, refusal
from sandbox.life import Life, Status, plan_life
from sandbox.marketplaces import MARKETPLACES
from sandbox.options import Options
from tests.sandbox.conftest import Desk, message, offers

BOUGHT = 1_790_000_000


@pytest.fixture
def life() -> Life:
    """A plain order that was sent long before its window opens."""
    planned = plan_life(Random(1), 1, BOUGHT, (MARKETPLACES["DE"],), None)
    statuses = ((BOUGHT, Status.PENDING), (BOUGHT + 3600, Status.SHIPPED))
    return replace(planned, statuses=statuses, on_amazon=True, replaces=None)


def test_the_window_holds_both_its_first_and_its_last_second(life):
    assert refusal(life, life.opens - 1, asked=False) is Refusal.OUTSIDE_WINDOW
    assert refusal(life, life.opens, asked=False) is None
    assert refusal(life, life.closes, asked=False) is None
    assert refusal(life, life.closes + 1, asked=False) is Refusal.OUTSIDE_WINDOW


def test_an_order_that_was_asked_is_never_asked_again(life):
    for at in (life.opens - 1, life.opens, life.closes + 1):
        assert refusal(life, at, asked=True) is Refusal.ALREADY_REQUESTED


@pytest.mark.parametrize(
    "change",
    [
        {"on_amazon": False},
        {"replaces": 3},
        {"statuses": ((BOUGHT, Status.PENDING),)},
        {"statuses": ((BOUGHT, Status.UNSHIPPED),)},
        {"statuses": ((BOUGHT, Status.PARTIALLY_SHIPPED),)},
        {"statuses": ((BOUGHT, Status.UNSHIPPED), (BOUGHT + 1, Status.CANCELLED))},
        {"statuses": ((BOUGHT, Status.UNFULFILLABLE),)},
    ],
)
def test_only_shipped_original_orders_of_amazon_are_available(life, change):
    assert refusal(replace(life, **change), life.opens, asked=False) is Refusal.NOT_AVAILABLE


def test_amazon_offers_and_accepts_in_exactly_the_seconds_of_the_window():
    desk = Desk(Options(orders=300, seed=5))
    # Of an order of the time after the epoch, for none of those was asked before.
    desk.clock += 20 * 86_400
    newest = [one for one in desk.lives()[300:] if one.on_amazon and one.replaces is None]
    one, other = [x for x in newest if x.shipped and x.shipped < x.opens][:2]
    desk.clock = one.opens - 1
    assert offers(desk.actions(one)) == []
    assert "5-30 day range" in message(desk.solicit(one))
    desk.clock = one.opens
    desk.ticks += 10
    assert offers(desk.actions(one)) == ["productReviewAndSellerFeedback"]
    assert desk.solicit(one).status == 201
    assert offers(desk.actions(one)) == []
    assert message(desk.solicit(one)) == "You have already requested a review for this order."
    desk.clock = other.closes
    desk.ticks += 10
    assert offers(desk.actions(other)) == ["productReviewAndSellerFeedback"]
    desk.clock = other.closes + 1
    assert offers(desk.actions(other)) == []
    assert desk.solicit(other).status == 403
