"""The whole suite, as `./test` runs it: linters, types, and pytest on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser import NoBrowserError, obtain_browser
from tests.postgres import running_postgres

ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_NO_TESTS = 5  # pytest's exit code
# They start processes of their own, and would starve each other.
_ALONE = "e2e or processes"
_FAULTS = "faults"  # brings its own PostgreSQL, whichever database is asked for


@dataclass
class Suite:
    """Runs steps one after the other and remembers how each ended."""

    environment: dict[str, str]
    results: list[tuple[str, int, float]] = field(default_factory=list)

    def run(
        self,
        title: str,
        command: Sequence[str | Path],
        settings: Mapping[str, str] | None = None,
        *,
        may_be_empty: bool = False,
    ) -> None:
        """The command has run; a failure is remembered and the next step goes on."""
        print(f"\n=== {title}", flush=True)
        begun = time.monotonic()
        environment = {**self.environment, **(settings or {})}
        process = subprocess.Popen(list(command), cwd=ROOT, env=environment)
        try:
            code = process.wait()
        except BaseException as reason:
            # The step gets the time to clean up after itself. Ctrl-C has reached it already.
            if not isinstance(reason, KeyboardInterrupt):
                process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
        if code == _NO_TESTS and may_be_empty:
            code = 0
        self.results.append((title, code, time.monotonic() - begun))

    def report(self) -> int:
        """The exit code of all, after a table of the steps."""
        width = max(len(title) for title, _code, _seconds in self.results)
        print("\n=== Summary")
        for title, code, seconds in self.results:
            verdict = "ok" if code == 0 else f"FAILED (exit {code})"
            print(f"{title:<{width}}  {seconds:6.1f} s  {verdict}")
        total = sum(seconds for _title, _code, seconds in self.results)
        failed = [title for title, code, _seconds in self.results if code]
        print(f"{'Total':<{width}}  {total:6.1f} s  {'FAILED' if failed else 'ok'}")
        return 1 if failed else 0


def main(arguments: Sequence[str]) -> int:
    """Everything; with arguments only pytest with them, on both databases."""
    try:
        browser = obtain_browser(lambda line: print(line, flush=True))
        with _postgres() as postgres_url:
            suite = Suite({**os.environ, **browser})
            suite.environment.pop("TEST_DATABASE_URL", None)
            if not arguments:
                _check(suite)
            _test(suite, arguments, postgres_url)
            return suite.report()
    except (NoBrowserError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


@contextmanager
def _postgres() -> Iterator[str]:
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with running_postgres() as url:
        yield url


def _check(suite: Suite) -> None:
    templates = sorted(ROOT.glob("templates/**/*.html"))
    suite.run("ruff check", [_BIN / "ruff", "check", "."])
    suite.run("ruff format", [_BIN / "ruff", "format", "--check", "."])
    suite.run("djade", [_BIN / "djade", "--check", "--target-version", "5.2", *templates])
    suite.run("mypy", [_BIN / "mypy"])
    suite.run(
        "migrations",
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        {"DEBUG": "1"},
    )


def _test(suite: Suite, arguments: Sequence[str], postgres_url: str) -> None:
    pytest = [sys.executable, "-m", "pytest", "-ra", "--quiet"]
    on_postgres = {"TEST_DATABASE_URL": postgres_url}
    again = ["--only-database"]  # a test without a database has said all on SQLite
    if arguments:
        suite.run("pytest on SQLite", [*pytest, *arguments])
        suite.run(
            "pytest on PostgreSQL",
            [*pytest, *again, *arguments],
            on_postgres,
            # Nothing at all was asked for if SQLite had no test either.
            may_be_empty=suite.results[-1][1] == 0,
        )
        return
    together = [*pytest, "-n", "2", "--dist", "loadfile", "-m", f"not ({_ALONE} or {_FAULTS})"]
    alone = [*pytest, "-m", _ALONE]
    suite.run("tests on SQLite", together)
    suite.run("tests on PostgreSQL", [*together, *again], on_postgres)
    suite.run("browser and processes on SQLite", alone)
    suite.run("browser and processes on PostgreSQL", [*alone, *again], on_postgres)
    suite.run("faults", [*pytest, "-m", _FAULTS])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
