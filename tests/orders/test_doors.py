"""Each door's last work, newest news, failures and counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders.doors import MOST_WORDS, OTHER_WORDS, door_failed, door_heard, door_worked
from orders.models import Door
from orders.states import DoorName
from tests.factories import SellerAccountFactory
from tests.orders.amazon import NOON

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_a_door_keeps_its_newest_news_its_counts_and_no_error_that_is_over() -> None:
    account = SellerAccountFactory()
    door_failed(account, DoorName.POLLING, at=NOON, error="Amazon answered 503.")
    row = Door.objects.get()
    assert (row.error, row.error_at, row.last_worked_at) == ("Amazon answered 503.", NOON, None)
    for at in (NOON + HOUR, NOON):
        door_worked(
            account, DoorName.POLLING, at=at, newest_heard_at=at - HOUR, counts={"unreadable": 2}
        )
    door_heard(account, DoorName.POLLING, newest_heard_at=NOON - 9 * HOUR, unknown_words=["a=B"])
    row.refresh_from_db()
    assert (row.error, row.error_at) == ("", None)
    assert (row.last_worked_at, row.newest_heard_at) == (NOON + HOUR, NOON)
    assert row.counters == {"unreadable": 4, "unknown_words": {"a=B": 1}}


def test_endless_new_words_fill_no_row() -> None:
    account = SellerAccountFactory()
    words = [f"status={number}\x00{'x' * 500}" for number in range(MOST_WORDS + 10)]
    door_heard(account, DoorName.REPORTS, unknown_words=words)
    kept = Door.objects.get().counters["unknown_words"]
    assert len(kept) == MOST_WORDS + 1
    assert kept[OTHER_WORDS] == 10
    assert all("\x00" not in word and len(word) <= 80 for word in kept)
