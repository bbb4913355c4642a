"""The product's sending keeps its promises in whatever order things happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Sending
from tests.model.running import on_stage, profile

# Steps that every run takes: one that keeps all promises because nothing moves shows nothing.
USUAL = {
    "queued → sending",
    "sending → sent",
    "sending → unconfirmed",
    "queued → held",
    "held → queued",
    "queued → cancelled",
}
IN_A_LONG_RUN = {
    "sending → queued",
    "sending → refused",
    "unconfirmed → queued",
    "unconfirmed → probably_sent",
}


@pytest.fixture(autouse=True)
def _stage(db: None) -> Iterator[None]:
    with on_stage():
        yield


def test_every_promise_of_sending_holds_after_every_step() -> None:
    is_long = connection.vendor == "sqlite"
    before = Sending.steps_seen.copy()
    run_state_machine_as_test(Sending, settings=profile(150 if is_long else 30))
    taken = Sending.steps_seen - before
    assert taken.keys() >= USUAL | (IN_A_LONG_RUN if is_long else set()), taken
