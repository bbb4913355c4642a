"""The rows of the table of faults: what goes wrong, when the row passes, and who runs it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Scenario = Callable[[int], str]


@dataclass(frozen=True)
class Row:
    """One fault. `scenario(seed)` makes it happen and returns the figure; it raises when the row does
    not pass. `quick` ones are in the suite, too; `minutes` says about how long a long one takes."""

    key: str
    fault: str
    passes: str
    scenario: Scenario
    quick: bool
    minutes: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """How a row ended: its figure, or why it did not pass."""

    row: Row
    figure: str
    passed: bool
    seconds: float


ROWS: dict[str, Row] = {}


def row(
    key: str, fault: str, passes: str, *, quick: bool = False, minutes: float = 1.0
) -> Callable[[Scenario], Scenario]:
    """The function is the scenario of that row."""

    def register(scenario: Scenario) -> Scenario:
        if key in ROWS:
            raise ValueError(f"{key} stands in the table already")
        ROWS[key] = Row(key, fault, passes, scenario, quick, minutes)
        return scenario

    return register


def in_order(keys: Iterable[str]) -> list[str]:
    """The keys as people count: F2 before F11."""
    return sorted(keys, key=lambda key: (int(re.findall(r"\d+", key)[0]), key))


def run_row(row: Row, seed: int, clock: Callable[[], float]) -> Outcome:
    """The row was run; whatever it raised is told in the outcome."""
    begun = clock()
    try:
        figure, passed = row.scenario(seed), True
    except Exception as error:
        traceback.print_exc()
        figure, passed = reason_of(error), False
    return Outcome(row, figure, passed, clock() - begun)


def reason_of(error: Exception) -> str:
    """The kind of the error and the first line of what it says."""
    said, _, _ = str(error).partition("\n")
    return f"{type(error).__name__}: {said[:200]}"
