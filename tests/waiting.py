"""Waiting for something that other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_SECONDS = 120.0


def wait_until(is_true: Callable[[], object], what: str) -> None:
    """It is true; fails when it does not come true in two minutes."""
    until = time.monotonic() + WAIT_SECONDS
    while not is_true():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.2)
