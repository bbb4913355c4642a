"""Many requests at once: what is made, what is left out and why, at whatever speed."""

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from audit.models import AuditEvent
from messaging.left_out import LeftOut, skipped_in_words
from messaging.models import ActionEvent, Batch, Origin, OutgoingAction, Priority
from messaging.queueing import preview_reviews, queue_reviews
from messaging.services import NotAllowedError, request_reviews
from messaging.states import TAKEN, Status
from orders.models import Order, OrderQuerySet
from sellers.models import SellerAccount
from tests.factories import (
    DAY,
    BatchFactory,
    OrderFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.messaging.sending import NOW, due_action, due_message, due_order, steps_of
from tests.messaging.test_services import at_once

pytestmark = pytest.mark.django_db
SECOND, MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)


def ask(user: User | None = None, **options: Any) -> Batch:
    """All orders that there are, asked for in a new form."""
    orders = options.pop("orders", Order.objects.all())
    options = {"at": NOW, "client_key": uuid.uuid4()} | options
    return request_reviews(orders, user=user or UserFactory(), **options)


def left_out(batch: Batch) -> dict[str, int]:
    """How many of all accounts were left out, by reason."""
    return batch.left_out(SellerAccount.objects.values_list("pk", flat=True))


def test_every_eligible_order_has_a_queued_action_of_the_batch(settings: Settings) -> None:
    settings.SEND_HOLD_SECONDS = 10
    accounts = SellerAccountFactory.create_batch(2)
    orders = [due_order(account=accounts[number % 2]) for number in range(5)]
    ann = UserFactory()
    batch = ask(ann, origin=Origin.COMMAND, description="Eligible now")
    batch.refresh_from_db()
    assert (batch.selected, batch.queued, batch.skipped) == (5, 5, {})
    assert (batch.created_by, batch.created_at, batch.origin) == (ann, NOW, "command")
    assert (batch.release_at, batch.description) == (NOW + 10 * SECOND, "Eligible now")
    actions = {action.order_id: action for action in OutgoingAction.objects.all()}
    assert set(actions) == {order.pk for order in orders}
    for order in orders:
        action = actions[order.pk]
        assert (action.batch, action.account_id) == (batch, order.account_id)
        assert (action.status, action.priority) == (Status.QUEUED, Priority.BATCH)
        assert (action.kind, action.api) == ("productReviewAndSellerFeedback", "solicitations")
        assert (action.not_before, action.look_at) == (NOW + 10 * SECOND, NOW + 9 * SECOND)
        assert action.not_after == order.latest_delivery_at + 30 * DAY
        assert (action.status_at, action.created_at, action.requested_by) == (NOW, NOW, ann)
        assert (action.payload, action.payload_hash, action.lease_until) == ({}, "", None)
        assert (action.client_key, action.sent_attempt, action.stop_asked_by) == (None, None, None)
        assert (action.looks, action.absent_looks, action.offered_looks) == (0, 0, 0)
        assert steps_of(action) == ["queued"]
        order.refresh_from_db()
        assert (order.solicitation, order.solicitation_at) == ("queued", NOW)
    events = AuditEvent.objects.order_by("account_id")
    assert [event.account_id for event in events] == sorted(one.pk for one in accounts)
    assert events[0].detail == {"queued": 5, "selected": 5, "description": "Eligible now"}


def test_moments_are_kept_to_the_millisecond_at_least() -> None:
    due_order()
    at = NOW + timedelta(microseconds=123_456)
    ask(at=at)
    action = OutgoingAction.objects.get()
    for moment in (action.not_before, action.created_at, action.status_at):
        assert abs(moment - at) < MILLISECOND
    assert action.not_before <= Batch.objects.get().release_at


def a_mixture() -> dict[str, int]:
    """Orders of every sort; returns how many of each are left out."""
    due_order()
    due_order(earliest_delivery_at=NOW - 31 * DAY, latest_delivery_at=NOW - 29 * DAY)
    due_order(is_refunded=True)
    due_order(is_refunded=True, is_returned=True)
    due_order(earliest_delivery_at=NOW - DAY, latest_delivery_at=NOW)
    for status in Status:
        due_action(status=status)
    return {
        "refunded": 1,
        "returned": 1,
        "too_early": 1,
        **{status.value: 1 for status in TAKEN},
    }


