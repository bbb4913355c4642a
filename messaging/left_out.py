"""Why orders were left out of a batch: as it is counted, and as a person reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from django.db import models

from messaging.states import Status
from orders.states import Refusal


class LeftOut(models.TextChoices):
    """Reasons that are neither a refusal of the order's rules nor the state of its review request."""

    WRITTEN = "message_written", "A message was written for the order"
    ASKED = "review_asked", "A review was asked for the order"
    SAME = "same_message", "The same message is on its way already"
    TOO_LATE = "too_late", "Delivered too long ago for a message"
    UNFIT = "unfit", "Its message cannot be sent as it is"
    NO_ROLE = "no_role", "Your role does not let you send for its account"


def skipped_in_words(skipped: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons for leaving orders out, as a person reads them: most frequent first, then by name."""
    words: Counter[str] = Counter()
    for reason, number in skipped.items():
        if reason in Refusal.values:
            words[Refusal(reason).label] += number
        elif reason in LeftOut.values:
            words[LeftOut(reason).label] += number
        else:
            words[f"Asked already: {Status(reason).label.lower()}"] += number
    return sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))
