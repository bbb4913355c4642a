"""Starts the parts of the dashboard on this machine, watches them and stops them in order.

Single-threaded on purpose: children are forked from it, and the kernel ties their life to
the thread that forked them.
"""

from __future__ import annotations

import contextlib
import logging.handlers
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from solicit_dashboard.children import Janitor, start_child

_TAIL_LINES = 15
_LOG_BYTES, _LOG_FILES = 5_000_000, 3
_QUICK_SECONDS, _QUICK_DEATHS = 30, 3


class PartFailedError(Exception):
    """A part did not start, or dies whenever it is started; the text says which and why."""


class StopRequested(Exception):  # noqa: N818  (no error: somebody pressed Ctrl-C)
    """Somebody wants everything to end."""


@dataclass(frozen=True)
class Part:
    """One process. Parts of a stage stop together, the highest stage first."""

    name: str
    command: Sequence[str | Path]
    stage: int
    is_ready: Callable[[], bool]
    ready_seconds: float = 60
    stop_seconds: float = 10


@dataclass
class _Running:
    part: Part
    process: subprocess.Popen[bytes]
    log: logging.handlers.RotatingFileHandler
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    ready: bool = False
    rest: bytes = b""


class Supervisor:
    """Runs parts until it is told to stop. Use as a context manager: leaving it stops all."""

    def __init__(
        self,
        logs: Path,
        environment: Mapping[str, str],
        say: Callable[[str], None] = print,
    ) -> None:
        self._logs = logs
        self._environment = environment
        self._say = say
        self._running: dict[str, _Running] = {}
        self._deaths: dict[str, list[float]] = {}
        self._stops = 0
        self._selector = selectors.DefaultSelector()
        self._janitor = Janitor()
        self._wakeup, waker = socket.socketpair()
        self._wakeup.setblocking(False)
        waker.setblocking(False)
        self._waker = waker
        self._selector.register(self._wakeup, selectors.EVENT_READ, None)

    def __enter__(self) -> Supervisor:
        self._wakeup_before = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._handlers_before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        return self

    def __exit__(self, *_details: object) -> None:
        self._stop_all()
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)
        self._janitor.dismiss()
        self._selector.close()
        self._wakeup.close()
        self._waker.close()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stops += 1

    # Starting

    def start(self, parts: Iterable[Part]) -> None:
        """All these parts are started; `wait_until_ready` says when they answer."""
        for part in parts:
            self._start(part)

    def wait_until_ready(self) -> None:
        """Every started part answers. Raises PartFailedError, or StopRequested."""
        begun = time.monotonic()
        while waiting := [entry for entry in self._running.values() if not entry.ready]:
            self._turn(0.1)
            for entry in waiting:
                if entry.process.poll() is not None:
                    self._drain(entry)
                    code = entry.process.returncode
                    raise PartFailedError(self._report(entry, f"ended at once (exit {code})"))
                entry.ready = entry.part.is_ready()
                if not entry.ready and time.monotonic() - begun > entry.part.ready_seconds:
                    problem = f"did not answer within {entry.part.ready_seconds:g} s"
                    raise PartFailedError(self._report(entry, problem))

    def run_once(self, name: str, command: Sequence[str | Path], *, show: bool = False) -> None:
        """The command has ended well, the other parts being watched meanwhile. Its output goes
        to the log, or to the terminal with `show`. Raises PartFailedError or StopRequested."""
        part = Part(name, command, stage=9, is_ready=lambda: True)
        entry = self._start(part, captured=not show)
        while entry.process.poll() is None:
            self._turn(0.1)
        self._drain(entry)
        self._forget(entry)
        if entry.process.returncode:
            code = entry.process.returncode
            raise PartFailedError(self._report(entry, f"failed (exit {code})"))

    def watch(self) -> None:
        """Runs until a stop is asked for (StopRequested) or a part keeps dying
        (PartFailedError); a part that dies now and then is started again."""
        while True:
            self._turn(1)
            for entry in list(self._running.values()):
                if entry.process.poll() is not None:
                    self._drain(entry)
                    self._forget(entry)
                    self._start_again(entry)

    def _start_again(self, entry: _Running) -> None:
        now = time.monotonic()
        name = entry.part.name
        deaths = [at for at in self._deaths.get(name, []) if now - at < _QUICK_SECONDS] + [now]
        self._deaths[name] = deaths
        problem = f"ended by itself (exit {entry.process.returncode})"
        if len(deaths) >= _QUICK_DEATHS:
            raise PartFailedError(self._report(entry, f"{problem} {len(deaths)} times in a row"))
        self._say(self._report(entry, f"{problem} and is started again"))
        self._start(entry.part).ready = True

    def _start(self, part: Part, *, captured: bool = True) -> _Running:
        handler = logging.handlers.RotatingFileHandler(
            self._logs / f"{part.name}.log",
            maxBytes=_LOG_BYTES,
            backupCount=_LOG_FILES,
            encoding="utf-8",
        )
        if not captured:
            process = start_child(part.command, self._environment, None)
            entry = _Running(part, process, handler)
        else:
            reader, writer = os.pipe()
            os.set_blocking(reader, False)
            try:
                process = start_child(part.command, self._environment, writer)
            finally:
                os.close(writer)
            process.stdout = os.fdopen(reader, "rb", buffering=0)
            entry = _Running(part, process, handler)
            self._selector.register(process.stdout, selectors.EVENT_READ, entry)
        self._janitor.watch(process.pid)
        self._running[part.name] = entry
        return entry

    # Stopping

    def _stop_all(self) -> None:
        stages = sorted({entry.part.stage for entry in self._running.values()}, reverse=True)
        for stage in stages:
            entries = [entry for entry in self._running.values() if entry.part.stage == stage]
            for entry in entries:
                entry.process.terminate()
            begun, patience = time.monotonic(), self._stops
            while [entry for entry in entries if entry.process.poll() is None]:
                self._turn(0.1, stoppable=False)
                late = [
                    entry
                    for entry in entries
                    if time.monotonic() - begun > entry.part.stop_seconds
                    or self._stops > max(patience, 1)
                ]
                for entry in late:
                    _kill_group(entry.process)
            for entry in entries:
                self._drain(entry)
                _kill_group(entry.process)  # what it may have left behind
                self._forget(entry)

    # The one loop

    def _turn(self, seconds: float, *, stoppable: bool = True) -> None:
        """Waits for output, a signal or the time, and writes the output to the logs."""
        for key, _events in self._selector.select(seconds):
            if key.data is None:
                self._wakeup.recv(4096)
            else:
                self._read(key.data)
        if stoppable and self._stops:
            raise StopRequested

    def _read(self, entry: _Running) -> bool:
        assert entry.process.stdout
        try:
            data = entry.process.stdout.read(65536)
        except BlockingIOError:
            data = None
        if data is None:
            return False
        if not data:
            self._selector.unregister(entry.process.stdout)
            entry.process.stdout.close()
            return False
        *lines, entry.rest = (entry.rest + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            entry.tail.append(text)
            entry.log.emit(logging.makeLogRecord({"msg": text}))
        return True

    def _drain(self, entry: _Running) -> None:
        stream = entry.process.stdout
        while stream and not stream.closed and self._read(entry):
            pass

    def _forget(self, entry: _Running) -> None:
        stream = entry.process.stdout
        if stream and not stream.closed:
            self._selector.unregister(stream)
            stream.close()
        entry.log.close()
        self._janitor.forget(entry.process.pid)
        if self._running.get(entry.part.name) is entry:
            del self._running[entry.part.name]

    def _report(self, entry: _Running, problem: str) -> str:
        lines = [f"{entry.part.name} {problem}."]
        if entry.tail:
            lines.append(f"Its last words (all of them: {self._logs / entry.part.name}.log):")
            lines += [f"  | {line}" for line in entry.tail]
        return "\n".join(lines)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def manage(*arguments: str) -> list[str]:
    """The command line of one of Django's commands in this environment."""
    return [sys.executable, "manage.py", *arguments]
