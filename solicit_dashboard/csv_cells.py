"""Cells of a CSV file that a spreadsheet will not run as a formula."""

from __future__ import annotations

import re

# What a spreadsheet may take for the beginning of a formula, or for a cell's end.
_DANGEROUS = re.compile(r"'*[=+\-@\t\r\x00]")


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would run it as a formula.

    `read_cell` takes exactly that apostrophe away again, so that what was exported can be imported.
    """
    return f"'{text}" if _DANGEROUS.match(text) else text


def read_cell(text: str) -> str:
    """What `safe_cell` was given."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text) else text
