"""One lane remembers what is due and decides what may leave when; all time is given."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from pytest_django import Settings

from messaging.action_types import Api
from messaging.buckets import Answer
from messaging.delivery import Job
from messaging.lanes import LOOK_AHEAD, Control, Lane
from messaging.models import Priority
from messaging.states import Status
from sellers.models import SellerAccount
from spapi import Client
from tests.messaging.sending import NOW

SECOND = timedelta(seconds=1)
ACCOUNT = SellerAccount(pk=7, name="Seller")
GERMANY = "A1PA6795UKMFR9"
# Long after the start: both buckets are full.
FULL = 1000.0


@pytest.fixture
def lane(settings: Settings) -> Lane:
    settings.LANE_MARGIN, settings.SPAPI_RATE_FACTOR = 1.0, 1.0
    return Lane(ACCOUNT, Api.SOLICITATIONS, cast(Client, None), now=0.0)


def job(number: int, *, priority: int = Priority.BATCH, closes: int = 10, **fields: Any) -> Job:
    facts: dict[str, Any] = {
        "action_id": number,
        "account": ACCOUNT,
        "order_id": number,
        "amazon_order_id": f"302-0000000-{number:07d}",
        "marketplace_id": GERMANY,
        "kind": "productReviewAndSellerFeedback",
        "status": Status.QUEUED,
        "priority": priority,
        "not_before": NOW,
        "not_after": NOW + timedelta(days=closes),
        "opens_at": NOW,
    }
    return Job(**(facts | fields))


def looks(lane: Lane, now: float = FULL, wall: datetime = NOW) -> list[Any]:
    """All looks that may leave at this moment."""
    found = []
    while (subject := lane.next_look(now, wall)) is not None:
        found.append(subject.action_id if isinstance(subject, Job) else subject.order)
    return found


def sends(lane: Lane, now: float = FULL, wall: datetime = NOW) -> list[int]:
    """All sends that may leave at this moment."""
    found = []
    while (entry := lane.next_send(now, wall)) is not None:
        found.append(entry.job.action_id)
    return found


def make_ready(lane: Lane, *jobs: Job, looked_at: datetime = NOW) -> None:
    for one in jobs:
        lane.in_hand.add(one.action_id)
        lane.is_ready(one, looked_at)


def answer_at(at: float, status: int = 200, rate: float | None = None) -> Answer:
    return Answer(at=at, status=status, rate=rate)


def test_looks_and_sends_have_a_bucket_each(lane: Lane) -> None:
    lane.add([job(number) for number in range(20)])
    make_ready(lane, *(job(number) for number in range(100, 120)))
    assert (len(looks(lane)), len(sends(lane))) == (0, 5)  # enough is ready: no look is wanted


def test_a_burst_leaves_at_once_and_then_one_each_second(lane: Lane) -> None:
    lane.add([job(number) for number in range(20)])
    assert len(looks(lane)) == 5
    for _ in range(5):
        lane.look_is_over(answer_at(FULL), FULL)
    assert len(looks(lane, FULL + 0.99)) == 0
    assert len(looks(lane, FULL + 1.01)) == 1


def test_an_unknown_lane_starts_slowly(lane: Lane) -> None:
    lane.add([job(number) for number in range(20)])
    assert looks(lane, 0.0) == []
    assert lane.next_moment(0.0, NOW) == pytest.approx(1.0)
    assert len(looks(lane, 1.0)) == 1


def test_a_click_goes_before_a_batch_and_that_before_a_rule_and_the_earliest_window_first(
    lane: Lane,
) -> None:
    jobs = [
        job(1, priority=Priority.RULE, closes=1),
        job(2, priority=Priority.BATCH, closes=9),
        job(3, priority=Priority.CLICK, closes=30),
        job(4, priority=Priority.BATCH, closes=2),
    ]
    lane.add(jobs)
    assert looks(lane) == [3, 4, 2, 1]
    make_ready(lane, *jobs)
    assert sends(lane) == [3, 4, 2, 1]


def test_a_click_that_comes_late_overtakes_what_was_looked_at(lane: Lane) -> None:
    make_ready(lane, job(1), job(2))
    make_ready(lane, job(3, priority=Priority.CLICK))
    assert sends(lane)[0] == 3


def test_the_same_action_is_taken_in_hand_once(lane: Lane) -> None:
    lane.add([job(1), job(1)])
    lane.add([job(1)])
    assert looks(lane) == [1]
    lane.add([job(1)])
    assert looks(lane) == []
    lane.drop(job(1))
    lane.add([job(1)])
    assert looks(lane) == [1]


def test_only_a_few_orders_are_looked_at_ahead(lane: Lane) -> None:
    lane.add([job(number) for number in range(50)])
    make_ready(lane, *(job(100 + number) for number in range(LOOK_AHEAD - 2)))
    assert len(looks(lane)) == 2


def test_what_is_held_back_does_not_keep_others_from_being_looked_at(lane: Lane) -> None:
    later = NOW + 30 * SECOND
    make_ready(lane, *(job(100 + number, not_before=later) for number in range(LOOK_AHEAD)))
    lane.add([job(number) for number in range(50)])
    assert len(looks(lane)) == 5
    assert sends(lane) == []


def test_what_is_held_back_is_not_looked_at_without_end(lane: Lane) -> None:
    later = NOW + 30 * SECOND
    make_ready(lane, *(job(100 + number, not_before=later) for number in range(5 * LOOK_AHEAD)))
    lane.add([job(number) for number in range(50)])
    assert looks(lane) == []


def test_nothing_is_sent_before_its_hold_is_over_and_the_lane_wakes_for_it(lane: Lane) -> None:
    make_ready(lane, job(1, not_before=NOW + 10 * SECOND))
    assert sends(lane) == []
    assert lane.next_moment(FULL, NOW) == pytest.approx(FULL + 10)
    assert sends(lane, FULL + 10, NOW + 10 * SECOND) == [1]


def test_a_look_older_than_fifty_seconds_is_taken_again(lane: Lane) -> None:
    make_ready(lane, job(1), looked_at=NOW)
    later = NOW + 51 * SECOND
    assert sends(lane, FULL, later) == []
    assert looks(lane, FULL, later) == [1]


def test_a_look_is_as_old_as_the_machine_slept(lane: Lane) -> None:
    """The monotonic clock stood still for an hour; the database's did not."""
    make_ready(lane, job(1), looked_at=NOW)
    assert sends(lane, FULL + 0.1, NOW + timedelta(hours=1)) == []


