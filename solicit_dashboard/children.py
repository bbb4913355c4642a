"""Child processes that cannot outlive their parent.

Three nets, because each has a hole: on Linux the kernel signals the child when its parent
dies; a janitor process notices it everywhere else, and ends whatever ignored the signal
or was started by a child in turn; and each child leads a process group of its own.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from solicit_dashboard import janitor

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _die_with_parent() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    # Looked up before the fork: the child may do next to nothing between fork and exec.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the kernel knew of the wish

    return in_child


def start_child(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    output: int | None,
    *,
    user: int | None = None,
) -> subprocess.Popen[bytes]:
    """The running command, leader of a session of its own. To be called by the main thread
    only: the kernel takes the end of the calling thread for the end of the parent."""
    return subprocess.Popen(
        [os.fspath(word) for word in command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        user=user,
        preexec_fn=_die_with_parent(),
    )


class Janitor:
    """Knows our process groups, and ends them should we be killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", janitor.__file__],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def watch(self, group: int) -> None:
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        self._tell(f"-{group}")

    def dismiss(self) -> None:
        """The janitor has ended, after ending whatever group was not forgotten."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # somebody killed it; the kernel's own signal remains
