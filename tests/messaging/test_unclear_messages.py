"""Messages with files whose outcome nobody knows: they wait, and a manager's word moves them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from messaging import clock
from messaging.delivery import sweep
from messaging.ledger.check import find_breaches
from messaging.models import OutgoingAction
from messaging.states import Status
from messaging.views import decisions
from sellers.models import Role
from tests.factories import MembershipFactory
from tests.messaging.filing import UPLOAD, write_with_files
from tests.messaging.shard import Shard, drive, states
from tests.people.confirming import confirm

SEND = "sendInvoice"


@pytest.fixture
def pass_minutes(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The clock by which everything is measured goes forward; the past stays as it is."""

    def passed(minutes: int) -> None:
        def later() -> datetime:
            return datetime.now(UTC) + timedelta(minutes=minutes)

        monkeypatch.setattr(clock, "read_database_clock", later)
        monkeypatch.setattr(decisions, "read_database_clock", later)

    return passed


def manager_of(action: OutgoingAction) -> Client:
    user = MembershipFactory(account=action.account, role=Role.MANAGER).user
    client = Client()
    client.force_login(user)
    confirm(client, user)
    return client


def decide(client: Client, action: OutgoingAction, choice: str) -> int:
    """The form of the page, filled in; the status of the answer."""
    path = f"/outbox/{action.pk}/decide/"
    found = re.search(r'name="seen_step" value="(\d+)"', client.get(path).content.decode())
    form = {
        "choice": choice,
        "reason": "Looked at the messages in Seller Central",
        "seen_step": found[1] if found else "",
        "order_number": action.order.amazon_order_id,
    }
    return client.post(path, form).status_code


def test_a_manager_says_of_each_whether_it_is_there_and_only_then_is_one_sent_again(
    make_shard: Callable[..., Shard], pass_minutes: Callable[[int], None]
) -> None:
    shard = make_shard(orders=300)
    written = write_with_files(shard, 2, kind=SEND)
    lost = [
        {"operation": SEND, "when": {"times": 1}, "do": {"kind": "reset", "at": at}}
        for at in ("after_accept", "after_read")
    ]
    shard.amazon.set_faults(lost)
    assert drive() is False
    assert states() == {Status.UNCONFIRMED: 2}
    arrived = {post["order_id"] for post in shard.posts() if post["accepted"]}
    assert len(arrived) == 1
    (there,) = [one for one in written if one.order.amazon_order_id in arrived]
    (missing,) = [one for one in written if one is not there]

    # nothing but a person moves them: not the sweeper, not a driver, not time
    sweep(datetime.now(UTC) + timedelta(days=2))
    OutgoingAction.objects.update(look_at=datetime.now(UTC) - timedelta(days=2))
    assert drive() is False
    assert states() == {Status.UNCONFIRMED: 2}
    assert len(shard.posts()) == 2

    client = manager_of(there)
    assert decide(client, there, "seen") == 302
    assert decide(client, missing, "again") == 422, "15 minutes after the last try at the soonest"
    pass_minutes(16)
    assert decide(client, missing, "again") == 302
    assert states() == {Status.SENT: 1, Status.QUEUED: 1}
    assert drive() is False
    assert states() == {Status.SENT: 2}

    there.refresh_from_db()
    missing.refresh_from_db()
    assert (there.seen_by is not None, there.sent_attempt) == (True, None)
    assert (missing.seen_by, missing.sent_attempt) == (None, missing.attempts.get(number=2))
    assert shard.requests(UPLOAD) == 3, "what is sent again takes its file along again"
    delivered = [post["order_id"] for post in shard.posts() if post["accepted"]]
    assert sorted(delivered) == sorted(one.order.amazon_order_id for one in written)
    assert list(find_breaches()) == []


def test_what_is_sent_again_by_mistake_is_on_the_record_and_no_contradiction(
    make_shard: Callable[..., Shard], pass_minutes: Callable[[int], None]
) -> None:
    """He may be wrong: then the buyer has it twice, by his word, and the ledger knows why."""
    shard = make_shard(orders=300)
    (action,) = write_with_files(shard, 1, kind=SEND)
    shard.amazon.set_faults(
        [{"operation": SEND, "when": {"times": 1}, "do": {"kind": "reset", "at": "after_accept"}}]
    )
    drive()
    pass_minutes(16)
    client = manager_of(action)
    assert decide(client, action, "again") == 302
    drive()
    assert [post["accepted"] for post in shard.posts()] == [True, True]
    action.refresh_from_db()
    assert action.status == Status.SENT
    assert action.events.filter(user=int(client.session["_auth_user_id"])).count() == 1
    assert list(find_breaches()) == []
