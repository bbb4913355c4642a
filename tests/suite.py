"""The whole suite, as `./test` runs it: linters, types, and pytest on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from tests.browser import NoBrowserError, obtain_browser
from tests.postgres import running_postgres

ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_NO_TESTS = 5  # pytest's exit code
_PYTEST = (sys.executable, "-m", "pytest", "-ra", "--quiet")
_AGAIN = ("--only-database",)  # a test without a database has said all on SQLite
_PROCESSES = "e2e or processes"
_FAULTS = "faults"  # brings its own PostgreSQL, whichever database is asked for
_YIELDING = ("nice", "-n", "10")
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Step:
    """One command of the suite."""

    title: str
    command: Sequence[str | Path]
    settings: Mapping[str, str] = field(default_factory=dict)
    may_be_empty: bool = False
    yielding: bool = False  # lets the steps beside it have the processor first


@dataclass
class _Running:
    """A step that has begun."""

    step: Step
    process: subprocess.Popen[bytes]
    begun: float
    output: IO[bytes] | None  # kept until it ends; without, it is seen as it comes
    then: Iterator[Step]  # the rest of its lane

    def show(self) -> None:
        """Its output is on ours, in one piece."""
        print(f"\n=== {self.step.title}", flush=True)
        if self.output:
            self.output.seek(0)
            print(self.output.read().decode(errors="replace"), flush=True)


@dataclass
class Suite:
    """Runs steps, alone or side by side, and remembers how each ended."""

    environment: dict[str, str]
    results: list[tuple[str, int, float]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def run(self, step: Step) -> int:
        """The step has run, its output seen as it came; a failure is remembered, and is the code."""
        print(f"\n=== {step.title}", flush=True)
        running = [self._start(step, None, iter(()))]
        with _ended_with_us(running):
            running[0].process.wait()
        return self._remember(running[0])

    def run_side_by_side(self, lanes: Iterable[Iterable[Step]]) -> None:
        """All steps have run, those of a lane one after the other; each one's output in one piece."""
        running: list[_Running] = []
        with ExitStack() as outputs, _ended_with_us(running):

            def begin_next(lane: Iterator[Step]) -> None:
                step = next(lane, None)
                if step is not None:
                    print(f"\n=== {step.title}: begun", flush=True)
                    output = outputs.enter_context(tempfile.TemporaryFile())
                    running.append(self._start(step, output, lane))

            for lane in lanes:
                begin_next(iter(lane))
            while running:
                time.sleep(_LOOK_SECONDS)
                for ended in [one for one in running if one.process.poll() is not None]:
                    running.remove(ended)
                    ended.show()
                    self._remember(ended)
                    begin_next(ended.then)

    def report(self) -> int:
        """The exit code of all, after a table of the steps."""
        width = max(len(title) for title, _code, _seconds in self.results)
        print("\n=== Summary")
        for title, code, seconds in self.results:
            verdict = "ok" if code == 0 else f"FAILED (exit {code})"
            print(f"{title:<{width}}  {seconds:6.1f} s  {verdict}")
        total = time.monotonic() - self.begun
        failed = [title for title, code, _seconds in self.results if code]
        print(f"{'From begin to end':<{width}}  {total:6.1f} s  {'FAILED' if failed else 'ok'}")
        return 1 if failed else 0

    def _start(self, step: Step, output: IO[bytes] | None, then: Iterator[Step]) -> _Running:
        process = subprocess.Popen(
            [*(_YIELDING if step.yielding else ()), *step.command],
            cwd=ROOT,
            env={**self.environment, **step.settings},
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
        )
        return _Running(step, process, time.monotonic(), output, then)

    def _remember(self, ended: _Running) -> int:
        code = ended.process.returncode
        if code == _NO_TESTS and ended.step.may_be_empty:
            code = 0
        self.results.append((ended.step.title, code, time.monotonic() - ended.begun))
        return code


