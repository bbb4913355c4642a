"""The same orders by every door, each message twice and shuffled, and by all doors at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from sandbox.personal import MARK
from tests.doors.compare import compare
from tests.doors.doors import DOORS
from tests.doors.stage import opened
from tests.doors.tables import differences, stored_text, unchanged_since

pytestmark = pytest.mark.django_db

ORDERS = 120  # more than one page of a search
DAY = timedelta(days=1)


def test_whichever_doors_are_open_the_tables_end_the_same(redis_empty: None) -> None:
    number = ORDERS if connection.vendor == "sqlite" else ORDERS // 2
    with opened(orders=number, seed=5, told_most=1) as stage:
        found = compare(stage, list(DOORS), seed=5)
        stored = stored_text()
    assert found.differences == {name: [] for name in found.differences}
    assert len(found.differences) == len(DOORS)
    assert found.compared >= number - 5
    assert found.left_out <= 5
    # notifications and reports told of buyers
    assert stage.account.selling_partner_id in stored
    assert MARK.lower() not in stored.lower()


def test_what_one_door_brings_otherwise_is_named() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    row = {"amazon_updated_at": moment, "quantity": 2, "items": []}
    here = {"1": row, "2": row, "3": row}
    there = {"1": row | {"quantity": 3}, "3": row | {"amazon_updated_at": moment + DAY}, "4": row}
    numbers = unchanged_since([here, there], moment)
    assert numbers == {"1", "2", "4"}
    assert differences(here, there, numbers) == [
        "1.quantity: 2, not 3",
        "2: missing",
        "4: not expected",
    ]
