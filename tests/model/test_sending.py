"""The product's sending keeps its promises in whatever order things happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from hypothesis import seed
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
# Chosen for the rules and steps that they take, and for the mistakes of `bugs` that they find: all but
# `retry_makes_a_new_row`. The first two alone take most rules.
SEEDS = (4, 8, 14, 22, 23, 25, 0)
EXAMPLES = 10  # of a seed: of more, most would be small changes to the first ones
KINDS = 33  # of what people, drivers and the clockwork can do


@pytest.fixture(autouse=True)
def _stage(db: None) -> Iterator[None]:
    with on_stage():
        yield


def test_every_promise_of_sending_holds_after_every_step() -> None:
    is_long = connection.vendor == "sqlite"
    steps, kinds = Sending.steps_seen.copy(), Sending.rules_taken.copy()
    for number in SEEDS if is_long else SEEDS[:2]:
        run_state_machine_as_test(seed(number)(Sending), settings=profile(EXAMPLES))
    taken = Sending.steps_seen - steps
    assert taken.keys() >= USUAL | (IN_A_LONG_RUN if is_long else set()), taken
    used = Sending.rules_taken - kinds
    assert len(used) >= KINDS, used
