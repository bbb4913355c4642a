"""A bar that shows how far long work has come, for people at a terminal and for nobody else."""

from __future__ import annotations

from typing import TextIO

BAR_WIDTH = 30
_CLEAR = "\r\x1b[K"


class ProgressBar:
    """Draws on a terminal; a stream that is none stays untouched. Clears itself at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_shown = stream.isatty()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.clear()

    def show(self, done: int, total: int, words: str = "") -> None:
        """The bar stands at this share of the total, with some words behind it."""
        self._write(f"{_CLEAR}{drawn(done, total)} {words}".rstrip())

    def clear(self) -> None:
        """Nothing stands in the line, so that other words can be written there."""
        self._write(_CLEAR)

    def _write(self, text: str) -> None:
        if self._is_shown:
            self._stream.write(text)
            self._stream.flush()


def drawn(done: int, total: int) -> str:
    """The bar as text: [######------] 6 of 12."""
    full = BAR_WIDTH * done // total if total else BAR_WIDTH
    return f"[{'#' * full}{'-' * (BAR_WIDTH - full)}] {done:,} of {total:,}"
