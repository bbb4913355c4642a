"""Many examples, some hundred at a time, each chunk from a seed of its own."""

from __future__ import annotations

import json
import time
import traceback
from pathlib import Path

from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Sending
from tests.model.running import on_stage, profile


def run(examples: int, seed: int, chunk: int, counts: Path) -> int:
    """1 at the first promise that is broken, which is printed with its steps; else 0.

    Counted are the examples that came to their end: Hypothesis gives some up on the way.
    """
    code, number = 0, seed
    begun = time.monotonic()
    with on_stage():
        while Sending.examples < examples and code == 0:
            wanted = min(chunk, max(10, examples - Sending.examples))
            try:
                run_state_machine_as_test(seeded(number)(Sending), settings=profile(wanted))
            except Exception:
                traceback.print_exc()
                print(f"Broken in the chunk of seed {number}", flush=True)
                code = 1
            number += 1
            rate = Sending.examples / (time.monotonic() - begun)
            print(f"{Sending.examples}/{examples} ({rate:.1f} a second)", flush=True)
    totals = {
        "examples": {"run": Sending.examples},
        "rules": Sending.rules_taken,
        "moves": Sending.moves_made,
        "steps": Sending.steps_seen,
    }
    counts.write_text(json.dumps(totals))
    return code