def test_what_was_not_claimed_costs_nothing(lane: Lane) -> None:
    make_ready(lane, *(job(number) for number in range(12)))
    entry = lane.next_send(FULL, NOW)
    assert entry is not None
    lane.not_claimed(entry.job)
    assert entry.job.action_id not in lane.in_hand
    assert (len(sends(lane)), lane.sending) == (5, 5)


def test_a_call_that_never_left_costs_its_slot(lane: Lane) -> None:
    """Or else a token service that is down would be asked for a token without a pause."""
    lane.add([job(number) for number in range(30)])
    for _ in range(5):
        assert lane.next_look(FULL, NOW) is not None
        lane.look_is_over(None, FULL)
    assert looks(lane) == []
    assert len(looks(lane, FULL + 1.01)) == 1


def test_a_429_stops_the_operation_for_an_interval_and_the_other_goes_on(lane: Lane) -> None:
    make_ready(lane, *(job(number) for number in range(12)))
    entry = lane.next_send(FULL, NOW)
    assert entry is not None
    lane.send_is_over(entry.job, answer_at(FULL, status=429), FULL)
    assert sends(lane) == []
    assert sends(lane, FULL + 0.9) == []
    assert len(sends(lane, FULL + 1.01)) == 1
    lane.ready.clear()
    lane.add([job(50)])
    assert looks(lane) == [50]


