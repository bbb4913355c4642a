from random import Random

import pytest

from sandbox.life import TRANSIT_DAYS, Life, Status, plan_life
from sandbox.marketplaces import MARKETPLACES
from sandbox.moments import DAY

BOUGHT = 1_790_000_000


def lives(count: int = 400) -> list[Life]:
    markets = (MARKETPLACES["DE"], MARKETPLACES["US"], MARKETPLACES["JP"])
    return [plan_life(Random(number), number, BOUGHT, markets, None) for number in range(count)]


@pytest.mark.parametrize("life", [life for life in lives(40) if life.by_amazon])
def test_amazons_hidden_promise_counts_from_the_latest_shipping(life):
    least, most = TRANSIT_DAYS.get(life.service, (2, 7))
    assert life.promise == (life.ship_by[1] + least * DAY, life.ship_by[1] + most * DAY)


def test_a_sellers_own_promise_is_whole_days_of_the_marketplace():
    for life in lives():
        if not life.by_amazon:
            offset = life.marketplace.utc_offset * 3600
            assert (life.promise[0] + offset) % DAY == 0
            assert (life.promise[1] + offset) % DAY == DAY - 1


def test_the_window_is_five_and_thirty_days_from_the_promise():
    for life in lives(20):
        assert life.opens == life.promise[0] + 5 * DAY
        assert life.closes == life.promise[1] + 30 * DAY


def test_the_status_changes_in_the_second_that_was_planned():
    for life in lives():
        before = life.statuses[0][1]
        for since, status in life.statuses[1:]:
            assert life.status_at(since - 1) is before
            assert life.status_at(since) is status
            before = status


def test_the_last_update_is_the_latest_event_that_has_happened():
    for life in lives():
        assert life.updated_at(life.purchased) == life.purchased
        for moment in life.updates:
            assert life.updated_at(moment) == moment
            assert life.updated_at(moment - 1) < moment or moment == life.purchased
        assert {since for since, _ in life.statuses} <= set(life.updates)
        assert life.cancel_asked is None or life.cancel_asked in life.updates


def test_the_arrival_is_an_update_only_where_the_seller_ships():
    arrived = [life for life in lives() if life.delivered]
    assert arrived
    for life in arrived:
        assert (life.delivered in life.updates) is not life.by_amazon


def test_some_orders_leave_late_or_in_parts():
    own = [life for life in lives(2_000) if not life.by_amazon and life.shipped]
    assert any(life.shipped and life.shipped > life.ship_by[1] for life in own)
    assert any(status is Status.PARTIALLY_SHIPPED for life in own for _, status in life.statuses)
