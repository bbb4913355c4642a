"""How the machine is run: the same in the suite, for the seeded bugs, and in the long run."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

STEPS = 14


def profile(examples: int, *, derandomize: bool = True, shrink: bool = True) -> settings:
    """So many examples; reproducible when `derandomize`, and cut down to the least when `shrink`."""
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        derandomize=derandomize,
        database=None,
        deadline=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
