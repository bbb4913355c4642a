"""Over HTTP: orders that were searched and orders that were heard of end in the same rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from orders.ingest.due import sync_account
from orders.ingest.hints import fetch_hinted, note_hints
from orders.ingest.partial import OrderFacts, upsert_facts
from orders.models import Order, OrderHint, OrderItem
from orders.states import DoorName
from sandbox.testing import running
from sellers.clients import client_for
from sellers.services import connect_account
from spapi import Unlimited
from tests.sellers.conftest import keys_of

pytestmark = pytest.mark.django_db


def rows() -> tuple[Any, ...]:
    hidden = {"id", "first_seen_at", "synced_at"}
    orders = [
        {name: value for name, value in row.items() if name not in hidden}
        for row in Order.objects.order_by("amazon_order_id").values()
    ]
    items = OrderItem.objects.order_by("order__amazon_order_id", "order_item_id").values_list(
        "order__amazon_order_id", "order_item_id", "sku", "asin", "title", "quantity"
    )
    return orders, list(items)


def test_polling_notifications_and_reports_end_with_the_same_rows(redis_empty: None) -> None:
    with (
        running(orders=25, sellers=1, rate_factor=1000) as amazon,
        override_settings(SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url),
    ):
        account = connect_account(**keys_of(amazon.sellers[0]))
        client = client_for(account, limiter=Unlimited())
        now = timezone.now()
        assert sync_account(account, now=now, full=True, limiter=Unlimited()).finished
        searched = rows()
        numbers = [row["amazon_order_id"] for row in searched[0]]
        assert len(numbers) > 20
        facts = [
            OrderFacts(
                row["amazon_order_id"],
                updated_at=row["amazon_updated_at"],
                purchased_at=row["purchased_at"],
                marketplace_id=row["marketplace_id"],
            )
            for row in searched[0]
        ]
        for by_report in (False, True):
            Order.objects.all().delete()
            if by_report:
                upsert_facts(account, facts * 2, door=DoorName.REPORTS, seen_at=now)
            else:
                note_hints(account, numbers * 2, DoorName.NOTIFICATIONS, heard_at=now)
            assert fetch_hinted(account, client=client, now=now).error == ""
            assert not OrderHint.objects.exists()
            assert rows() == searched
