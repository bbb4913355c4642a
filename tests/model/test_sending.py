"""The product's sending keeps its promises in whatever order things happen."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import Settings

from tests.model.machine import Sending
from tests.model.running import profile
from tests.model.world import make_cast


@pytest.fixture(autouse=True)
def _cast(db: None, settings: Settings) -> None:
    settings.SPAPI_RATE_FACTOR = 1000.0
    settings.LANE_SHARDS = 1
    Sending.cast = make_cast()


def test_every_promise_of_sending_holds_after_every_step() -> None:
    # a different seed at every run would make a failure of the suite a matter of luck
    examples = 150 if connection.vendor == "sqlite" else 30
    run_state_machine_as_test(Sending, settings=profile(examples))
