"""The account's page says of each door when it worked and what failed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone
from django.utils.html import strip_tags

from orders.states import DoorName
from sellers.models import Connection, SellerAccount
from tests.factories import (
    DoorFactory,
    OrderHintFactory,
    OrderReportFactory,
    SellerAccountFactory,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def page(account: SellerAccount) -> str:
    html = Template("{% load doors %}{% doors account %}").render(Context({"account": account}))
    return " ".join(strip_tags(html).split())


def test_a_new_account_is_about_to_be_read() -> None:
    assert "Polling Not yet has not worked yet" in page(SellerAccountFactory())


def test_a_backfill_waits_for_a_manager_until_one_was_begun() -> None:
    account = SellerAccountFactory()
    assert "Back-fill Waits for a manager" in page(account)
    OrderReportFactory(account=account)
    assert "Waits for a manager" not in page(account)
    assert "Waits for a manager" not in page(SellerAccountFactory(disconnected=True))


def test_each_door_says_how_it_fares() -> None:
    now = timezone.now()
    account = SellerAccountFactory()
    DoorFactory(
        account=account,
        counters={"unreadable": 2, "unknown_words": {"fulfillmentStatus=<b>": 3}},
    )
    DoorFactory(account=account, door=DoorName.NOTIFICATIONS, last_worked_at=now - HOUR)
    DoorFactory(account=account, door=DoorName.REPORTS, error="Amazon answered 503.")
    OrderHintFactory(account=account)
    OrderHintFactory(account=account, parked_at=now)
    text = page(account)
    assert "Polling Works last worked 5 min ago" in text
    assert "unknown words: fulfillmentStatus=&lt;b&gt; (3) · unreadable: 2" in text
    assert "Notifications Late last worked 1 h ago" in text
    assert "Reports Failed, is tried again" in text
    assert "Amazon answered 503." in text
    assert "CSV" not in text
    assert "Heard of, and being asked for: 1" in text
    assert "Cannot be read: 1" in text


def test_no_door_of_a_disconnected_account_is_late() -> None:
    account = SellerAccountFactory(connection=Connection.DISCONNECTED)
    DoorFactory(account=account, last_worked_at=timezone.now() - 9 * HOUR)
    assert "Polling Not connected" in page(account)
