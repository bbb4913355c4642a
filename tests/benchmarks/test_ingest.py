"""Both ways that are compared write the same; nothing is timed here."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import ingest_upserts
from orders.models import Order, OrderItem
from tests.factories import SellerAccountFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


def test_the_product_and_the_database_at_its_best_end_with_the_same_rows() -> None:
    account = SellerAccountFactory()

    def rows() -> tuple[Any, ...]:
        hidden = {"id", "first_seen_at"}
        orders = [
            {name: value for name, value in row.items() if name not in hidden}
            for row in Order.objects.order_by("amazon_order_id").values()
        ]
        items = OrderItem.objects.order_by("order__amazon_order_id", "order_item_id").values_list(
            "order__amazon_order_id", "order_item_id", "sku", "title", "quantity_shipped"
        )
        return orders, list(items)

    found = []
    for write in (ingest_upserts._at_best, ingest_upserts._ours):
        for version in (0, 1):
            assert write(account, list(ingest_upserts.make_orders(30, version))) > 0
        found.append(rows())
        ingest_upserts._empty()
    assert found[0] == found[1]
    assert len(found[0][1]) == 40
    assert not Order.objects.exists()