def test_what_is_left_out_is_counted_by_its_reason() -> None:
    skipped = a_mixture()
    batch = ask()
    assert left_out(batch) == skipped
    assert batch.queued == 2 + len(set(Status) - TAKEN)
    assert batch.selected == Order.objects.count()


def test_what_is_left_out_is_counted_for_each_account() -> None:
    first, second, third = SellerAccountFactory.create_batch(3)
    due_order(account=first)
    due_order(account=first, is_refunded=True)
    due_order(account=second, is_refunded=True)
    due_action(order=due_order(account=second))
    due_order(account=third)
    batch = ask()
    batch.refresh_from_db()
    assert batch.left_out([first.pk]) == {"refunded": 1}
    assert batch.left_out([second.pk]) == {"refunded": 1, "queued": 1}
    assert batch.left_out([third.pk]) == {}
    assert batch.left_out([first.pk, second.pk]) == {"refunded": 2, "queued": 1}


def a_written_order(account: SellerAccount, status: Status = Status.QUEUED) -> Any:
    """An order that may be asked, to whose buyer a message was written."""
    order = due_order(account=account)
    due_message(order=order, status=status)
    return order


def test_an_account_of_one_message_is_not_asked_after_another_one() -> None:
    strict = SellerAccountFactory(one_message_per_order=True)
    for status in (Status.QUEUED, Status.SENT, Status.UNCONFIRMED):
        a_written_order(strict, status)
    cancelled, free = a_written_order(strict, Status.CANCELLED), due_order(account=strict)
    other = a_written_order(SellerAccountFactory())
    asked = {cancelled.pk, free.pk, other.pk}
    preview = preview_reviews(Order.objects.all(), at=NOW, start=NOW)
    assert {order.pk for order in preview.orders} == asked
    batch = ask()
    assert set(batch.actions.values_list("order", flat=True)) == asked
    assert left_out(batch) == preview.skipped == {LeftOut.WRITTEN: 3}
    assert batch.left_out([strict.pk]) == {LeftOut.WRITTEN: 3}
    assert (preview.selected, preview.eligible) == (batch.selected, batch.queued) == (6, 3)
    assert skipped_in_words(left_out(batch)) == [("A message was written for the order", 3)]


def test_a_preview_says_for_how_many_orders_it_would_be_the_second() -> None:
    account = SellerAccountFactory()
    a_written_order(account)
    a_written_order(account, Status.REFUSED)
    due_order(account=account)
    preview = preview_reviews(Order.objects.all(), at=NOW, start=NOW)
    assert (preview.eligible, preview.written, preview.skipped) == (3, 1, {})


def test_a_request_asks_of_messages_only_where_an_account_forbids_the_second() -> None:
    account = SellerAccountFactory()
    a_written_order(account)
    with CaptureQueriesContext(connection) as queries:
        ask()
    naming = [query["sql"] for query in queries if "one_message_per_order" in query["sql"]]
    assert len(naming) == 1


@pytest.mark.parametrize("limit", [None, 1, 5])
def test_what_is_lost_to_somebody_else_counts_for_its_account(limit: int | None) -> None:
    """The orders' marks are behind, as another transaction's are until it commits."""
    first, second = SellerAccountFactory.create_batch(2)
    due_order(account=first)
    taken = due_order(account=second, latest_delivery_at=NOW - 12 * DAY)  # it closes first
    due_action(order=taken)
    Order.objects.update(solicitation="")
    batch = BatchFactory(created_at=NOW)
    queue_reviews(batch, Order.objects.all(), at=NOW, limit=limit)
    assert batch.skipped == {str(second.pk): {"queued": 1}}
    assert batch.selected == batch.queued + 1 == (1 if limit == 1 else 2)


def test_reasons_are_said_in_words_most_frequent_first() -> None:
    words = skipped_in_words({"too_early": 2, "sent": 5, "refunded": 1, "queued": 3})
    assert words == [
        ("Asked already: sent", 5),
        ("Asked already: waiting", 3),
        ("Too early", 2),
        ("Refunded", 1),
    ]


