"""The short run of the fault rig: some kills, every point once for each kind, and the quick rows."""

from __future__ import annotations

import time

import pytest

from tests.faults.kills import run_kills
from tests.faults.kinds import ALL_KINDS
from tests.faults.points import run_points
from tests.faults.rows import ROWS
from tests.faults.table import run_row

pytestmark = pytest.mark.faults

KILLS = 15
NODE_SHARE = 0.15  # so that a few of them take a whole node
# Little at once and often, so that there is something under way all the while.
BACKLOG, FEED_EVERY = 24, 2


def test_random_kills_double_nothing_and_lose_nothing() -> None:
    kills = run_kills(KILLS, seed=1, node_share=NODE_SHARE, backlog=BACKLOG, feed_every=FEED_EVERY)
    report = kills.report.demand()
    assert kills.kills == KILLS
    assert report.actions > KILLS
    assert set(kills.kinds) == set(ALL_KINDS)
    assert (report.doubles, report.lost, report.false_sent, report.unresolved) == (0, 0, 0, 0)
    assert report.repeats == 0


def test_a_kill_at_each_point_leaves_each_kind_in_the_predicted_state() -> None:
    points = run_points(1, seed=1)
    assert {(line.kind, line.point): dict(line.seen) for line in points.lines} == {
        (line.kind, line.point): {line.predicted: 1} for line in points.lines
    }
    points.report.demand()


@pytest.mark.parametrize("key", [key for key, row in ROWS.items() if row.quick])
def test_a_fault_of_the_table_passes(key: str) -> None:
    outcome = run_row(ROWS[key], 1, time.monotonic)
    assert outcome.passed, outcome.figure