def test_a_rate_that_amazon_names_is_followed(lane: Lane) -> None:
    lane.add([job(number) for number in range(30)])
    assert len(looks(lane)) == 5
    for _ in range(5):
        lane.look_is_over(answer_at(FULL, rate=0.5), FULL)
    assert looks(lane, FULL + 1.5) == []
    assert len(looks(lane, FULL + 2.01)) == 1


def test_what_was_stopped_since_it_was_taken_up_is_not_looked_at(lane: Lane) -> None:
    lane.add([job(1), job(2), job(3)])
    assert sorted(lane.waiting()) == [1, 2, 3]
    lane.keep_only({2})
    assert looks(lane) == [2]
    lane.add([job(1)])
    assert looks(lane) == [1]


def test_what_is_under_way_stays_in_hand_when_the_rest_is_forgotten(lane: Lane) -> None:
    lane.add([job(1), job(2)])
    assert lane.next_look(FULL, NOW) is not None
    lane.keep_only(set())
    assert lane.in_hand == {1}


def test_a_lane_is_idle_when_nothing_is_in_hand_or_under_way(lane: Lane) -> None:
    assert lane.is_idle
    lane.add([job(1)])
    assert not lane.is_idle
    assert looks(lane) == [1]
    lane.drop(job(1))
    assert not lane.is_idle  # the call is still out
    lane.look_is_over(answer_at(FULL), FULL)
    assert lane.is_idle
    assert lane.next_moment(FULL, NOW) == float("inf")


def test_controls_are_asked_first(lane: Lane) -> None:
    lane.add([job(1)])
    lane.controls.append(Control("302-1111111-1111111", GERMANY, "x"))
    assert looks(lane) == ["302-1111111-1111111", 1]


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(-61, False), (-60, True), (0, True), (60, True), (61, False)]
)
def test_a_control_counts_within_a_minute_of_the_look(
    lane: Lane, seconds: int, fresh: bool
) -> None:
    lane.note_offer(GERMANY, NOW)
    assert lane.control_is_fresh(GERMANY, NOW + seconds * SECOND) is fresh
    assert not lane.control_is_fresh("ATVPDKIKX0DER", NOW)


def handed_over(lane: Lane, *, clean: bool, age: float) -> Lane:
    heir = Lane(ACCOUNT, Api.SOLICITATIONS, cast(Client, None), now=5.0)
    saved = lane.dump(FULL, server_time=500.0, clean=clean)
    heir.restore(saved, server_time=500.0 + age, now=5.0)
    heir.add([job(number) for number in range(50)])
    return heir


def test_a_clean_hand_over_keeps_the_pace_of_every_bucket(lane: Lane) -> None:
    lane.add([job(number) for number in range(50)])
    for _ in range(3):
        assert lane.next_look(FULL, NOW) is not None
        lane.look_is_over(answer_at(FULL), FULL)
    heir = handed_over(lane, clean=True, age=0.0)
    assert len(looks(heir, 5.0)) == 2
    make_ready(heir, *(job(100 + number) for number in range(9)))
    assert len(sends(heir, 5.0)) == 5
    assert len(looks(handed_over(lane, clean=True, age=1.01), 5.0)) == 3


@pytest.mark.parametrize("age", [0.0, 6.0, 60.0])
def test_a_hand_over_without_a_good_bye_starts_as_emptied(lane: Lane, age: float) -> None:
    heir = handed_over(lane, clean=False, age=age)
    assert looks(heir, 5.0) == []
    assert looks(heir, 6.9) == []
    assert len(looks(heir, 7.01)) == 1


def test_a_clock_that_ran_backwards_makes_no_tokens(lane: Lane) -> None:
    lane.add([job(number) for number in range(50)])
    assert len(looks(lane)) == 5
    assert looks(handed_over(lane, clean=True, age=-1000.0), 5.0) == []
