"""Several parts of the long run at once, each in a process with servers of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from tests.faults.kills import Kills, run_kills
from tests.faults.points import Points, run_points
from tests.faults.results import KILLS, POINTS, Found, Unfinished
from tests.faults.rows import ROWS
from tests.faults.table import reason_of, run_row

# About how long they take.
_KILLS_MINUTES, _POINTS_MINUTES = 15.0, 15.0


@dataclass(frozen=True)
class Order:
    """What is to be run, and how much of it."""

    parts: tuple[str, ...]
    kills: int
    each: int
    seed: int


def run(order: Order, jobs: int) -> Iterator[tuple[str, Found]]:
    """Each part and what was found in it, as they end; `jobs` of them at once, the longest first.

    A part waits far more than it computes, so that there may be more jobs than cores.
    """
    if jobs == 1 or len(order.parts) == 1:
        for part in order.parts:
            yield part, run_part(part, order)
        return
    # not forked: a child must not share the servers and the signal handlers of this process
    context = multiprocessing.get_context("spawn")
    parts = sorted(order.parts, key=_minutes, reverse=True)
    with ProcessPoolExecutor(jobs, context, initializer=end_by_signal) as pool:
        futures = {pool.submit(run_part, part, order): part for part in parts}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def run_part(part: str, order: Order) -> Found:
    """The part was run in this process; what it is doing is told on the standard error."""
    say = _sayer(part)
    say("begins")
    if part in ROWS:
        outcome = run_row(ROWS[part], order.seed, time.monotonic)
        verdict = "passed" if outcome.passed else "FAILED"
        say(f"{verdict} in {outcome.seconds:.0f} s: {outcome.figure}")
        return outcome
    try:
        return _run_kills_or_points(part, order, say)
    except Exception as error:
        traceback.print_exc()
        say(f"NOT finished: {reason_of(error)}")
        return Unfinished(reason_of(error))


def _run_kills_or_points(part: str, order: Order, say: Callable[[str], None]) -> Kills | Points:
    if part == KILLS:
        kills = run_kills(order.kills, order.seed, say=say)
        say(f"{kills.kills} kills, {len(kills.report.breaches)} breaches")
        return kills
    points = run_points(order.each, order.seed, say=say)
    say("all as predicted" if points.passed else "NOT all as predicted")
    return points


def end_by_signal() -> None:
    """SIGTERM ends this process as an exit does, so that what it has started is ended, too."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def _minutes(part: str) -> float:
    known = {KILLS: _KILLS_MINUTES, POINTS: _POINTS_MINUTES}
    return known[part] if part in known else ROWS[part].minutes


def _sayer(part: str) -> Callable[[str], None]:
    def say(line: str) -> None:
        stamp = time.strftime("%H:%M:%S")
        # one write: several processes share the terminal
        os.write(sys.stderr.fileno(), f"{stamp}  {part:<8} {line}\n".encode())

    return say
