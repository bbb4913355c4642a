"""python -m tests.security.timings: whether the time of a refusal tells if there is such a person.

A thousand wrong tries at the log-in, of unknown, wrong and disabled people in turn, with the
password hash of production. The Mann-Whitney test says how likely such a difference is by chance.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

LEAST_CHANCE = 0.01


def main() -> int:
    """Exit code 1 when two kinds of refusal can be told apart."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=1_020)
    options = parser.parse_args()
    quietly = ("-q", "-s", "-p", "no:logging", "-p", "no:cacheprovider", "--tb=short")
    command = [sys.executable, "-m", "pytest", *quietly, "tests/security/test_timings.py"]
    return subprocess.run(
        command, env=os.environ | {"TIMINGS": str(options.tries)}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
