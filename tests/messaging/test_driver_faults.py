"""Every way in which a call can fail ends in the state of its row, with an attempt that says why."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from messaging import driver
from messaging.delivery import sweep
from messaging.models import ActionAttempt, OutgoingAction
from messaging.states import Status
from orders.models import Order
from sellers.clients import TOKEN_STORE
from sellers.models import Connection
from solicit_dashboard.redis import get_redis
from tests.messaging.shard import FACTOR, LIST, POST, Shard, drive, states

# The same with real processes is run on PostgreSQL (tests/faults).
pytestmark = pytest.mark.any_database

MakeShard = Callable[..., Shard]

ALREADY = "You have already requested a review for this order."
NOT_AVAILABLE = "The requested solicitation is not available for this amazonOrderId."
WINDOW = (
    "You can\u2019t use this feature to request a review outside the 5-30 day range after the order "
    "delivery date."
)
COMBINATION = "Invalid amazonOrderId and template combination."
NEW = "The moon is in the wrong quarter."

SENT = ("sent", "accepted")
LOST = ("unconfirmed", "unknown")
REFUSED = ("refused", "rejected")
# What goes wrong with the call for one order: the state and the outcome that follow, and whether
# Amazon has accepted it.
FAULTS: dict[str, tuple[dict[str, Any], tuple[str, str], bool]] = {
    "reset before it was read": ({"kind": "reset", "at": "before_read"}, LOST, False),
    "reset after it was read": ({"kind": "reset", "at": "after_read"}, LOST, False),
    "reset after it was accepted": ({"kind": "reset", "at": "after_accept"}, LOST, True),
    "closed": ({"kind": "close"}, LOST, False),
    "closed after it was accepted": ({"kind": "close", "accept_first": True}, LOST, True),
    "500": ({"kind": "status", "status": 500}, LOST, False),
    "500 after it was accepted": (
        {"kind": "status", "status": 500, "accept_first": True},
        LOST,
        True,
    ),
    "503": ({"kind": "status", "status": 503}, LOST, False),
    "silence": ({"kind": "hang", "seconds": 60}, LOST, False),
    "silence after it was accepted": (
        {"kind": "hang", "seconds": 60, "accept_first": True},
        LOST,
        True,
    ),
    "half a status line": ({"kind": "half_status_line"}, LOST, False),
    "half a status line after it was accepted": (
        {"kind": "half_status_line", "accept_first": True},
        LOST,
        True,
    ),
    "redirect": ({"kind": "redirect", "location": "http://127.0.0.1:9/"}, LOST, False),
    "200 instead of 201": ({"kind": "body", "text": "<html>", "status": 200}, LOST, False),
    "another 4xx": ({"kind": "status", "status": 418}, LOST, False),
    "a text that we do not know": ({"kind": "forbidden", "text": NEW}, LOST, False),
    "body cut by length": ({"kind": "cut_body", "how": "length"}, SENT, True),
    "body cut in a chunk": ({"kind": "cut_body", "how": "chunked"}, SENT, True),
    "malformed 201": ({"kind": "malformed_json"}, SENT, True),
    "already requested": ({"kind": "forbidden", "text": ALREADY}, REFUSED, False),
    "not available": ({"kind": "forbidden", "text": NOT_AVAILABLE}, REFUSED, False),
    "combination": ({"kind": "forbidden", "text": COMBINATION}, REFUSED, False),
    "400": ({"kind": "status", "status": 400}, REFUSED, False),
    "404": ({"kind": "status", "status": 404}, REFUSED, False),
    "413": ({"kind": "status", "status": 413}, REFUSED, False),
    "415": ({"kind": "status", "status": 415}, REFUSED, False),
}


def rule(do: dict[str, Any], order: Order | None = None, **more: Any) -> dict[str, Any]:
    narrowed = {"order": order.amazon_order_id} if order is not None else {}
    return {"operation": POST, "do": do, **narrowed, **more}


def test_each_fault_ends_in_the_state_of_its_row(make_shard: MakeShard, settings: Settings) -> None:
    shard = make_shard(orders=300)
    settings.CALL_DEADLINE_SECONDS = 1.5
    asked = shard.ask(limit=len(FAULTS) + 2)
    assert len(asked) == len(FAULTS) + 2
    faulty = dict(zip(FAULTS, asked[1:-1], strict=True))
    shard.amazon.set_faults([rule(FAULTS[name][0], order) for name, order in faulty.items()])
    assert drive() is False
    observed = {}
    for name, order in faulty.items():
        action = OutgoingAction.objects.get(order=order)
        attempt = action.attempts.get()
        observed[name] = (action.status, attempt.outcome)
        assert attempt.finished_at is not None
        assert action.status == "sent" or action.reason
    assert observed == {name: expected for name, (_, expected, _) in FAULTS.items()}
    accepted = {post["order_id"] for post in shard.posts() if post["accepted"]}
    assert {name for name, order in faulty.items() if order.amazon_order_id in accepted} == {
        name for name, (_, _, accepts) in FAULTS.items() if accepts
    }
    # what came before and after them was not disturbed, and nothing was tried a second time
    for order in (asked[0], asked[-1]):
        assert OutgoingAction.objects.get(order=order).status == Status.SENT
    assert len(shard.posts()) == len(asked)
    shard.check()


def test_too_early_by_amazons_reckoning_waits_and_too_late_is_refused(
    make_shard: MakeShard,
) -> None:
    shard = make_shard()
    early, late = shard.ask(limit=2)
    now = timezone.now()
    opened = now - timedelta(days=5, hours=1)
    Order.objects.filter(pk=early.pk).update(earliest_delivery_at=opened, latest_delivery_at=opened)
    OutgoingAction.objects.filter(order=late).update(not_after=now + timedelta(minutes=9))
    shard.amazon.set_faults([rule({"kind": "forbidden", "text": WINDOW})])
    assert drive() is False
    assert OutgoingAction.objects.get(order=early).status == Status.QUEUED
    assert OutgoingAction.objects.get(order=early).look_at - now > timedelta(hours=23)
    assert OutgoingAction.objects.get(order=late).status == Status.REFUSED


@pytest.mark.parametrize("do", [
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 429, "headers": {"x-amzn-RateLimit-Limit": str(FACTOR)}},
    {"kind": "forbidden", "text": "Access to requested resource is denied.",
     "details": "The access token you provided has expired."},
    {"kind": "status", "status": 401},
], ids=["429", "429 with its rate", "expired", "401"])  # fmt: skip
def test_what_amazon_turned_away_unread_is_sent_a_little_later(
    make_shard: MakeShard, do: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LINGER_SECONDS", 3.0)
    shard = make_shard()
    asked = shard.ask(limit=4)
    shard.amazon.set_faults([rule(do, asked[1], when={"times": 1})])
    assert drive(stop=lambda: states()[Status.SENT] == 4) is False
    action = OutgoingAction.objects.get(order=asked[1])
    outcomes = list(action.attempts.order_by("number").values_list("outcome", flat=True))
    assert outcomes == ["not_sent", "accepted"]
    assert states() == {Status.SENT: 4}
    accepted = [post for post in shard.posts() if post["accepted"]]
    assert len(accepted) == 4


def test_a_missing_role_holds_its_account_and_no_other(make_shard: MakeShard) -> None:
    shard = make_shard(sellers=2, orders=60)
    denied, other = shard.accounts
    shard.ask()
    shard.amazon.set_faults(
        [
            rule(
                {"kind": "forbidden", "text": "Access to requested resource is denied."},
                seller=denied.selling_partner_id,
            )
        ]
    )
    assert drive() is False
    denied.refresh_from_db()
    assert denied.connection == Connection.ROLE_MISSING
    held = OutgoingAction.objects.filter(account=denied)
    assert set(held.values_list("status", flat=True)) == {Status.HELD}
    assert set(ActionAttempt.objects.filter(action__in=held).values_list("outcome", flat=True)) == {
        "not_sent"
    }
    sent = OutgoingAction.objects.filter(account=other)
    assert set(sent.values_list("status", flat=True)) == {Status.SENT}
    # those under way when the first answer came, and no more
    mine = [p for p in shard.posts() if p["seller"] == denied.selling_partner_id]
    assert len(mine) <= 8
    shard.check()


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client"])
def test_an_authorization_that_is_gone_holds_its_account_and_sends_nothing(
    make_shard: MakeShard, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "FIND_DUE_SECONDS", 600.0)  # nothing but the answer tells it
    shard = make_shard(sellers=2)
    gone, other = shard.accounts
    shard.ask()
    forget_access_tokens()
    asked_before = shard.requests("lwa")
    do = {"kind": "lwa_error", "error": error, "description": "Revoked."}
    shard.amazon.set_faults([{"operation": "lwa", "seller": gone.selling_partner_id, "do": do}])
    assert drive() is False
    gone.refresh_from_db()
    assert gone.connection == Connection.RECONNECT
    assert "Revoked" in gone.trouble
    held = OutgoingAction.objects.filter(account=gone)
    assert held.count() > 10
    assert set(held.values_list("status", flat=True)) == {Status.HELD}
    assert not ActionAttempt.objects.filter(action__in=held).exists()
    sent = OutgoingAction.objects.filter(account=other)
    assert set(sent.values_list("status", flat=True)) == {Status.SENT}
    # not one for each order that waits
    assert shard.requests("lwa") - asked_before <= 8
    shard.check()


def test_a_token_service_that_is_down_holds_nothing_up_for_good_and_is_not_hammered(
    make_shard: MakeShard,
) -> None:
    shard = make_shard(factor=4, orders=200)
    asked = shard.ask()
    forget_access_tokens()
    asked_before = shard.requests("lwa")
    shard.amazon.set_faults([{"operation": "lwa", "do": {"kind": "status", "status": 500}}])
    began = timezone.now()
    drive(seconds=1.0)
    seconds = (timezone.now() - began).total_seconds()
    assert shard.posts() == []
    assert states() == {Status.QUEUED: len(asked)}
    assert not ActionAttempt.objects.exists()
    # one for each slot of the looks, not one for each order as fast as they fail
    assert shard.requests("lwa") - asked_before <= 1 + 4 * seconds < len(asked)
    shard.amazon.set_faults([])
    now = timezone.now()
    OutgoingAction.objects.update(look_at=now, not_before=now)
    assert drive(stop=lambda: states()[Status.SENT] >= 3) is True
    shard.check()


def forget_access_tokens() -> None:
    """The next call needs a new access token."""
    TOKEN_STORE._own.clear()
    get_redis().flushall()


@pytest.mark.parametrize("do", [
    {"kind": "reset"},
    {"kind": "status", "status": 503},
    {"kind": "body", "text": "<html>Sorry</html>"},
    {"kind": "hang", "seconds": 60},
], ids=["reset", "503", "no list", "silence"])  # fmt: skip
def test_a_list_that_cannot_be_read_sends_nothing_and_is_read_again(
    make_shard: MakeShard, settings: Settings, do: dict[str, Any]
) -> None:
    shard = make_shard()
    settings.CALL_DEADLINE_SECONDS = 0.5
    asked = shard.ask(limit=3)
    started = timezone.now()
    shard.amazon.set_faults([{"operation": LIST, "do": do}])
    assert drive() is False
    assert states() == {Status.QUEUED: len(asked)}
    assert shard.posts() == []
    for action in OutgoingAction.objects.all():
        assert "could not be read" in action.reason
        wait = action.look_at - started
        assert timedelta(seconds=59) < wait < timedelta(seconds=90)


def test_an_amazon_that_cannot_be_reached_loses_nothing(
    make_shard: MakeShard, settings: Settings
) -> None:
    shard = make_shard()
    asked = shard.ask(limit=5)
    address = settings.SPAPI_ENDPOINT
    settings.SPAPI_ENDPOINT = "http://127.0.0.1:9"  # nobody listens there
    assert drive() is False
    assert states() == {Status.QUEUED: len(asked)}
    settings.SPAPI_ENDPOINT = address
    OutgoingAction.objects.update(look_at=timezone.now(), not_before=timezone.now())
    assert drive() is False
    assert states() == {Status.SENT: len(asked)}
    shard.check()


def test_a_five_minute_storm_of_429_loses_nothing_and_is_answered_at_the_lanes_own_pace(
    make_shard: MakeShard,
) -> None:
    shard = make_shard(factor=10)
    asked = shard.ask(limit=6)
    storm = {"operation": "*", "do": {"kind": "status", "status": 429}}
    shard.amazon.set_faults([storm])
    began = timezone.now()
    drive(seconds=1.2)
    seconds = (timezone.now() - began).total_seconds()
    assert states() == {Status.QUEUED: len(asked)}
    assert shard.requests(LIST) <= 5 + 10 * seconds
    shard.amazon.set_faults([])
    OutgoingAction.objects.update(look_at=timezone.now(), not_before=timezone.now())
    assert drive() is False
    assert states() == {Status.SENT: len(asked)}
    sweep(timezone.now())
    assert {post["status"] for post in shard.posts()} == {201}
