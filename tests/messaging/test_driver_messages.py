"""Messages against Amazon on this machine: every row of the table, and beside review requests."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from messaging import driver
from messaging.amazon_calls import send_action
from messaging.delivery import sweep
from messaging.models import OutgoingAction
from messaging.states import Status
from orders.models import Order
from sellers.clients import client_for
from sellers.models import Connection
from spapi import InvalidCombination, Unlimited
from tests.messaging.shard import (
    LIST,
    MESSAGE_LIST,
    MESSAGE_POST,
    POST,
    Shard,
    drive,
    states,
)
from tests.messaging.test_driver_faults import ALREADY, FAULTS, NOT_AVAILABLE, WINDOW

MakeShard = Callable[..., Shard]
# So many that some are not shipped yet, at any time of the day.
ORDERS = 1_000


def rule(do: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operation": MESSAGE_POST, "do": do, **more}


def posts_of(shard: Shard, operation: str) -> list[dict[str, Any]]:
    return [post for post in shard.posts() if post["operation"] == operation]


def rate_of(posts: list[dict[str, Any]], burst: int = 5) -> float:
    """Calls a second, after those that a full bucket lets go at once."""
    moments = sorted(datetime.fromisoformat(post["at"]) for post in posts)
    return (len(moments) - burst) / (moments[-1] - moments[0]).total_seconds()


def test_messages_are_delivered_once_and_word_for_word(make_shard: MakeShard) -> None:
    shard = make_shard(sellers=2, orders=ORDERS)
    written = shard.write(20)
    assert len({action.account_id for action in written}) == 2
    assert drive() is False
    assert states() == {Status.SENT: 20}
    got = {
        (one["order_id"], one["text"]): one["times"] for one in shard.amazon.ledger()["messages"]
    }
    assert got == {(action.order.amazon_order_id, action.payload["text"]): 1 for action in written}
    assert shard.requests(MESSAGE_LIST) == 20
    assert shard.requests(LIST) == shard.requests(POST) == 0
    shard.check()


@pytest.mark.any_database
def test_each_fault_ends_in_the_state_of_its_row(make_shard: MakeShard, settings: Settings) -> None:
    """The table of solicitations holds for messages too, whatever Amazon's words may be."""
    shard = make_shard(orders=ORDERS)
    settings.CALL_DEADLINE_SECONDS = 1.5
    written = shard.write(len(FAULTS) + 2)
    # In the order of their turns each POST meets the next fault of the list, and the last two none.
    shard.amazon.set_faults([rule(do, when={"times": 1}) for do, _, _ in FAULTS.values()])
    assert drive() is False
    posts = shard.posts()
    assert len(posts) == len(written)
    observed: dict[str, tuple[str, str]] = {}
    accepted = {}
    fired = dict(zip(FAULTS, [post["text"] for post in posts], strict=False))
    for name, text in fired.items():
        action = OutgoingAction.objects.get(payload__text=text)
        attempt = action.attempts.get()
        observed[name] = (action.status, attempt.outcome)
        accepted[name] = next(post["accepted"] for post in posts if post["text"] == text)
        assert attempt.finished_at is not None
        assert action.status == "sent" or action.reason
    assert observed == {name: expected for name, (_, expected, _) in FAULTS.items()}
    assert accepted == {name: accepts for name, (_, _, accepts) in FAULTS.items()}
    assert [post["status"] for post in posts[-2:]] == [201, 201]
    shard.check()


@pytest.mark.any_database
@pytest.mark.parametrize("text", [ALREADY, NOT_AVAILABLE, WINDOW])
def test_words_on_solicitations_mean_nothing_but_a_refusal(
    make_shard: MakeShard, text: str
) -> None:
    shard = make_shard(orders=ORDERS)
    shard.write(1)
    shard.amazon.set_faults([rule({"kind": "forbidden", "text": text})])
    assert drive() is False
    assert states() == {Status.REFUSED: 1}


def test_a_message_for_an_order_that_has_been_shipped_waits_and_would_be_refused(
    make_shard: MakeShard,
) -> None:
    shard = make_shard(orders=ORDERS)
    (action,) = shard.write(1)
    shipped = shard.orders()[0]
    OutgoingAction.objects.filter(pk=action.pk).update(order=shipped)
    assert drive() is False
    action.refresh_from_db()
    assert (action.status, "does not offer it yet" in action.reason) == (Status.QUEUED, True)
    assert shard.requests(MESSAGE_LIST) == 1
    assert shard.posts() == []
    client = client_for(shard.accounts[0], limiter=Unlimited())
    with pytest.raises(InvalidCombination):
        send_action(
            client,
            action.kind,
            order=shipped.amazon_order_id,
            marketplace=shipped.marketplace_id,
            payload=action.payload,
            before_send=lambda: None,
        )
    client.close()


