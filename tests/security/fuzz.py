"""python -m tests.security.fuzz --requests 100000: as many requests of nonsense on each database.

The requests are those of test_fuzz.py; a seed makes the same ones again. Exit code 1 when one of
them found a failure, which is then told with its trace.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from tests.postgres import running_postgres

ROOT = Path(__file__).resolve().parents[2]
DATABASES = ("sqlite", "postgresql")


def main() -> int:
    """Each database is asked; the counts of both are shown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=100_000, help="so many on each database")
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    options = parser.parse_args()
    chosen = options.database or DATABASES
    return max(_fuzz(database, options.requests, options.seed) for database in chosen)


def _fuzz(database: str, requests: int, seed: int) -> int:
    server = running_postgres() if database == "postgresql" else nullcontext("")
    with server as url, tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        environment = {
            key: value for key, value in os.environ.items() if key != "TEST_DATABASE_URL"
        }
        environment |= {"TEST_DATABASE_URL": url} if url else {}
        environment |= {"FUZZ_REQUESTS": str(requests), "FUZZ_SEED": str(seed)}
        environment["FUZZ_REPORT"] = str(report)
        quietly = ("-q", "-p", "no:logging", "-p", "no:cacheprovider", "--tb=short")
        command = [sys.executable, "-m", "pytest", *quietly, "tests/security/test_fuzz.py"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        sys.stdout.write(f"{report.read_text() if report.exists() else done.stdout}\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
