"""What the first page says of the last check of the records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from messaging.ledger.check import CHECK_IS_LATE
from messaging.models import LedgerCheck
from orders.states import Tone


@dataclass(frozen=True)
class RecordsLine:
    """One line: `before`, the moment of the check if there was one (UTC), and `after`."""

    tone: Tone
    before: str
    at: datetime | None = None
    after: str = ""

    @property
    def is_alarm(self) -> bool:
        """Whether a person should see to it."""
        return self.tone in (Tone.BAD, Tone.WARN)


def records_line(now: datetime) -> RecordsLine:
    """What the last periodic check found, in one query; a check that is overdue is said, too."""
    last = LedgerCheck.objects.first()
    if last is None:
        return RecordsLine(Tone.QUIET, "Records not checked yet")
    if last.breaches:
        number = f"{last.breaches:,} contradiction{'' if last.breaches == 1 else 's'}"
        kinds = ", ".join(f"{name} {count:,}" for name, count in sorted(last.counts.items()))
        return RecordsLine(
            Tone.BAD,
            "Records checked",
            last.at,
            f": {number} ({kinds}). Whoever runs this dashboard sees each of them with "
            "“manage.py check_ledger”.",
        )
    if now - last.at > CHECK_IS_LATE:
        return RecordsLine(
            Tone.WARN,
            "Records were last checked",
            last.at,
            ", without a contradiction. They should be every 5 minutes: are beat and the default "
            "worker running?",
        )
    return RecordsLine(Tone.GOOD, "Records checked", last.at, ": no contradiction")
