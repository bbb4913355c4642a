"""The product's sending keeps its promises in whatever order things happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Sending
from tests.model.running import on_stage, profile


@pytest.fixture(autouse=True)
def _stage(db: None) -> Iterator[None]:
    with on_stage():
        yield


def test_every_promise_of_sending_holds_after_every_step() -> None:
    examples = 150 if connection.vendor == "sqlite" else 30
    run_state_machine_as_test(Sending, settings=profile(examples))
