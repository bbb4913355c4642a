"""Worker nodes: a Celery worker with its children, one process group, to be killed as one likes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from solicit_dashboard.children import Janitor, start_child

ROOT = Path(__file__).resolve().parent.parent.parent


class Node:
    """One worker machine, as far as one machine can show: all its processes share a group."""

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        directory: Path,
        janitor: Janitor,
        *,
        queues: str,
        children: int,
        beat: bool = False,
        code: Path = ROOT,
    ) -> None:
        self.name = name
        # of `code`, and not of the folder from which the rig was started
        path = os.pathsep.join([str(code), environment["PYTHONPATH"]])
        self._environment = {**environment, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
        self._environment["CELERY_SKIP_CHECKS"] = "1"  # a third of a second at each start
        self.log = directory / f"{name}.log"
        self._janitor = janitor
        self._command = [sys.executable, "-m", "celery", "--workdir", str(code)]
        self._command += ["-A", "tests.faults.worker:app", "worker", "--pool", "prefork"]
        self._command += ["--without-mingle", "-Q", queues]
        self._command += ["-c", str(children), "-n", f"{name}@%h", "--loglevel", "WARNING"]
        if beat:
            self._command.append("--beat")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Its worker has been started; it takes up work after two or three seconds."""
        with self.log.open("ab") as log:
            self.process = start_child(self._command, self._environment, log.fileno())
        self._janitor.watch(self.process.pid)

    @property
    def pid(self) -> int:
        """The process above its children."""
        assert self.process is not None
        return self.process.pid

    def is_running(self) -> bool:
        """Whether its parent process is there."""
        return self.process is not None and self.process.poll() is None

    def children(self) -> list[int]:
        """The processes that do its work at this moment."""
        return children_of(self.pid)

    def signal(self, number: signal.Signals) -> None:
        """The parent process has been sent the signal."""
        os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Its exit code, when it ends by itself in that time; subprocess.TimeoutExpired if not."""
        assert self.process is not None
        code = self.process.wait(seconds)
        self._bury()
        return code

    def kill(self) -> None:
        """All its processes are gone, at once and without a word."""
        self._bury()

    def _bury(self) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._janitor.forget(self.process.pid)


def children_of(parent: int) -> list[int]:
    """The processes directly below that one (zombies left out)."""
    try:
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return _children_by_ps(parent)
    return sorted(pid for pid in map(int, found) if _is_alive(pid))


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _children_by_ps(parent: int) -> list[int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in listing.splitlines())
    return sorted(int(row[0]) for row in rows if int(row[1]) == parent and row[2][0] != "Z")
