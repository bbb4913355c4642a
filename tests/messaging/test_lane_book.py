"""The lanes of a shard: what each takes up, whom it calls for, and the pace that is left."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from messaging import lane_book, lanes
from messaging.action_types import Api
from messaging.buckets import LaneLimiter
from messaging.clock import Clock
from messaging.lane_book import LaneBook
from messaging.lanes import REFILL_BELOW, TAKE_AT_ONCE, Lane
from messaging.models import ActionFile, OutgoingAction
from messaging.states import Status
from sellers.models import Connection, SellerAccount
from tests.factories import DAY, SellerAccountFactory
from tests.files import keep_file
from tests.messaging.sending import NOW, due_action, due_message, due_order, unshipped_order

pytestmark = pytest.mark.django_db


class Standing(Clock):
    """A clock that stands at NOW."""

    def now(self):  # type: ignore[no-untyped-def]
        return NOW


@pytest.fixture
def book(settings: Settings) -> LaneBook:
    settings.LANE_SHARDS = 1
    return a_book()


def a_book(shard: int = 0) -> LaneBook:
    clock = Standing()
    return LaneBook(shard, clock, LaneLimiter(clock))


def queue(account: SellerAccount, number: int) -> list[OutgoingAction]:
    return [due_action(order=due_order(account=account)) for _ in range(number)]


def in_hand(book: LaneBook) -> dict[int, int]:
    return {lane.account.pk: len(lane.in_hand) for lane in book}


def only_lane(book: LaneBook) -> Lane:
    (lane,) = book
    return lane


def test_every_account_with_something_due_has_a_lane_that_takes_it_up(book: LaneBook) -> None:
    first, second, idle = (SellerAccountFactory() for _ in range(3))
    queue(first, 2)
    queue(second, 1)
    book.take_up(())
    assert in_hand(book) == {first.pk: 2, second.pk: 1}
    assert idle.pk not in in_hand(book)
    assert {lane.api for lane in book} == {Api.SOLICITATIONS}


def test_a_lane_takes_a_few_dozen_and_more_when_few_are_left(book: LaneBook) -> None:
    account = SellerAccountFactory()
    queue(account, TAKE_AT_ONCE + 3)
    book.take_up(())
    assert in_hand(book) == {account.pk: TAKE_AT_ONCE}
    book.take_up(())
    assert in_hand(book) == {account.pk: TAKE_AT_ONCE}
    lane = only_lane(book)
    while len(lane.pending) >= REFILL_BELOW:
        lane.pending.pop()
    book.take_up(())
    assert in_hand(book) == {account.pk: TAKE_AT_ONCE + 3}


def test_a_click_is_taken_up_by_a_lane_that_has_enough(book: LaneBook) -> None:
    account = SellerAccountFactory()
    queue(account, TAKE_AT_ONCE)
    book.take_up(())
    (clicked,) = queue(account, 1)
    book.take_up({account.pk})
    assert clicked.pk in only_lane(book).in_hand


def test_what_waits_for_its_upload_keeps_only_others_with_files_from_being_taken_up(
    book: LaneBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "MOST_TO_UPLOAD", 2)
    account = SellerAccountFactory()
    order = unshipped_order(account=account)
    with_files = [due_message(f"{n}", order=order) for n in range(TAKE_AT_ONCE + 5)]
    for action in with_files:
        file = keep_file(account, b"%PDF-1.4")
        ActionFile.objects.create(action=action, file=file, place=0, name="a.pdf")
    files = [{"name": "a.pdf", "size": 8, "sha256": "0"}]
    OutgoingAction.objects.update(payload={"text": "", "files": files})
    plain = due_message("plain", order=order, not_after=NOW + 60 * DAY)
    book.take_up(())
    lane = only_lane(book)
    assert (len(lane.to_upload), lane.pending) == (TAKE_AT_ONCE, [])
    book.take_up(())
    assert len(lane.to_upload) == TAKE_AT_ONCE
    assert [job.action_id for _, job in lane.pending] == [plain.pk]
    book.take_up({account.pk})
    assert len(lane.to_upload) == len(with_files), "somebody clicked, perhaps for one with files"


def test_a_lane_whose_due_actions_are_all_in_hand_is_not_asked_again(
    book: LaneBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = SellerAccountFactory()
    queue(account, 2)
    book.take_up(())
    asked: list[int] = []
    monkeypatch.setattr(lane_book, "take_up", lambda *_a, **_o: asked.append(1) or [])
    book.take_up({account.pk})
    assert asked == []
    queue(account, 1)
    book.take_up(())
    assert asked == [1]


def test_many_lanes_with_nothing_new_cost_as_much_as_one(book: LaneBook) -> None:
    queue(SellerAccountFactory(), 1)
    book.take_up(())
    with CaptureQueriesContext(connection) as one:
        book.take_up(())
    for _ in range(4):
        queue(SellerAccountFactory(), 1)
    book.take_up(())
    with CaptureQueriesContext(connection) as five:
        book.take_up(())
    assert len(five) == len(one)


def test_what_was_stopped_meanwhile_is_forgotten(book: LaneBook) -> None:
    account = SellerAccountFactory()
    stopped, stays = queue(account, 2)
    book.take_up(())
    OutgoingAction.objects.filter(pk=stopped.pk).transition(Status.QUEUED, Status.CANCELLED, at=NOW)
    book.take_up(())
    assert only_lane(book).in_hand == {stays.pk}


def test_an_account_that_was_connected_anew_is_called_for_with_its_new_token(
    book: LaneBook,
) -> None:
    account = SellerAccountFactory()
    queue(account, 1)
    book.take_up(())
    lane = only_lane(book)
    before, bucket = lane.client, lane.buckets[lane.look_operation]
    account.refresh_token = "Atzr|another"
    account.save()
    book.take_up(())
    assert only_lane(book) is lane
    assert lane.client is not before
    assert lane.account.refresh_token == "Atzr|another"
    assert lane.buckets[lane.look_operation] is bucket


def test_an_application_with_a_new_secret_is_called_for_with_it(book: LaneBook) -> None:
    account = SellerAccountFactory()
    queue(account, 1)
    book.take_up(())
    lane = only_lane(book)
    before = lane.client
    account.application.client_secret = "a new secret"
    account.application.save()
    book.take_up(())
    assert only_lane(book) is lane
    assert lane.client is not before
    assert lane.account.application.client_secret == "a new secret"


def test_what_a_newer_release_has_queued_is_left_to_it(book: LaneBook) -> None:
    account = SellerAccountFactory()
    known, unknown = queue(account, 2)
    OutgoingAction.objects.filter(pk=unknown.pk).update(kind="notYetInvented")
    book.take_up(())
    assert only_lane(book).in_hand == {known.pk}


def test_accounts_that_cannot_be_reached_or_are_another_shards_have_no_lane(
    settings: Settings,
) -> None:
    settings.LANE_SHARDS = 2
    mine, theirs = sorted((SellerAccountFactory() for _ in range(2)), key=lambda one: one.pk % 2)
    assert (mine.pk % 2, theirs.pk % 2) == (0, 1)
    for account in (mine, theirs):
        queue(account, 1)
    book = a_book()
    book.take_up(())
    assert set(in_hand(book)) == {mine.pk}
    SellerAccount.objects.filter(pk=mine.pk).update(connection=Connection.RECONNECT)
    book = a_book()
    book.take_up(())
    assert in_hand(book) == {}


def test_a_token_that_cannot_be_read_costs_no_other_account_its_lane(
    book: LaneBook, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = SellerAccountFactory(), SellerAccountFactory()
    for account in (good, bad):
        queue(account, 1)
    SellerAccount.objects.filter(pk=bad.pk).update(refresh_token_encrypted=b"nonsense")
    book.take_up(())
    assert set(in_hand(book)) == {good.pk}
    assert "cannot be reached" in caplog.text


def test_the_pace_of_a_lane_with_a_call_out_is_not_clean(book: LaneBook) -> None:
    for _ in range(2):
        queue(SellerAccountFactory(), 1)
    book.take_up(())
    calling, resting = book
    calling.looking = 1
    pace = book.pace(clean=True)
    assert pace[f"{calling.account.pk}:{calling.api}"]["clean"] is False
    assert pace[f"{resting.account.pk}:{resting.api}"]["clean"] is True
    assert not any(lane["clean"] for lane in book.pace(clean=False).values())
    assert book.has_calls_out


def test_the_pace_of_lanes_that_had_nothing_to_do_is_handed_on(book: LaneBook) -> None:
    book.load_pace({"7:solicitations": {"from": "the driver before"}}, server_offset=0.0)
    queue(SellerAccountFactory(), 1)
    book.take_up(())
    assert book.pace(clean=True)["7:solicitations"] == {"from": "the driver before"}
    assert len(book.pace(clean=True)) == 2


def test_a_book_without_lanes_has_no_next_moment_and_is_idle(book: LaneBook) -> None:
    assert book.next_moment(0.0, NOW) == book.shortest_interval() == float("inf")
    assert book.is_idle
    assert not book.has_calls_out
