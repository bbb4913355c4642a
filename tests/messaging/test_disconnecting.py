"""An account is disconnected in the middle of its sending, and comes back (F49, F50)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from messaging import stopping
from messaging.delivery import claim, sweep
from messaging.models import ActionAttempt
from messaging.states import Status
from messaging.stopping import disconnect_sending, resume_sending
from sellers.models import Connection, Role, SellerAccount
from sellers.services import connect_account
from tests.factories import MembershipFactory, UserFactory
from tests.messaging.sending import NOW, due_action, job_of, status_of
from tests.messaging.shard import Shard, drive, driving, states, wait_until
from tests.sellers.conftest import keys_of

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_nothing_is_claimed_after_a_disconnect_nor_asked_twice_after_a_return(
    make_shard: Callable[..., Shard],
) -> None:
    shard = make_shard(sellers=1, orders=500, factor=10)
    [account], asked = shard.accounts, shard.ask()
    with driving():
        wait_until(lambda: states()[Status.SENT] >= 5, "five are sent")
        assert disconnect_sending(account, user=UserFactory(), at=timezone.now(), reason="Sold")
        at = timezone.now()
        wait_until(lambda: not states()[Status.SENDING], "what was under way has ended")
    late = ActionAttempt.objects.filter(claimed_at__gt=at + timedelta(seconds=1))
    assert late.count() == 0
    row = SellerAccount.objects.get(pk=account.pk)
    assert (bytes(row.refresh_token_encrypted), row.connection) == (b"", Connection.DISCONNECTED)
    sent = states()[Status.SENT]
    assert states()[Status.HELD] == len(asked) - sent > 10

    # another manager of it connects it again: it is the same account, and waits for a word
    other = MembershipFactory(account=account, role=Role.MANAGER).user
    back = connect_account(**keys_of(shard.amazon.sellers[0]), user=other)
    sweep(timezone.now())
    drive(seconds=0.5)
    assert (back.pk, back.is_sending, states()[Status.SENT]) == (account.pk, False, sent)
    assert not shard.orders().filter(pk__in=[order.pk for order in asked]).exists()
    assert resume_sending(back, user=other, at=timezone.now() + timedelta(seconds=1))
    with driving():
        wait_until(lambda: states()[Status.SENT] > sent, "sending goes on")
    shard.check()


def test_a_disconnect_stands_although_its_holds_could_not_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    action = due_action()

    def away(**_options: object) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(stopping, "apply_holds", away)
    assert disconnect_sending(action.account, user=UserFactory(), at=NOW)
    assert claim([job_of(action)], now=NOW, worker="test:1") == []
    sweep(NOW)
    assert status_of(action) == "held"
    assert not disconnect_sending(action.account, user=UserFactory(), at=NOW)
