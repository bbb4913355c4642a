"""Driving a shard against Amazon on this machine: everything leaves once, in its turn, at full speed."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from messaging import driver
from messaging.delivery import sweep
from messaging.models import ActionAttempt, Batch, KillSwitch, OutgoingAction, Priority
from messaging.services import request_review, stop_batch
from messaging.states import Status
from orders.models import Order
from sellers.models import SellerAccount
from tests.factories import KillSwitchFactory, UserFactory
from tests.messaging.shard import LIST, Shard, drive, driving, states, wait_until
from tests.messaging.test_services import at_once

MakeShard = Callable[..., Shard]


def test_all_eligible_orders_of_several_sellers_are_accepted_once(make_shard: MakeShard) -> None:
    shard = make_shard(sellers=3, orders=120)
    asked = shard.ask()
    assert len({order.account_id for order in asked}) == 3
    assert len(asked) > 30
    assert drive() is False
    assert states() == {Status.SENT: len(asked)}
    assert {post["order_id"] for post in shard.posts()} == {o.amazon_order_id for o in asked}
    assert len(shard.posts()) == shard.requests(LIST) == len(asked)
    shard.check()


@pytest.mark.any_database
def test_a_slow_answer_does_not_keep_the_lane_from_its_rate(make_shard: MakeShard) -> None:
    """Looks and sends overlap: one after the other, this would take 0.4 s for each order."""
    shard = make_shard(factor=10, latency_ms=100)
    asked = shard.ask(limit=12)
    assert drive() is False
    moments = [datetime.fromisoformat(post["at"]) for post in shard.posts()]
    assert len(moments) == len(asked)
    assert max(moments) - min(moments) < timedelta(seconds=3.5)
    shard.check()


def test_a_click_goes_before_a_batch_before_a_rule_and_the_earliest_window_first(
    make_shard: MakeShard,
) -> None:
    shard = make_shard(orders=240)
    asked = shard.ask(limit=30)
    # made in the opposite order: the oldest row is a rule's with the latest window
    now = timezone.now()
    for number, action in enumerate(OutgoingAction.objects.order_by("pk")):
        OutgoingAction.objects.filter(pk=action.pk).update(
            priority=[Priority.RULE, Priority.BATCH, Priority.CLICK][number // 10],
            not_after=now + timedelta(days=20) - timedelta(hours=number % 10),
        )
    assert drive() is False
    turns = {
        number: place
        for place, number in enumerate(
            OutgoingAction.objects.order_by("priority", "not_after").values_list(
                "order__amazon_order_id", flat=True
            )
        )
    }
    places = [turns[post["order_id"]] for post in shard.posts()]
    assert sorted(places) == list(range(len(asked)))
    # a few looks are under way at once and may answer in another order, no more than that
    assert all(abs(place - turn) <= 4 for turn, place in enumerate(places)), places


@pytest.mark.any_database
def test_a_click_in_the_middle_of_a_batch_is_next(make_shard: MakeShard) -> None:
    shard = make_shard(orders=300)
    orders = list(shard.orders())
    clicked, batch = orders[-1], orders[:-1]
    shard.ask(Order.objects.filter(pk__in=[order.pk for order in batch]))
    assert len(batch) > 35
    with driving():
        wait_until(lambda: len(shard.posts()) >= 5, "five were sent")
        request_review(clicked, user=UserFactory(), at=timezone.now())
        before = len(shard.posts())
        wait_until(lambda: states() == {Status.SENT: len(orders)}, "all were sent")
    place = [post["order_id"] for post in shard.posts()].index(clicked.amazon_order_id)
    # those that were claimed or looked at ahead may still leave before it
    assert place - before <= 15
    shard.check()


@pytest.mark.any_database
def test_a_click_wakes_a_driver_that_has_nothing_to_do(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard()
    first, clicked = shard.orders()[:2]
    monkeypatch.setattr(driver, "LINGER_SECONDS", 30.0)
    monkeypatch.setattr(driver, "FIND_DUE_SECONDS", 600.0)  # nothing but the hint can tell it
    shard.ask(Order.objects.filter(pk=first.pk))
    with driving():
        wait_until(lambda: states() == {Status.SENT: 1}, "the first was sent")
        request_review(clicked, user=UserFactory(), at=timezone.now())
        wait_until(lambda: states() == {Status.SENT: 2}, "the click was sent")
    shard.check()


@pytest.mark.any_database
def test_nothing_leaves_before_its_hold_is_over(
    make_shard: MakeShard, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEND_HOLD_SECONDS = 1
    monkeypatch.setattr(driver, "LINGER_SECONDS", 1.5)
    shard = make_shard()
    action = request_review(shard.orders()[0], user=UserFactory(), at=timezone.now())
    assert drive() is False
    (post,) = shard.posts()
    # the ledger tells whole milliseconds
    assert datetime.fromisoformat(post["at"]) > action.not_before - timedelta(seconds=0.01)
    assert ActionAttempt.objects.get().claimed_at >= action.not_before


@pytest.mark.any_database
def test_an_empty_list_means_the_next_day_and_no_call(make_shard: MakeShard) -> None:
    shard = make_shard(empty_share=1.0)
    asked = shard.ask(limit=10)
    started = timezone.now()
    assert drive() is False
    assert states() == {Status.QUEUED: len(asked)}
    assert shard.posts() == []
    for action in OutgoingAction.objects.all():
        assert action.reason == "Amazon does not offer it yet; asked again then"
        assert action.look_at - started > timedelta(hours=19)
        assert not action.attempts.exists()


@pytest.mark.any_database
def test_lists_that_are_empty_at_random_cost_a_day_and_nothing_more(make_shard: MakeShard) -> None:
    shard = make_shard(empty_share=0.3)
    asked = shard.ask(limit=15)
    days = 0
    while states()[Status.SENT] < len(asked):
        assert drive() is False
        OutgoingAction.objects.filter(status=Status.QUEUED).update(
            look_at=timezone.now(), not_before=timezone.now()
        )
        days += 1
        assert days < 20
    assert len(shard.posts()) == len(asked)
    shard.check()


@pytest.mark.parametrize("prevention", ["paused", "kill switch", "disconnected"])
def test_nothing_leaves_for_an_account_that_may_not_send(
    make_shard: MakeShard, prevention: str
) -> None:
    """Even before the sweeper has put its actions on hold."""
    shard = make_shard(sellers=2, orders=60)
    stopped, other = shard.accounts
    asked = shard.ask()
    rows = SellerAccount.objects.filter(pk=stopped.pk)
    if prevention == "paused":
        rows.update(paused_at=timezone.now())
    elif prevention == "disconnected":
        rows.update(connection="disconnected", refresh_token_encrypted=b"")
    else:
        KillSwitchFactory(account=stopped)
    others = OutgoingAction.objects.filter(account=other, status=Status.QUEUED)
    with driving():
        wait_until(lambda: not others.exists(), "all of the other account left")
    sellers = {post["seller"] for post in shard.posts()}
    assert sellers == {other.selling_partner_id}
    mine = OutgoingAction.objects.filter(account=stopped)
    assert set(mine.values_list("status", flat=True)) == {Status.QUEUED}
    assert not ActionAttempt.objects.filter(action__account=stopped).exists()
    assert mine.count() + len(shard.posts()) == len(asked)


def test_an_order_that_changed_since_it_was_queued_is_not_even_looked_at(
    make_shard: MakeShard,
) -> None:
    shard = make_shard()
    asked = shard.ask(limit=4)
    Order.objects.filter(pk=asked[0].pk).update(is_excluded=True)
    assert drive() is False
    assert states() == {Status.SENT: 3, Status.CANCELLED: 1}
    assert shard.requests(LIST) == 3


def test_what_is_stopped_leaves_the_lane_to_others_at_once(make_shard: MakeShard) -> None:
    """Thirty were taken up; when their batch is stopped they are not looked at one by one in vain."""
    shard = make_shard(factor=10, orders=400)
    orders = list(shard.orders())
    shard.ask(Order.objects.filter(pk__in=[order.pk for order in orders[:-1]]))
    assert len(orders) > 45
    batch, ann = Batch.objects.get(), UserFactory()
    with driving():
        wait_until(lambda: len(shard.posts()) >= 2, "two were sent")
        stop_batch(batch, user=ann, at=timezone.now(), account_ids=[shard.accounts[0].pk])
        looked = shard.requests(LIST)
        other = shard.ask(Order.objects.filter(pk=orders[-1].pk))  # the last in turn
        wait_until(
            lambda: any(p["order_id"] == other[0].amazon_order_id for p in shard.posts()),
            "the other batch was sent",
        )
    assert shard.requests(LIST) - looked <= 15
    assert set(states()) == {Status.SENT, Status.CANCELLED}
    shard.check()


def test_a_lifted_kill_switch_lets_go_what_it_held(make_shard: MakeShard) -> None:
    KillSwitchFactory()
    shard = make_shard()
    asked = shard.ask(limit=3)
    assert states() == {Status.HELD: 3}
    assert drive(seconds=0.5) is False
    KillSwitch.objects.update(lifted_at=timezone.now())
    sweep(timezone.now())
    assert drive() is False
    assert states() == {Status.SENT: len(asked)}


@pytest.mark.any_database
def test_of_two_drivers_on_one_shard_one_works(make_shard: MakeShard) -> None:
    shard = make_shard()
    asked = shard.ask()
    with driving():
        wait_until(lambda: bool(shard.posts()), "the first has begun")
        assert drive() is False
        wait_until(lambda: states() == {Status.SENT: len(asked)}, "all were sent")
    workers = set(ActionAttempt.objects.values_list("worker", flat=True))
    assert len(workers) == 1
    shard.check()


@pytest.mark.any_database
def test_an_offer_that_is_delivered_many_times_at_once_is_one_call(make_shard: MakeShard) -> None:
    shard = make_shard()
    shard.ask(limit=1)
    assert {type(result) for result in at_once(*[drive] * 12)} == {bool}
    assert len(shard.posts()) == ActionAttempt.objects.count() == 1
    shard.check()


def test_an_account_of_another_shard_is_left_to_its_driver(
    make_shard: MakeShard, settings: Settings
) -> None:
    shard = make_shard(sellers=2, orders=60)
    settings.LANE_SHARDS = 2
    shard.ask()
    assert drive(shard=1) is False
    sent = OutgoingAction.objects.filter(status=Status.SENT)
    assert {action.account_id % 2 for action in sent} == {1}
    assert drive(shard=0) is False
    assert set(states()) == {Status.SENT}
