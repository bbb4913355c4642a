"""What sending is measured against: Amazon, Redis and workers, each a process of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solicit_dashboard.children import start_child
from solicit_dashboard.embedded_redis import embedded_redis_binary, redis_configuration
from solicit_dashboard.ports import free_port

_CELERY = (sys.executable, "-m", "celery", "-A", "solicit_dashboard.celery:app", "worker")
_TICKS = os.sysconf("SC_CLK_TCK")
_JITTER_STEPS = 10


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """The address of a Redis-compatible server of our own that keeps nothing."""
    password = secrets.token_urlsafe(16)
    port = free_port()
    configuration = folder / "redis.conf"
    configuration.write_text(redis_configuration(folder, port, password, keep=False))
    server = start_child([embedded_redis_binary(), configuration], os.environ, subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        server.kill()
        server.wait()


def jitter_rules(jitter_ms: float) -> list[dict[str, Any]]:
    """Fault rules by which each answer is late by 0 to `jitter_ms`, evenly spread, in steps."""
    steps = _JITTER_STEPS if jitter_ms else 0
    return [
        {
            "operation": operation,
            # the first rule that fires is used: of what is left, each takes its share
            "when": {"share": 1 / (steps - step)},
            "do": {"kind": "latency", "ms": round(jitter_ms * (step + 0.5) / steps, 3)},
        }
        for operation in (
            "getSolicitationActionsForOrder",
            "createProductReviewAndSellerFeedbackSolicitation",
        )
        for step in range(steps)
    ]


@contextmanager
def running_workers(number: int, environment: Mapping[str, str], folder: Path) -> Iterator[Workers]:
    """So many workers for the lanes, and one for the rest with the scheduler in it."""
    commands = [("-Q", "lanes", "-c", "1", "-n", f"lanes{n}@%h") for n in range(number)]
    beat = ("-B", "-s", str(folder / "beat"))
    commands.append(("-Q", "default", "-c", "1", "-n", "default@%h", *beat))
    processes = []
    try:
        with (folder / "workers.log").open("wb") as log:
            for words in commands:
                command = [*_CELERY, "--pool", "prefork", "--without-mingle", *words]
                processes.append(start_child(command, environment, log.fileno()))
        yield Workers([process.pid for process in processes])
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(70)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass(frozen=True)
class Use:
    """What processes have used: CPU seconds (user and system), and memory in MB."""

    cpu_seconds: float
    rss_mb: float
    peak_rss_mb: float


class Workers:
    """Running workers, known by the sessions that they lead. Reads /proc: Linux only."""

    def __init__(self, sessions: Sequence[int]) -> None:
        self._sessions = set(sessions)

    def use(self) -> Use:
        """What all of their processes have used since they were started; dead children too."""
        ticks = 0
        rss = peak = 0.0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                # the name of the command, in brackets, may hold anything
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                status = (folder / "status").read_text()
            except OSError:
                continue  # it has ended in between
            if int(fields[3]) not in self._sessions:
                continue
            ticks += sum(int(field) for field in fields[11:15])
            rss += _megabytes(status, "VmRSS")
            peak += _megabytes(status, "VmHWM")
        return Use(ticks / _TICKS, rss, peak)


def _megabytes(status: str, name: str) -> float:
    for line in status.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0  # a process that has ended and was not waited for


def _wait_for(port: int) -> None:
    for _try in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("the Redis-compatible server did not start")
