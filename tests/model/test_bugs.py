"""The machine finds every mistake that was put into the product for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError
from hypothesis import seed
from hypothesis.stateful import run_state_machine_as_test

from tests.model.bugs import BUGS
from tests.model.machine import Sending
from tests.model.rules import BreachError
from tests.model.running import on_stage, profile

# Without these rules the mistakes are found ten times sooner.
LEFT_OUT = ("click", "batch", "stop", "order_changes", "step", "come_to", "mishap", "wait")
# For each mistake the seed to begin with. When the product or the machine changes, the mistake may be
# found a few seeds later, and another one may be better here.
SEEDS = {
    "abandoned_result_overwrites": 15,
    "absent_once_means_sent": 13,
    "absent_without_a_control": 13,
    "cancel_in_any_state": 16,
    "claim_despite_stops": 4,
    "claim_of_an_excluded_order": 12,
    "hold_without_a_record": 5,
    "late_acceptance_is_ignored": 40,
    "no_lease_check": 56,
    "offered_once_means_not_sent": 15,
    "old_look_is_used": 13,
    "server_error_retries": 9,
    "stop_forgets_what_is_under_way": 38,
    "sweeper_requeues": 15,
    "throttled_is_unclear": 5,
    "timeout_retries": 12,
    "unconditional_claim": 47,
    "unconfirmed_message_is_sent_again": 57,
    "unknown_text_refuses": 3,
    "zombie_sends": 2,
}
EXAMPLES = 9  # of a seed: with more, most are small changes to the first ones
STEPS = 14
MOST_SEEDS = 60


def _without_rule(name: str) -> Callable[..., None]:
    def still_a_method(machine: Sending, *arguments: Any, **fields: Any) -> None:
        getattr(Sending, name)(machine, *arguments, **fields)

    return still_a_method


class Focused(Sending):
    """The machine with the rules that make trouble, and no days of peace in the end."""

    rests = False


for _name in LEFT_OUT:
    setattr(Focused, _name, _without_rule(_name))


# What is shown here is that the machine sees mistakes, which no database does for it.
pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
def _stage(db: None) -> Iterator[None]:
    with on_stage():
        yield


@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_found(name: str) -> None:
    with BUGS[name]():
        first = SEEDS.get(name, 0)
        assert any(_is_broken(first + number) for number in range(MOST_SEEDS))


def test_nothing_is_found_where_there_is_no_mistake() -> None:
    assert not _is_broken(0)


def _is_broken(number: int) -> bool:
    """Whether a promise is broken within the examples of this seed.

    A constraint of the database that a mistake runs into has found it, too.
    """
    machine = seed(number)(Focused)
    try:
        run_state_machine_as_test(machine, settings=profile(EXAMPLES, steps=STEPS))
    except (BreachError, DatabaseError):
        return True
    return False
