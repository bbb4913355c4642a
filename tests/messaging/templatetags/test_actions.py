"""States in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from messaging.looks import NOT_OFFERED
from messaging.models import OutgoingAction
from messaging.states import Status
from messaging.templatetags.actions import action_words, state_words, why_held
from sellers.models import Connection, SellerAccount
from tests.factories import KillSwitchFactory, SellerAccountFactory

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)


def action(status: Status, **fields: object) -> OutgoingAction:
    fields = {"not_before": NOW} | fields
    return OutgoingAction(
        status=status, account=SellerAccount(connection=Connection.CONNECTED), **fields
    )


@pytest.mark.parametrize(
    ("status", "fields", "words"),
    [
        (Status.QUEUED, {"look_at": NOW}, "Waiting for its turn"),
        (
            Status.QUEUED,
            {"look_at": NOW, "not_before": NOW + timedelta(seconds=10)},
            "Waiting: leaves 14:00:10",
        ),
        (Status.QUEUED, {"look_at": NOW + timedelta(minutes=5)}, "Waiting: next look 14:05"),
        (Status.QUEUED, {"look_at": NOW + timedelta(days=1)}, "Waiting: next look 21 Nov 14:00"),
        (
            Status.QUEUED,
            {"look_at": NOW + timedelta(days=1), "reason": NOT_OFFERED},
            "Not offered: next look 21 Nov 14:00",
        ),
        (Status.QUEUED, {"look_at": NOW, "reason": NOT_OFFERED}, "Waiting for its turn"),
        (
            Status.UNCONFIRMED,
            {"look_at": NOW + timedelta(minutes=2)},
            "Needs a look: Amazon is asked again 14:02",
        ),
        (
            Status.UNCONFIRMED,
            {"kind": "confirmOrderDetails", "look_at": NOW},
            "Needs a look: a manager decides",
        ),
        (Status.REFUSED, {"reason": "Refused: already requested"}, "Refused: already requested"),
        (Status.REFUSED, {}, "Refused by Amazon"),
        (Status.CANCELLED, {"reason": "Cancelled by ann"}, "Cancelled by ann"),
        (Status.SENT, {}, "Sent"),
        (Status.SENDING, {}, "Sending"),
        (Status.PROBABLY_SENT, {}, "Probably sent"),
        (Status.EXPIRED, {}, "Window closed"),
        (Status.UNRESOLVED, {}, "Not known"),
        (Status.HELD, {}, "On hold: sending is stopped"),
    ],
)
def test_a_state_is_told_with_what_matters(
    status: Status, fields: dict[str, object], words: str
) -> None:
    assert action_words(action(status, **fields), NOW) == words


def test_what_is_on_hold_says_why() -> None:
    held = action(Status.HELD)
    held.account.paused_at = NOW
    assert action_words(held, NOW) == "On hold: The account is paused"
    held.account.connection = Connection.RECONNECT
    assert action_words(held, NOW).startswith("On hold: Reconnect the account")


@pytest.mark.django_db
def test_why_nothing_of_a_kind_leaves_is_said_of_the_account_and_of_a_stop() -> None:
    account, other = SellerAccountFactory.create_batch(2)
    assert why_held(account, "warranty") == ""
    KillSwitchFactory(account=account, kind="warranty")
    assert why_held(account, "warranty") == "Sending is stopped."
    assert why_held(account, "sendInvoice") == why_held(other, "warranty") == ""
    account.paused_at = NOW
    assert why_held(account, "warranty") == "The account is paused."


def test_times_are_those_of_the_reader() -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        waiting = action(Status.QUEUED, look_at=NOW + timedelta(minutes=5))
        assert action_words(waiting, NOW) == "Waiting: next look 23:05"
        # in Tokyo that is the next day already
        later = action(Status.QUEUED, look_at=NOW + timedelta(hours=2))
        assert action_words(later, NOW) == "Waiting: next look 21 Nov 01:00"


def test_templates_say_it_of_this_moment() -> None:
    soon = action(Status.QUEUED, look_at=timezone.now() - timedelta(seconds=1))
    assert state_words(soon) == "Waiting for its turn"
