"""An order that changes between the claim and the call: it may leave, and nothing after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from messaging import delivery, driver, lane_book
from messaging.clock import Clock
from messaging.delivery import Claimed, Job
from messaging.models import ActionAttempt, OutgoingAction
from messaging.states import Status
from orders.ingest.partial import OrderFacts, upsert_facts
from orders.models import Order
from orders.states import DoorName
from orders.views.detail import list_checks
from tests.messaging.shard import LINGER_SECONDS, LIST, Shard, drive, states

MakeShard = Callable[..., Shard]

CHANGES: dict[str, dict[str, Any]] = {
    "cancelled": {"fulfillment_status": "CANCELLED"},
    "refunded": {"refunded": True},
}


def learn_of_changes(orders: Sequence[Order], change: dict[str, Any]) -> None:
    """Another process learns now that every one of these orders was cancelled, or refunded."""
    now = timezone.now()
    facts = [OrderFacts(order.amazon_order_id, updated_at=now, **change) for order in orders]
    upsert_facts(orders[0].account, facts, door=DoorName.REPORTS, seen_at=now)


@pytest.fixture
def claims_then(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], list[int]]:
    """Something happens once, right after the first claim; returns what is claimed in all."""

    def arrange(happens: Callable[[], None]) -> list[int]:
        won: list[int] = []

        def claim(jobs: Sequence[Job], **options: Any) -> list[Claimed]:
            claimed = delivery.claim(jobs, **options)
            if claimed and not won:
                happens()
            won.extend(one.job.order_id for one in claimed)
            return claimed

        monkeypatch.setattr(driver, "claim", claim)
        return won

    return arrange


@pytest.mark.parametrize("change", CHANGES)
def test_of_orders_that_change_after_the_claim_only_what_was_claimed_leaves(
    make_shard: MakeShard,
    claims_then: Callable[[Callable[[], None]], list[int]],
    change: str,
) -> None:
    shard = make_shard(factor=10)
    asked = shard.ask(limit=12)
    claimed = claims_then(lambda: learn_of_changes(asked, CHANGES[change]))
    drive()
    assert 0 < len(claimed) < len(asked)
    # those that had been claimed were offered by Amazon within the minute
    listed = shard.requests(LIST)
    assert listed >= len(claimed)
    numbers = {order.pk: order.amazon_order_id for order in asked}
    assert {post["order_id"] for post in shard.posts()} == {numbers[pk] for pk in claimed}
    assert states() == {
        Status.SENT: len(claimed),
        Status.CANCELLED: len(asked) - len(claimed),
    }
    kept = OutgoingAction.objects.filter(status=Status.CANCELLED)
    assert set(kept.values_list("reason", flat=True)) == {
        f"Not sent, the order has changed: {change}"
    }
    assert not ActionAttempt.objects.filter(action__in=kept).exists()
    # that it left all the same is said: the page of the order shows both facts
    sent = Order.objects.filter(pk__in=claimed, solicitation=Status.SENT)
    assert sent.count() == len(claimed)
    for order in sent.with_checks(timezone.now()):
        broken = [check.words for check in list_checks(order) if not check.holds]
        assert f"The order was {change}." in broken
    shard.check()


@pytest.mark.any_database
def test_what_loses_its_claim_in_a_turn_that_took_long_is_settled_all_the_same(
    make_shard: MakeShard,
    claims_then: Callable[[Callable[[], None]], list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shard = make_shard(factor=10)
    asked = shard.ask(limit=12)
    claimed = claims_then(lambda: learn_of_changes(asked, CHANGES["cancelled"]))
    claim_at_once = driver.claim

    def claim(jobs: Sequence[Job], **options: Any) -> list[Claimed]:
        time.sleep(LINGER_SECONDS + 0.1)
        return claim_at_once(jobs, **options)

    monkeypatch.setattr(driver, "claim", claim)
    # it stays until nothing is due, however long one of its turns took
    assert drive() is False
    assert states() == {
        Status.SENT: len(claimed),
        Status.CANCELLED: len(asked) - len(claimed),
    }


@pytest.mark.any_database
def test_a_driver_stays_until_all_that_may_not_leave_any_more_is_settled(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard()
    asked = shard.ask(limit=12)
    learn_of_changes(asked, CHANGES["refunded"])
    # a few each time, so that it takes longer than a driver stays where nothing is due
    monkeypatch.setattr(lane_book, "TAKE_AT_ONCE", 2)
    assert drive() is False
    assert states() == {Status.CANCELLED: len(asked)}
    assert shard.requests(LIST) == 0


@pytest.mark.any_database
def test_an_order_that_changes_while_the_look_grows_old_is_never_sent(
    make_shard: MakeShard,
    claims_then: Callable[[Callable[[], None]], list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shard = make_shard()
    asked = shard.ask(limit=3)
    slept = [0.0]
    now = Clock.now
    monkeypatch.setattr(Clock, "now", lambda self: now(self) + timedelta(seconds=slept[0]))

    def happens() -> None:
        learn_of_changes(asked, CHANGES["cancelled"])
        slept[0] = 61.0

    claimed = claims_then(happens)
    drive(stop=lambda: bool(slept[0]))
    assert claimed
    assert {one.code for one in ActionAttempt.objects.all()} == {"Aborted"}
    moment = timezone.now()
    OutgoingAction.objects.filter(status=Status.QUEUED).update(look_at=moment, not_before=moment)
    assert drive() is False
    assert shard.posts() == []
    assert states() == {Status.CANCELLED: len(asked)}