@pytest.mark.any_database
def test_what_amazon_turned_away_unread_is_sent_a_little_later(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LINGER_SECONDS", 3.0)
    shard = make_shard(orders=ORDERS)
    shard.write(3)
    shard.amazon.set_faults(
        [
            rule({"kind": "status", "status": 429}, when={"times": 1}),
            rule({"kind": "status", "status": 401}, when={"times": 1}),
        ]
    )
    assert drive(stop=lambda: states()[Status.SENT] == 3) is False
    assert states() == {Status.SENT: 3}
    assert sorted(post["status"] for post in shard.posts()) == [201, 201, 201, 401, 429]


@pytest.mark.any_database
def test_a_missing_role_holds_the_account(make_shard: MakeShard) -> None:
    shard = make_shard(orders=ORDERS)
    (account,) = shard.accounts
    shard.write(3)
    denied = {"kind": "forbidden", "text": "Access to requested resource is denied."}
    shard.amazon.set_faults([rule(denied)])
    assert drive() is False
    account.refresh_from_db()
    assert account.connection == Connection.ROLE_MISSING
    assert states() == {Status.HELD: 3}
    assert not any(post["accepted"] for post in shard.posts())


def test_an_unconfirmed_message_is_never_looked_at_and_never_sent_again(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard(orders=ORDERS)
    shard.write(4)
    lost = [
        rule({"kind": "reset", "at": "after_accept"}, when={"times": 1}),
        rule({"kind": "reset", "at": "after_read"}, when={"times": 1}),
    ]
    shard.amazon.set_faults(lost)
    assert drive() is False
    assert states() == {Status.SENT: 2, Status.UNCONFIRMED: 2}
    looks = shard.requests(MESSAGE_LIST)
    sent = len(shard.posts())
    # as if two days had passed: everything that has a time for a look has come to it
    long_ago = OutgoingAction.objects.earliest("created_at").created_at - timedelta(days=2)
    OutgoingAction.objects.update(look_at=long_ago)
    sweep(OutgoingAction.objects.latest("not_after").not_after + timedelta(seconds=1))
    assert drive() is False
    assert (shard.requests(MESSAGE_LIST), len(shard.posts())) == (looks, sent)
    assert states() == {Status.SENT: 2, Status.UNCONFIRMED: 2}
    shard.check()


@pytest.mark.any_database
def test_both_lanes_of_an_account_run_at_once_each_at_its_own_rate(make_shard: MakeShard) -> None:
    """Amazon counts by operation: what one lane sends takes nothing from the other."""
    shard = make_shard(factor=10, orders=ORDERS)
    asked, written = shard.ask(limit=35), shard.write(35)
    assert drive() is False
    assert states() == {Status.SENT: len(asked) + len(written)}
    reviews, messages = posts_of(shard, POST), posts_of(shard, MESSAGE_POST)
    assert (len(reviews), len(messages)) == (35, 35)
    # ten a second is the limit of each, and would be that of both if they shared a bucket
    rates = [rate_of(posts) for posts in (reviews, messages)]
    assert max(rates) <= 10.5
    assert sum(rates) > 11
    first, last = (
        [pick(post["at"] for post in posts) for posts in (reviews, messages)] for pick in (min, max)
    )
    assert max(first) < min(last), "at once, not one after the other"
    shard.check()


def test_an_exclusion_stops_the_message_that_waits_and_not_the_others(
    make_shard: MakeShard,
) -> None:
    shard = make_shard(orders=ORDERS)
    written = shard.write(6)
    excluded = written[0].order
    Order.objects.filter(pk=excluded.pk).update(is_excluded=True)
    assert drive() is False
    stopped = OutgoingAction.objects.filter(order=excluded)
    assert set(stopped.values_list("status", flat=True)) == {Status.CANCELLED}
    assert states() == {Status.CANCELLED: len(stopped), Status.SENT: 6 - len(stopped)}
    assert excluded.amazon_order_id not in {post["order_id"] for post in shard.posts()}
