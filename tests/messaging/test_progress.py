"""How far a batch has come, and when its lanes will be empty."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.models import Batch, OutgoingAction
from messaging.progress import (
    POSTPONED_BY,
    BatchProgress,
    advice,
    batch_failures,
    batch_progress,
    in_sentence,
    lane_queues,
    next_look,
)
from messaging.states import OPEN, STOPPABLE, WATCHED, Status
from sellers.models import SellerAccount
from tests.factories import BatchFactory, OutgoingActionFactory, SellerAccountFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory()


def add(batch: Batch, account: SellerAccount, status: Status, **fields: object) -> OutgoingAction:
    action: OutgoingAction = OutgoingActionFactory(
        batch=batch, order__account=account, status=status, **fields
    )
    return action


def progress_of(batch: Batch, account: SellerAccount, now: datetime) -> BatchProgress:
    return batch_progress(batch, [account.pk], now)


@pytest.mark.parametrize("status", list(Status))
def test_each_state_is_counted_and_says_whether_it_is_done(
    status: Status, account: SellerAccount, now: datetime
) -> None:
    batch = BatchFactory()
    add(batch, account, status)
    progress = progress_of(batch, account, now)
    assert (progress.total, progress.counts) == (1, {status: 1})
    is_under_way = status in STOPPABLE | {Status.SENDING}
    assert progress.done == (0 if is_under_way else 1)
    assert progress.stoppable == (1 if status in STOPPABLE else 0)
    assert progress.is_finished == (status not in {Status.QUEUED, Status.SENDING})
    assert progress.sent == (1 if status == Status.SENT else 0)


def test_probably_sent_is_never_added_to_sent(account: SellerAccount, now: datetime) -> None:
    batch = BatchFactory()
    add(batch, account, Status.SENT)
    add(batch, account, Status.PROBABLY_SENT)
    progress = progress_of(batch, account, now)
    assert (progress.sent, progress.done, progress.failed) == (1, 2, 0)


def test_what_amazon_does_not_offer_yet_waits_for_later(
    account: SellerAccount, now: datetime
) -> None:
    batch = BatchFactory()
    add(batch, account, Status.QUEUED, look_at=now + timedelta(hours=21))
    soonest = now + timedelta(hours=20)
    add(batch, account, Status.QUEUED, look_at=soonest)
    progress = progress_of(batch, account, now)
    assert (progress.waiting_now, progress.waiting_later) == (0, 2)
    assert progress.next_look_at == soonest
    assert progress.is_finished
    assert progress.finish_at is None


def test_what_is_tried_again_within_minutes_is_under_way(
    account: SellerAccount, now: datetime
) -> None:
    batch = BatchFactory()
    add(batch, account, Status.QUEUED, look_at=now + timedelta(seconds=30))
    assert not progress_of(batch, account, now).is_finished
    assert progress_of(batch, account, now - POSTPONED_BY).is_finished


def test_a_batch_in_its_hold_is_not_finished(account: SellerAccount, now: datetime) -> None:
    release_at = now + timedelta(hours=1)
    batch = BatchFactory(release_at=release_at)
    add(batch, account, Status.QUEUED, look_at=release_at, not_before=release_at)
    progress = progress_of(batch, account, now)
    assert (progress.waiting_now, progress.is_finished) == (1, False)
    assert progress.finish_at is not None
    assert progress.finish_at > release_at


@override_settings(LANE_MARGIN=0.5, SPAPI_RATE_FACTOR=1.0)
def test_the_finish_counts_all_that_waits_in_the_lane(
    account: SellerAccount, now: datetime
) -> None:
    batch = BatchFactory()
    add(batch, account, Status.QUEUED)
    add(BatchFactory(), account, Status.QUEUED)
    add(BatchFactory(), account, Status.QUEUED, look_at=now + timedelta(hours=9))
    add(BatchFactory(), SellerAccountFactory(), Status.QUEUED)
    # two actions, half an action a second
    assert progress_of(batch, account, now).finish_at == now + timedelta(seconds=4)


def test_other_accounts_are_not_looked_at(account: SellerAccount, now: datetime) -> None:
    batch = BatchFactory()
    add(batch, account, Status.SENT)
    add(batch, SellerAccountFactory(), Status.REFUSED)
    assert progress_of(batch, account, now).counts == {Status.SENT: 1}
    assert batch_failures(batch, [account.pk]) == []
    assert batch_progress(batch, [], now).total == 0


def test_progress_takes_three_queries_at_most(account: SellerAccount, now: datetime) -> None:
    batch = BatchFactory()
    for status in Status:
        add(batch, account, status)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        progress_of(batch, account, now)
    assert len(captured) == 3


def test_lanes_are_told_longest_first(account: SellerAccount, now: datetime) -> None:
    other = SellerAccountFactory()
    batch = BatchFactory()
    add(batch, account, Status.QUEUED)
    add(batch, other, Status.QUEUED)
    add(batch, other, Status.QUEUED)
    add(batch, other, Status.SENT)
    queues = lane_queues([account.pk, other.pk], now)
    assert [(queue.account_id, queue.waiting) for queue in queues] == [
        (other.pk, 2),
        (account.pk, 1),
    ]
    assert queues[0].finish_at > queues[1].finish_at > now


def test_a_batch_of_messages_waits_in_the_lane_of_messages(
    account: SellerAccount, now: datetime
) -> None:
    batch = BatchFactory(kind="sendInvoice")
    add(batch, account, Status.QUEUED, kind="sendInvoice", api="messaging")
    for _ in range(4):
        add(BatchFactory(), account, Status.QUEUED)
    progress = progress_of(batch, account, now)
    assert progress.waiting_now == 1
    (queue,) = lane_queues([account.pk], now, batch.type)
    assert (queue.waiting, queue.finish_at) == (1, progress.finish_at)


def test_failures_are_grouped_worst_first(account: SellerAccount) -> None:
    batch = BatchFactory()
    for _ in range(2):
        add(batch, account, Status.REFUSED, reason="Refused: already requested")
    for _ in range(3):
        add(batch, account, Status.REFUSED, reason="Refused: something else")
    add(batch, account, Status.UNCONFIRMED, reason="It left")
    add(batch, account, Status.SENT)
    failures = batch_failures(batch, [account.pk])
    assert [(entry.status, entry.reason, entry.number) for entry in failures] == [
        (Status.UNCONFIRMED, "It left", 1),
        (Status.REFUSED, "Refused: something else", 3),
        (Status.REFUSED, "Refused: already requested", 2),
    ]
    assert "Nothing to do" in failures[2].advice
    assert "tried again" in failures[1].advice


@pytest.mark.parametrize("status", list(Status))
def test_whatever_does_not_go_well_has_advice(status: Status) -> None:
    goes_well = {Status.QUEUED, Status.SENDING, Status.SENT, Status.CANCELLED}
    assert bool(advice(status)) == (status not in goes_well)


@pytest.mark.parametrize("status", list(Status))
def test_only_what_is_looked_at_again_has_a_next_look(
    status: Status, account: SellerAccount
) -> None:
    action = OutgoingAction(status=status, look_at=timezone.now())
    is_looked_at = status in WATCHED | {Status.QUEUED}
    assert (next_look(action) is not None) == is_looked_at
    assert not is_looked_at or status in OPEN


def test_names_keep_their_capitals_within_a_sentence() -> None:
    assert in_sentence(Status.REFUSED) == "refused by Amazon"
    assert in_sentence(Status.HELD) == "on hold"


def test_what_a_person_gave_up_is_not_said_to_be_out_of_time() -> None:
    # a manager may leave it at that long before the window closes
    assert "window" not in advice(Status.UNRESOLVED)
