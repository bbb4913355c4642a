"""The machine finds every mistake that was put into the product for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError
from hypothesis.stateful import run_state_machine_as_test

from tests.model.bugs import BUGS
from tests.model.machine import Sending
from tests.model.oracle import BreachError
from tests.model.running import on_stage, profile

MOST_EXAMPLES = 400


@pytest.fixture(autouse=True)
def _stage(db: None) -> Iterator[None]:
    with on_stage():
        yield


@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_found(name: str) -> None:
    # a constraint of the database that a mistake runs into has found it, too
    with BUGS[name](), pytest.raises((BreachError, DatabaseError)):
        run_state_machine_as_test(Sending, settings=profile(MOST_EXAMPLES))
