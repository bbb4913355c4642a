"""The long run: python -m tests.model --examples 20000 [--seed N] [--jobs N]."""

from __future__ import annotations

import argparse
import json
import os
import resource
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory


def main(arguments: Sequence[str]) -> int:
    """Runs the examples and prints what was done; 1 when a promise was broken, 0 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None, help="repeats a run to the letter")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the examples")
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    print(f"seed {seed}: {options.examples} examples, {options.jobs} job(s)", flush=True)
    begun = time.monotonic()
    with TemporaryDirectory(prefix="solicit-model-") as folder:
        counts = Path(folder)
        codes = _run_jobs(options.examples, seed, options.jobs, counts)
        totals = _read(counts)
    _report(totals, time.monotonic() - begun)
    return 1 if any(codes) else 0


def _run_jobs(examples: int, seed: int, jobs: int, counts: Path) -> list[int]:
    share = -(-examples // jobs)
    processes = [
        subprocess.Popen(
            [
                *[sys.executable, "-m", "tests.model.job", str(share)],
                *[str(seed + 1_000_003 * job), str(counts / f"{job}.json")],
            ],
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        for job in range(jobs)
    ]
    try:
        return [process.wait() for process in processes]
    finally:
        for process in processes:
            process.terminate()


def _read(folder: Path) -> dict[str, Counter[str]]:
    totals: dict[str, Counter[str]] = {}
    for path in folder.glob("*.json"):
        for name, numbers in json.loads(path.read_text()).items():
            totals.setdefault(name, Counter()).update(numbers)
    return totals


def _report(totals: dict[str, Counter[str]], seconds: float) -> None:
    examples = totals.get("examples", Counter())["run"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(
        f"\n{examples} examples in {seconds:.0f} s ({examples / seconds:.1f} a second),"
        f" {cpu:.0f} CPU s ({examples / cpu:.1f} a CPU second)"
    )
    for name in ("rules", "moves", "steps"):
        numbers = totals.get(name, Counter())
        print(f"\n{name}: {numbers.total()}")
        for what, number in numbers.most_common():
            print(f"  {number:9,}  {what}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