@pytest.mark.parametrize("limit", [None, 0, 1, 3, 100])
def test_the_preview_is_what_the_request_then_does(limit: int | None) -> None:
    a_mixture()
    account = Order.objects.earliest("pk").account
    for days in (2, 0, 1):
        due_order(account=account, latest_delivery_at=NOW - (10 + days) * DAY)
    orders = Order.objects.all()
    preview = preview_reviews(orders, at=NOW, start=NOW, limit=limit)
    batch = ask(limit=limit)
    assert (preview.selected, preview.eligible) == (batch.selected, batch.queued)
    assert preview.skipped == left_out(batch)
    made = OutgoingAction.objects.filter(batch=batch)
    shares = {share.account.pk: share.eligible for share in preview.shares}
    assert shares == {
        pk: made.filter(account=pk).count() for pk in made.values_list("account", flat=True)
    }
    for share in preview.shares:
        assert sum(share.marketplaces.values()) == share.eligible
    assert preview.skipped_in_words() == skipped_in_words(left_out(batch))


def test_a_limit_takes_those_whose_windows_close_first() -> None:
    orders = [due_order(latest_delivery_at=NOW - days * DAY) for days in (10, 12, 11)]
    ask(limit=2)
    taken = set(OutgoingAction.objects.values_list("order", flat=True))
    assert taken == {orders[1].pk, orders[2].pk}


def test_the_preview_says_when_each_account_would_be_done(settings: Settings) -> None:
    settings.LANE_MARGIN = 0.5
    account = SellerAccountFactory()
    for _ in range(3):
        due_order(account=account)
    due_action(order=due_order(account=account))
    due_action(order=due_order(account=account), look_at=NOW + DAY)
    due_order()
    preview = preview_reviews(Order.objects.filter(account=account), at=NOW, start=NOW)
    (share,) = preview.shares
    assert (share.eligible, share.waiting_before) == (3, 1)
    # half a request a second: three of ours after the one that waits
    assert share.finish_at == preview.finish_at == NOW + 8 * SECOND


def test_a_preview_of_nothing_is_done_never() -> None:
    preview = preview_reviews(Order.objects.all(), at=NOW, start=NOW)
    assert (preview.selected, preview.eligible, preview.finish_at) == (0, 0, None)
    assert preview.shares == []


def test_a_request_for_nothing_makes_an_empty_batch() -> None:
    batch = ask()
    assert (batch.selected, batch.queued, batch.skipped) == (0, 0, {})


@pytest.mark.parametrize("orders", [Order.objects.none(), Order.objects.filter(pk__in=[])])
def test_a_selection_that_is_empty_makes_an_empty_batch(orders: OrderQuerySet) -> None:
    due_order()
    batch = ask(orders=orders)
    assert (batch.selected, batch.queued) == (0, 0)
    assert preview_reviews(orders, at=NOW, start=NOW).eligible == 0


def test_the_same_orders_twice_are_asked_once() -> None:
    due_order()
    first, second = ask(), ask()
    assert (first.queued, second.queued) == (1, 0)
    assert left_out(second) == {"queued": 1}


def test_a_form_sent_twice_makes_one_batch() -> None:
    due_order()
    ann, key = UserFactory(), uuid.uuid4()
    first = ask(ann, client_key=key)
    due_order()
    assert ask(ann, client_key=key) == first
    assert OutgoingAction.objects.count() == 1


@pytest.mark.parametrize("stranger", [UserFactory, lambda: None])
def test_somebody_elses_form_makes_nothing(stranger: Callable[[], User | None]) -> None:
    key = uuid.uuid4()
    ask(client_key=key)
    due_order()
    with pytest.raises(NotAllowedError, match="made for somebody else"):
        request_reviews(Order.objects.all(), user=stranger(), at=NOW, client_key=key)
    assert not OutgoingAction.objects.exists()


def test_what_is_asked_for_a_paused_account_is_on_hold_at_once() -> None:
    due_order(account=SellerAccountFactory(paused=True))
    due_order()
    batch = ask()
    counts = batch.actions.values_list("status", flat=True)
    assert sorted(counts) == ["held", "queued"]
    assert batch.queued == 2


