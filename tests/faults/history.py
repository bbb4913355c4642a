"""What happened in a run, as it happened: one JSON line per claim, POST, result, fault and kill."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class History:
    """A file to which several processes add whole lines; a killed one leaves no half of a line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def add(self, event: str, **facts: Any) -> None:
        """The event stands in the file, with its moment (seconds since 1970) and its process."""
        line = {"at": round(time.time(), 4), "event": event, "pid": os.getpid(), **facts}
        os.write(self._file, (json.dumps(line) + "\n").encode())

    def lines(self, *events: str) -> Iterator[dict[str, Any]]:
        """What has been written so far, of these events or of all, in its order."""
        with self.path.open("rb") as file:
            for line in file:
                entry = json.loads(line)
                if not events or entry["event"] in events:
                    yield entry

    def close(self) -> None:
        """Nothing more is added."""
        os.close(self._file)
