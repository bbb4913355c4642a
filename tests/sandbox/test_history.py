from collections import Counter

import pytest

from sandbox.eligibility import refusal
from sandbox.history import past_requests
from sandbox.options import Options
from sandbox.world import World, WorldPlan
from tests.sandbox.conftest import NOW, Desk

PLAN = WorldPlan(seed=2, orders=2_000, epoch=NOW)


@pytest.fixture(scope="module")
def world() -> World:
    return World(PLAN)


def test_about_forty_percent_of_the_open_and_most_of_the_passed_were_asked(world):
    asked = {(past.seller.number, past.life.number) for past in past_requests(world)}
    open_ones: Counter[bool] = Counter()
    passed: Counter[bool] = Counter()
    for seller in world.sellers:
        for life in world.orders_at(seller, NOW):
            if life.shipped is None or life.replaces is not None or not life.on_amazon:
                continue
            known = (seller.number, life.number) in asked
            if life.opens < NOW - 7_200 and life.closes > NOW:
                open_ones[known] += 1
            elif life.closes < NOW - 3_600:
                passed[known] += 1
    assert 0.34 < open_ones[True] / open_ones.total() < 0.46
    assert 0.8 < passed[True] / passed.total() < 0.93


def test_every_outcome_was_right_at_its_moment(world):
    outcomes = Counter()
    for past in past_requests(world):
        outcomes[past.outcome] += 1
        assert past.at < NOW
        asked = past.by_hand_at is not None
        verdict = refusal(past.life, past.at, asked)
        assert (verdict.name.lower() if verdict else "accepted") == past.outcome
        if past.by_hand_at is not None:
            assert past.by_hand_at <= past.at
            assert refusal(past.life, past.by_hand_at, asked=False) is None
    assert set(outcomes) == {"accepted", "already_requested", "not_available", "outside_window"}
    assert outcomes["accepted"] > 0.85 * outcomes.total()


def test_the_ledger_knows_the_past_and_amazon_refuses_to_ask_again():
    desk = Desk(Options(orders=1_000, seed=2))
    accepted = [past for past in desk.amazon.history if past.outcome == "accepted"]
    by_hand = [past for past in desk.amazon.history if past.by_hand_at is not None]
    entries = desk.amazon.ledger.accepted
    assert len(entries) == len(accepted) + len(by_hand)
    assert all(entry.history for entry in entries.values())
    one = next(past for past in accepted if past.seller is desk.seller)
    assert desk.solicit(one.life).status == 403
    assert desk.amazon.ledger.duplicates() == {desk.seller.selling_partner_id: 1}


def test_no_eligible_order_was_asked_before(world):
    desk = Desk(Options(orders=1_000, seed=2))
    told = {desk.order_id(past.life, past.seller) for past in desk.amazon.history}
    for seller in desk.amazon.world.sellers:
        assert not told & set(desk.amazon.eligible(seller))
