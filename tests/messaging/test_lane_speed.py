"""How long a queue takes, by the published rate and our margin."""

from datetime import timedelta

from pytest_django import Settings

from messaging.action_types import REVIEW_REQUEST
from messaging.lane_speed import finish_time, sends_per_second
from tests.messaging.sending import NOW


def test_a_queue_takes_a_second_for_each_less_the_margin(settings: Settings) -> None:
    settings.LANE_MARGIN, settings.SPAPI_RATE_FACTOR = 0.5, 1.0
    assert sends_per_second(REVIEW_REQUEST) == 0.5
    assert finish_time(REVIEW_REQUEST, waiting=30, start=NOW) == NOW + timedelta(minutes=1)
    assert finish_time(REVIEW_REQUEST, waiting=0, start=NOW) == NOW


def test_a_faster_sandbox_is_done_sooner(settings: Settings) -> None:
    settings.LANE_MARGIN, settings.SPAPI_RATE_FACTOR = 1.0, 100.0
    assert sends_per_second(REVIEW_REQUEST) == 100.0
