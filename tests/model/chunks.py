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
    """1 at the first promise that is broken, which is printed with its steps; else 0."""
    code = 0
    begun = time.monotonic()
    with on_stage():
        for start in range(0, examples, chunk):
            machine = seeded(seed + start)(Sending)
            try:
                run_state_machine_as_test(
                    machine, settings=profile(min(chunk, examples - start), derandomize=False)
                )
            except Exception:
                traceback.print_exc()
                code = 1
                break
            rate = Sending.examples / (time.monotonic() - begun)
            print(f"{start + chunk}/{examples} ({rate:.1f} a second)", flush=True)
    totals = {
        "examples": {"run": Sending.examples},
        "rules": Sending.rules_taken,
        "moves": Sending.moves_made,
        "steps": Sending.steps_seen,
    }
    counts.write_text(json.dumps(totals))
    return code
