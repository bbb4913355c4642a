"""How each door of an account fares: noted by whoever reads by it, shown on Overview and Accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from orders.models import Door
from orders.states import DoorName
from sellers.models import SellerAccount
from solicit_dashboard.conflicts import repeats_on_conflict

# Different unknown words that are kept for one door; what comes after them is counted as one.
MOST_WORDS = 50
OTHER_WORDS = "other words"
LONGEST_WORD = 80


@repeats_on_conflict
def door_worked(
    account: SellerAccount,
    door: DoorName,
    *,
    at: datetime,
    newest_heard_at: datetime | None = None,
    counts: Mapping[str, int] | None = None,
    unknown_words: Iterable[str] = (),
) -> None:
    """The door did all that it had to do at that moment (UTC); its last error is over.

    `newest_heard_at` is Amazon's time of the newest that came (UTC); an older one changes nothing.
    `counts` are added to those of their names, `unknown_words` (as `field=WORD`) each counted.
    """
    with transaction.atomic():
        row = _locked(account, door)
        row.last_worked_at = max(at, row.last_worked_at or at)
        row.error, row.error_at = "", None
        _note(row, newest_heard_at, counts or {}, unknown_words)
        row.save()


@repeats_on_conflict
def door_heard(
    account: SellerAccount,
    door: DoorName,
    *,
    newest_heard_at: datetime | None = None,
    counts: Mapping[str, int] | None = None,
    unknown_words: Iterable[str] = (),
) -> None:
    """Something came by the door: as `door_worked`, but says nothing of whether it is done."""
    with transaction.atomic():
        row = _locked(account, door)
        _note(row, newest_heard_at, counts or {}, unknown_words)
        row.save()


@repeats_on_conflict
def door_failed(account: SellerAccount, door: DoorName, *, at: datetime, error: str) -> None:
    """The door did not work at that moment (UTC), for the reason that the sentence tells."""
    with transaction.atomic():
        row = _locked(account, door)
        row.error, row.error_at = error[:500], at
        row.save(update_fields=["error", "error_at"])


def door_closed(account: SellerAccount, door: DoorName) -> None:
    """The account no longer has this door: it is neither shown nor late."""
    Door.objects.filter(account=account, door=door).delete()


def _locked(account: SellerAccount, door: DoorName) -> Door:
    Door.objects.get_or_create(account=account, door=door)
    return Door.objects.select_for_update().get(account=account, door=door)


def _note(
    row: Door,
    newest_heard_at: datetime | None,
    counts: Mapping[str, int],
    unknown_words: Iterable[str],
) -> None:
    if newest_heard_at is not None:
        row.newest_heard_at = max(newest_heard_at, row.newest_heard_at or newest_heard_at)
    for name, number in counts.items():
        if number:
            row.counters[name] = row.counters.get(name, 0) + number
    for text in unknown_words:
        words = row.counters.setdefault("unknown_words", {})
        word = text.replace("\x00", "").encode("utf-8", "replace").decode()[:LONGEST_WORD]
        if word not in words and len(words) >= MOST_WORDS:
            word = OTHER_WORDS
        words[word] = words.get(word, 0) + 1