@contextmanager
def _ended_with_us(running: list[_Running]) -> Iterator[None]:
    """Whatever ends the block, no step outlives it; each gets the time to clean up after itself."""
    try:
        yield
    except BaseException as reason:
        # Ctrl-C has reached the steps already.
        if not isinstance(reason, KeyboardInterrupt):
            for one in running:
                one.process.send_signal(signal.SIGINT)
        patience = time.monotonic() + 60
        for one in running:
            try:
                one.process.wait(max(0.0, patience - time.monotonic()))
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()
        raise


def main(arguments: Sequence[str]) -> int:
    """Everything; with arguments only pytest with them, on both databases."""
    try:
        browser = obtain_browser(lambda line: print(line, flush=True))
        with _postgres() as postgres_url:
            suite = Suite({**os.environ, **browser})
            suite.environment.pop("TEST_DATABASE_URL", None)
            # else each process would compile the tests and the product anew
            suite.environment.pop("PYTHONDONTWRITEBYTECODE", None)
            if arguments:
                _run_named(suite, arguments, postgres_url)
            else:
                suite.run_side_by_side(_lanes(postgres_url))
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


def _checks(postgres_url: str) -> Iterator[Step]:
    templates = sorted(ROOT.glob("templates/**/*.html"))
    yield Step("ruff check", [_BIN / "ruff", "check", "."])
    yield Step("ruff format", [_BIN / "ruff", "format", "--check", "."])
    yield Step("djade", [_BIN / "djade", "--check", "--target-version", "5.2", *templates])
    yield Step("mypy", [_BIN / "mypy"])
    yield Step(
        "migrations",
        [sys.executable, "-W", "error", "manage.py", "makemigrations", "--check", "--dry-run"],
        {"DEBUG": "1", "DATABASE_URL": postgres_url},
    )


def _run_named(suite: Suite, arguments: Sequence[str], postgres_url: str) -> None:
    code = suite.run(Step("pytest on SQLite", [*_PYTEST, *arguments]))
    suite.run(
        Step(
            "pytest on PostgreSQL",
            [*_PYTEST, *_AGAIN, *arguments],
            {"TEST_DATABASE_URL": postgres_url},
            # Nothing at all was asked for if SQLite had no test either.
            may_be_empty=code == 0,
        )
    )


def _lanes(postgres_url: str) -> list[Iterator[Step]]:
    """Two lanes, one begins with the checks; whichever is free first takes the next of the rest.

    The tests that compute soak up what those leave that mostly wait for their processes. More lanes
    would only take the processor from each other.
    """
    on_postgres = {"TEST_DATABASE_URL": postgres_url}
    others = [*_PYTEST, "-n", "2", "--dist", "loadfile", "-m", f"not ({_PROCESSES} or {_FAULTS})"]
    processes = [*_PYTEST, "-m", _PROCESSES, *_files_that_mark("e2e", "processes")]
    faults = [*_PYTEST, "-m", _FAULTS, *_files_that_mark("faults")]
    rest = iter(
        [
            Step("faults", faults),
            Step("tests on PostgreSQL", [*others, *_AGAIN], on_postgres, yielding=True),
            Step("browser and processes on PostgreSQL", [*processes, *_AGAIN], on_postgres),
        ]
    )
    return [
        chain([Step("tests on SQLite", others, yielding=True)], rest),
        chain(_checks(postgres_url), [Step("browser and processes on SQLite", processes)], rest),
    ]


def _files_that_mark(*names: str) -> list[Path]:
    """The files of tests with one of these marks: reading all others takes longer than to look."""
    marks = [f"pytest.mark.{name}" for name in names]
    files = sorted(ROOT.glob("tests/**/test_*.py"))
    return [file for file in files if any(mark in file.read_text() for mark in marks)]


if __name__ == "__main__":
    # A shell starts what it runs in the background without it, and the steps would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
