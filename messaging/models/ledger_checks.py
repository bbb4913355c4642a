"""What the last check of the records found, and which runs of the clockwork have been taken."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class PeriodicRunQuerySet(models.QuerySet["PeriodicRun"]):
    def take(self, name: str, *, every_seconds: int, at: datetime) -> bool:
        """Whether the caller alone is to run this at that moment (UTC); asked first, in no transaction.

        A slot is the multiple of `every_seconds` that is nearest to the moment, so that ticks that
        come a little early or late find theirs. Two clockworks that tick for the same slot get one
        run; a run that fails is not repeated before the next slot.
        """
        slot = round(at.timestamp() / every_seconds)
        self.bulk_create(
            [PeriodicRun(name=name, slot=slot - 1, taken_at=at)], ignore_conflicts=True
        )
        return bool(self.filter(name=name, slot__lt=slot).update(slot=slot, taken_at=at))


class PeriodicRun(models.Model):
    """The last slot of a periodic task that somebody took; one row for each task."""

    name = models.CharField(max_length=64, unique=True)
    slot = models.BigIntegerField()
    taken_at = models.DateTimeField()

    objects = PeriodicRunQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} {self.slot}"


class LedgerCheck(models.Model):
    """What the last periodic check of the records found; one row, written anew by each."""

    at = models.DateTimeField(help_text="The moment of the snapshot that was looked at.")
    seconds = models.FloatField(help_text="How long it took.")
    breaches = models.PositiveIntegerField(help_text="How many contradictions there were.")
    counts = models.JSONField(default=dict, help_text="How many of each check that found any.")
    lines = models.JSONField(default=list, help_text="The first of them, as the command says them.")

    def __str__(self) -> str:
        return f"Records checked at {self.at:%Y-%m-%d %H:%M} UTC"
