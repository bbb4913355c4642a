"""Where the mistakes that the machine must find are kept.

The mistaken functions are written as somebody might have written them who had not thought of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Bug = Callable[[], AbstractContextManager[None]]
BUGS: dict[str, Bug] = {}


def bug(mistake: Callable[[], Iterator[None]]) -> Bug:
    """The mistake stands in BUGS under its name."""
    made = contextmanager(mistake)
    BUGS[mistake.__name__] = made
    return made
