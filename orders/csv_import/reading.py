"""A file from its bytes to checked rows, as the pages and the command read it."""

from __future__ import annotations

from dataclasses import dataclass

from orders.csv_import.checking import Checked, check
from orders.csv_import.columns import EXCLUSIONS, ORDERS
from orders.csv_import.plans import Source
from orders.csv_import.table import SEPARATOR_NAMES, read_table
from orders.csv_import.text import Text, clean_name, read_text
from orders.models import ExclusionKind, ImportKind

SHOWN_LINES = 5
LONGEST_SHOWN_LINE = 120


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says, and how it was understood."""

    text: Text
    separator: str
    checked: Checked
    source: Source

    @property
    def separator_name(self) -> str:
        """What separates its cells, in a word."""
        return SEPARATOR_NAMES[self.separator]

    def doubtful_lines(self) -> list[tuple[int, str]]:
        """The first lines of which it hangs on the guessed encoding how they read; for a person."""
        if not self.text.is_guessed:
            return []
        doubtful = (
            (number, line.strip()[:LONGEST_SHOWN_LINE])
            for number, line in enumerate(self.text.lines, start=1)
            if not line.isascii()
        )
        return [pair for pair, _place in zip(doubtful, range(SHOWN_LINES), strict=False)]


def read_file(raw: bytes, kind: ImportKind, name: str) -> Reading:
    """The file's rows, checked for what they are to be; raises FileRefusedError."""
    text = read_text(raw)
    table = read_table(text.lines)
    shape = ORDERS if kind == ImportKind.ORDERS else EXCLUSIONS[ExclusionKind(kind.value)]
    checked = check(table, shape)
    source = Source(kind, clean_name(name), text.digest, checked.read, checked.bad, checked.repeats)
    return Reading(text, table.separator, checked, source)
