"""The rig's end of the desk: sources go in, results come back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.servers import ROOT


class RigError(Exception):
    """The rig could not do what it was told, or what it waited for never came."""


class Desk:
    """A running `tests.faults.desk`; it ends with `close`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.desk"],
                env=dict(environment),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def run(self, source: str, names: Mapping[str, Any]) -> Any:
        """What the source put into `result`; RigError with the traceback when it failed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"run": source, "with": names}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RigError(self._log.read_text("utf-8", "replace"))
        answer = json.loads(line)
        if "error" in answer:
            raise RigError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """The process has ended."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
