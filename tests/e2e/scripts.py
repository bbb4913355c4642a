"""Runs scripts with Django's models at hand: one process for all, since each start takes a second.

As a program it reads one script (as JSON) a line, and answers with its `result` or what went wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from solicit_dashboard.local import ROOT


class ScriptError(Exception):
    """A script failed; the text is its traceback."""


class Scripts:
    """Runs scripts in the database of that environment; the process begins with the first one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    def run(self, script: str) -> Any:
        """What the script put into `result`, as JSON has it. Raises ScriptError."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.scripts"],
                cwd=ROOT,
                env=dict(self._environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(script) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ScriptError(f"the process ended with {self._process.wait()}; see its last words")
        answer = json.loads(line)
        if "error" in answer:
            raise ScriptError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """The process has ended, if there was one."""
        if self._process is not None:
            self._process.communicate(timeout=30)
            self._process = None


def main() -> None:
    """Answers every line until there are no more."""
    import django

    django.setup()
    from django.db import connection

    for line in sys.stdin:
        names: dict[str, Any] = {}
        try:
            exec(json.loads(line), names)
            answer = {"result": names["result"]}
        except Exception:
            answer = {"error": traceback.format_exc()}
        connection.close()
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
