"""How the machine is run: the same in the suite, for the seeded bugs, and in the long run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.test import override_settings
from hypothesis import HealthCheck, Phase, settings

from tests.model.machine import Sending
from tests.model.world import make_cast

STEPS = 9


@contextmanager
def on_stage() -> Iterator[None]:
    """The machine has its cast, in the database that is open, and lanes that need not wait."""
    with override_settings(SPAPI_RATE_FACTOR=1000.0, LANE_SHARDS=1, SEND_HOLD_SECONDS=0):
        Sending.cast = make_cast()
        yield


def profile(examples: int, *, steps: int = STEPS, shrink: bool = False) -> settings:
    """So many examples of so many steps; which ones, is for the seed to say.

    A broken promise is cut to the fewest steps when `shrink`, which takes minutes.
    """
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=False,  # as it is by itself where CI is set: seeds would count for nothing
        database=None,
        deadline=None,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
