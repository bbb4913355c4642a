"""What is unconfirmed, against an Amazon that knows: the truth is found, or nothing is claimed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from django.db import OperationalError
from django.utils import timezone

from messaging import controls, driver, looks
from messaging.lanes import Lane
from messaging.looks import Look
from messaging.models import OutgoingAction
from messaging.states import Status
from orders.models import Order, OrderQuerySet
from spapi import Client, NoAnswer
from tests.messaging.sending import (
    ABSENT,
    NOW,
    OFFERED,
    due_action,
    due_order,
    job_of,
    send,
    steps_of,
)
from tests.messaging.shard import LIST, POST, Shard, drive, states

MakeShard = Callable[..., Shard]


def lose(shard: Shard, orders: OrderQuerySet, *, accepted: bool) -> list[OutgoingAction]:
    """The requests of these orders have left, and their answers are lost."""
    at = "after_accept" if accepted else "after_read"
    asked = shard.ask(orders)
    shard.amazon.set_faults([{"operation": POST, "do": {"kind": "reset", "at": at}}])
    assert drive() is False
    shard.amazon.set_faults([])
    assert states() == {Status.UNCONFIRMED: len(asked)}
    return list(OutgoingAction.objects.all())


def lose_one(shard: Shard, *, accepted: bool) -> OutgoingAction:
    """The first order's request has left, and its answer is lost."""
    (action,) = lose(shard, shard.orders()[:1], accepted=accepted)
    return action


def lose_some(shard: Shard, number: int) -> list[OutgoingAction]:
    """So many orders of one marketplace were asked for, and the answers were lost."""
    orders = shard.orders()
    here = orders.filter(marketplace_id=orders[0].marketplace_id)
    assert here.count() > number
    return lose(shard, here[:number], accepted=True)


def look_again(*actions: OutgoingAction, after: timedelta = timedelta(minutes=3)) -> None:
    """Time passes until the next look of each, and the driver takes it."""
    for action in actions:
        action.refresh_from_db()
        row = OutgoingAction.objects.filter(pk=action.pk)
        # what happened so far happened that much longer ago
        row.update(
            look_at=timezone.now() - timedelta(seconds=1),
            not_before=timezone.now() - timedelta(seconds=1),
            first_offered_at=action.first_offered_at and action.first_offered_at - after,
            first_absent_at=action.first_absent_at and action.first_absent_at - after,
        )
    assert drive() is False
    for action in actions:
        action.refresh_from_db()


@pytest.mark.any_database
def test_what_did_not_happen_is_found_out_and_sent(make_shard: MakeShard) -> None:
    shard = make_shard()
    action = lose_one(shard, accepted=False)
    look_again(action)
    assert (action.status, action.offered_looks) == (Status.UNCONFIRMED, 1)
    look_again(action)
    assert action.status == Status.SENT
    assert steps_of(action)[-3:] == ["queued", "sending", "sent"]
    assert len([post for post in shard.posts() if post["accepted"]]) == 1
    shard.check()


@pytest.mark.any_database
def test_what_did_happen_is_probably_sent_after_a_day_and_never_asked_again(
    make_shard: MakeShard,
) -> None:
    shard = make_shard()
    action = lose_one(shard, accepted=True)
    for number in (1, 2):
        look_again(action, after=timedelta(hours=6))
        assert (action.status, action.absent_looks) == (Status.UNCONFIRMED, number)
    look_again(action, after=timedelta(hours=18))
    assert action.status == Status.PROBABLY_SENT
    look_again(action, after=timedelta(days=1))
    assert action.status == Status.PROBABLY_SENT
    assert len(shard.posts()) == 1
    shard.check()


@pytest.mark.any_database
def test_an_amazon_that_offers_nothing_to_anybody_proves_nothing(make_shard: MakeShard) -> None:
    shard = make_shard(orders=300)
    action = lose_one(shard, accepted=True)
    shard.amazon.set_faults([{"operation": LIST, "do": {"kind": "empty_list"}}])
    for _ in range(4):
        look_again(action, after=timedelta(days=1))
        assert (action.status, action.absent_looks) == (Status.UNCONFIRMED, 0)
    # three controls each time, and other ones while there are any
    assert Order.objects.filter(is_offered=False).count() >= 6


@pytest.mark.any_database
def test_without_an_order_that_could_be_a_control_absence_proves_nothing(
    make_shard: MakeShard,
) -> None:
    shard = make_shard()
    first = shard.orders()[0]
    action = lose_one(shard, accepted=True)
    Order.objects.exclude(pk=first.pk).update(is_excluded=True)
    looked = shard.requests(LIST)
    look_again(action, after=timedelta(days=1))
    assert (action.status, action.absent_looks, action.looks) == (Status.UNCONFIRMED, 0, 1)
    assert shard.requests(LIST) == looked + 1


