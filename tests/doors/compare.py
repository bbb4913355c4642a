"""Door by door and all at once: what came in, and whether it is the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from orders.states import DoorName
from tests.doors.doors import BESIDE_ALL, DOORS, Steps
from tests.doors.stage import Stage
from tests.doors.tables import Tables, differences, read_tables, unchanged_since

AT_ONCE = "all at once"


@dataclass
class Comparison:
    """What one run found. `compared` orders, `left_out` because Amazon changed them meanwhile."""

    compared: int = 0
    left_out: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    differences: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_same(self) -> bool:
        """Whether every way ended with the same rows."""
        return not any(self.differences.values())


def compare(
    stage: Stage,
    doors: Sequence[DoorName],
    *,
    seed: int,
    say: Callable[[str], None] = lambda _line: None,
) -> Comparison:
    """Everything comes in by each door alone, then by all at once; all are compared to the first."""
    ways: dict[str, list[DoorName]] = {door.label: [door] for door in doors}
    if len(doors) > 1:
        ways[AT_ONCE] = list(doors)
    result = Comparison()
    ended: dict[str, Tables] = {}
    for name, opened in ways.items():
        begun = time.monotonic()
        ended[name] = _bring_in(stage, opened, Random(f"{seed} {name}"))
        result.seconds[name] = time.monotonic() - begun
        say(f"{name}: {len(ended[name]):,} orders in {result.seconds[name]:.1f} s")
    numbers = unchanged_since(list(ended.values()), stage.began_at)
    result.compared = len(numbers)
    result.left_out = len({number for table in ended.values() for number in table}) - len(numbers)
    first, *others = ended
    for name in others:
        result.differences[name] = differences(ended[first], ended[name], numbers)
    return result


def _bring_in(stage: Stage, doors: Sequence[DoorName], chance: Random) -> Tables:
    stage.empty()
    running: list[Steps] = [DOORS[door](stage, chance) for door in doors]
    while running:
        steps = chance.choice(running)
        try:
            next(steps)
        except StopIteration:
            running.remove(steps)
    for beside in BESIDE_ALL:
        for _step in beside(stage, chance):
            pass
    stage.drain()
    return read_tables()