def test_orders_that_were_not_selected_are_left_alone() -> None:
    chosen, other = due_order(), due_order()
    ask(orders=Order.objects.filter(pk=chosen.pk))
    other.refresh_from_db()
    assert other.solicitation == ""
    assert OutgoingAction.objects.get().order == chosen


def bulk_orders(account: SellerAccount, number: int) -> None:
    """So many eligible orders, in one statement."""
    Order.objects.bulk_create(
        OrderFactory.build_batch(
            number,
            account=account,
            earliest_delivery_at=NOW - 12 * DAY,
            latest_delivery_at=NOW - 10 * DAY,
        )
    )


def test_a_thousand_take_as_many_statements_as_ten() -> None:
    ann, account = UserFactory(), SellerAccountFactory()

    def statements(number: int) -> int:
        Order.objects.exclude(solicitation="").update(is_excluded=True)
        bulk_orders(account, number)
        with CaptureQueriesContext(connection) as queries:
            batch = ask(ann)
        assert batch.queued == number
        return len(queries)

    assert statements(10) == statements(1000)
    assert OutgoingAction.objects.count() == 1010


def test_an_order_that_somebody_else_takes_in_between_is_left_to_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The count comes first; what is asked after it and before the rows are made is counted too."""
    due_order()
    taken = due_order()
    count = type(Order.objects.all()).count_by_obstacle

    def count_and_lose_one(orders: Any, at: Any) -> dict[int, Counter[str]]:
        counts = count(orders, at)
        due_action(order=taken)
        return counts

    monkeypatch.setattr(type(Order.objects.all()), "count_by_obstacle", count_and_lose_one)
    batch = ask()
    assert (batch.queued, left_out(batch), batch.selected) == (1, {"queued": 1}, 2)


def test_a_row_that_the_database_forbids_is_left_out_and_costs_no_other() -> None:
    """The order's mark is behind (as another transaction's is until it commits): the index decides."""
    orders = [due_order() for _ in range(3)]
    due_action(order=orders[1])
    Order.objects.update(solicitation="")
    batch = BatchFactory(created_at=NOW)
    queue_reviews(batch, Order.objects.all(), at=NOW)
    assert (batch.queued, left_out(batch)) == (2, {"queued": 1})
    assert batch.actions.count() == 2


def test_a_batch_and_its_marks_are_made_together_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due_order()

    def fail(**_details: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr("messaging.services.batching.apply_holds", fail)
    with pytest.raises(RuntimeError):
        ask()
    assert not Batch.objects.exists()
    assert not OutgoingAction.objects.exists()
    assert not ActionEvent.objects.exists()
    assert not AuditEvent.objects.exists()
    assert Order.objects.get().solicitation == ""


@pytest.mark.django_db(transaction=True)
def test_people_who_ask_for_the_same_orders_at_once_ask_each_order_once() -> None:
    account = SellerAccountFactory()
    bulk_orders(account, 60)
    people = UserFactory.create_batch(4)
    limits = [None, 40, None, 20]
    batches = at_once(
        *(lambda ann=ann, limit=limit: ask(ann, limit=limit)
          for ann, limit in zip(people, limits, strict=True))
    )  # fmt: skip
    assert all(isinstance(batch, Batch) for batch in batches), batches
    assert sum(batch.queued for batch in batches) == 60
    assert OutgoingAction.objects.count() == 60
    for batch, limit in zip(batches, limits, strict=True):
        assert batch.actions.count() == batch.queued
        assert batch.selected == 60 or limit is not None
    assert set(Order.objects.values_list("solicitation", flat=True)) == {"queued"}


@pytest.mark.django_db(transaction=True)
def test_a_double_click_on_a_batch_makes_one() -> None:
    bulk_orders(SellerAccountFactory(), 20)
    ann, key = UserFactory(), uuid.uuid4()
    batches = at_once(*[lambda: ask(ann, client_key=key, at=timezone.now())] * 3)
    assert batches == [Batch.objects.get()] * 3