@pytest.mark.any_database
def test_a_control_of_another_marketplace_does_not_count(make_shard: MakeShard) -> None:
    shard = make_shard(orders=240)
    first = shard.orders()[0]
    action = lose_one(shard, accepted=True)
    Order.objects.filter(marketplace_id=first.marketplace_id).exclude(pk=first.pk).update(
        is_excluded=True
    )
    assert shard.orders().exists()
    look_again(action, after=timedelta(days=1))
    assert (action.status, action.absent_looks) == (Status.UNCONFIRMED, 0)


@pytest.mark.any_database
def test_one_control_serves_all_that_are_looked_at_in_its_minute(make_shard: MakeShard) -> None:
    shard = make_shard(orders=300)
    lost = lose_some(shard, 4)
    looked = shard.requests(LIST)
    look_again(*lost)
    assert [action.absent_looks for action in lost] == [1, 1, 1, 1]
    assert shard.requests(LIST) - looked <= len(lost) + controls.CONTROLS_PER_LOOK


@pytest.mark.any_database
def test_a_list_that_still_offers_what_was_accepted_costs_a_403_and_no_second_mail(
    make_shard: MakeShard,
) -> None:
    """Amazon's list lags behind: the second call is refused, and the buyer is asked once."""
    shard = make_shard()
    action = lose_one(shard, accepted=True)
    shard.amazon.set_faults([{"operation": LIST, "do": {"kind": "listed_although_accepted"}}])
    look_again(action)
    look_again(action)
    assert action.status == Status.REFUSED
    assert action.reason == "Refused: already requested"
    assert [post["accepted"] for post in shard.posts()] == [True, False]


@pytest.mark.any_database
def test_not_available_after_a_lost_answer_is_probably_sent(make_shard: MakeShard) -> None:
    shard = make_shard()
    action = lose_one(shard, accepted=False)
    text = "The requested solicitation is not available for this amazonOrderId."
    shard.amazon.set_faults([{"operation": POST, "do": {"kind": "forbidden", "text": text}}])
    look_again(action)
    look_again(action)
    assert action.status == Status.PROBABLY_SENT


@pytest.mark.parametrize("step", ["record_watched", "control_orders", "record_control"])
def test_a_look_is_counted_once_although_the_database_went_away_while_it_was_judged(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(driver, "DATABASE_PAUSE_SECONDS", 0.05)
    shard = make_shard(orders=300)
    lost = lose_some(shard, 3)
    real, left = getattr(looks, step), [2]

    def failing(*arguments: Any, **options: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError("away")
        return real(*arguments, **options)

    monkeypatch.setattr(controls, step, failing)
    look_again(*lost)
    assert left == [0]
    assert [(one.looks, one.absent_looks) for one in lost] == [(1, 1)] * 3


@pytest.mark.any_database
def test_looks_at_what_is_unconfirmed_do_not_keep_others_from_being_sent(
    make_shard: MakeShard,
) -> None:
    shard = make_shard(orders=240)
    action = lose_one(shard, accepted=True)
    OutgoingAction.objects.filter(pk=action.pk).update(look_at=timezone.now())
    asked = shard.ask(limit=15)
    assert drive() is False
    assert states() == {Status.SENT: len(asked), Status.UNCONFIRMED: 1}
    action.refresh_from_db()
    assert action.looks == 1
    shard.check()


@pytest.mark.django_db
def test_what_was_offered_a_moment_ago_is_a_control_and_none_is_sent_out() -> None:
    action = due_action()
    send(action, NoAnswer(reason="reset"))
    due_order(account=action.account)  # could be asked as a control
    at = NOW + timedelta(minutes=2)
    lane = Lane(action.account, action.api, cast(Client, None), now=0.0)
    lane.note_offer(action.order.marketplace_id, at - timedelta(seconds=30))
    controls.judge(lane, Look(job_of(action), ABSENT, at), now=at)
    action.refresh_from_db()
    assert (action.looks, action.absent_looks) == (1, 1)
    assert (lane.controls, dict(lane.controls_out)) == ([], {})


@pytest.mark.django_db
def test_an_unconfirmed_order_that_is_offered_is_a_control_for_the_others() -> None:
    action = due_action()
    send(action, NoAnswer(reason="reset"))
    at = NOW + timedelta(minutes=2)
    lane = Lane(action.account, action.api, cast(Client, None), now=0.0)
    controls.judge(lane, Look(job_of(action), OFFERED, at), now=at)
    assert lane.control_is_fresh(action.order.marketplace_id, at)
