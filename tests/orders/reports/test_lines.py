"""Lines of reports in the words of the orders API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orders.ingest.partial import OrderFacts
from orders.models import ReportType
from orders.reports.columns import KEPT
from orders.reports.lines import Reader
from tests.factories import GERMANY
from tests.orders.reports.test_columns import LINE, NUMBER, OTHER

FRANCE = "A13V1IB3VIYZZH"


def read(
    *lines: dict[str, str],
    kind: ReportType = ReportType.BY_UPDATE,
    marketplaces: tuple[str, ...] = (GERMANY, FRANCE),
) -> tuple[list[OrderFacts], Reader]:
    reader = Reader(kind, marketplaces)
    texts = ["\t".join(line.get(name, "") for name in KEPT[kind]) + "\n" for line in lines]
    return list(reader.read([text.encode() for text in texts])), reader


def test_a_line_of_all_orders_is_told_in_the_words_of_the_orders_api() -> None:
    facts, reader = read(LINE | {"ship-service-level": "SecondDay", "is-business-order": "TRUE"})
    assert facts == [
        OrderFacts(
            NUMBER,
            updated_at=datetime(2026, 3, 2, 10, tzinfo=UTC),
            purchased_at=datetime(2026, 3, 1, 10, tzinfo=UTC),
            marketplace_id=GERMANY,
            channel_name="AMAZON",
            fulfillment_status="SHIPPED",
            fulfilled_by="AMAZON",
            service_level="SECOND_DAY",
            is_business=True,
        )
    ]
    assert (reader.newest, reader.unknown_words) == (datetime(2026, 3, 2, 10, tzinfo=UTC), {})


@pytest.mark.parametrize(
    ("column", "text", "fact", "value"),
    [
        ("order-status", "Cancelled", "fulfillment_status", "CANCELLED"),
        ("order-status", "Canceled", "fulfillment_status", "CANCELLED"),
        ("order-status", "PartiallyShipped", "fulfillment_status", "PARTIALLY_SHIPPED"),
        ("order-status", "Shipped - Delivered to Buyer", "fulfillment_status", "SHIPPED"),
        ("order-status", "", "fulfillment_status", None),
        ("fulfillment-channel", "Merchant", "fulfilled_by", "MERCHANT"),
        ("fulfillment-channel", "AFN", "fulfilled_by", "AMAZON"),
        ("sales-channel", "Amazon.fr", "marketplace_id", FRANCE),
        ("sales-channel", "www.amazon.fr", "marketplace_id", FRANCE),
        ("sales-channel", "Non-Amazon FR", "marketplace_id", FRANCE),
        ("sales-channel", "Non-Amazon FR", "channel_name", "NON_AMAZON"),
        ("sales-channel", "Non-Amazon", "marketplace_id", None),
        ("sales-channel", "", "channel_name", None),
        ("purchase-date", "1 March", "purchased_at", None),
        ("purchase-date", "2026-03-01T02:00:00-08:00", "purchased_at", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("purchase-date", "2026-03-01T10:00:00", "purchased_at", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("last-updated-date", "9999-99-99", "updated_at", None),
        ("is-business-order", "perhaps", "is_business", None),
    ],
)  # fmt: skip
def test_each_cell_is_translated_or_left_open(
    column: str, text: str, fact: str, value: object
) -> None:
    [facts], reader = read(LINE | {column: text})
    assert getattr(facts, fact) == value
    assert not reader.unknown_words


@pytest.mark.parametrize(
    ("column", "text", "fact", "value"),
    [
        ("order-status", "Teleported", "fulfillment_status", "TELEPORTED"),
        ("fulfillment-channel", "Drone", "fulfilled_by", "Drone"),
        ("sales-channel", "Amazon.moon", "marketplace_id", None),
    ],
)
def test_an_unknown_word_is_kept_and_counted(
    column: str, text: str, fact: str, value: object
) -> None:
    facts, reader = read(LINE | {column: text}, LINE | {"amazon-order-id": OTHER, column: text})
    assert [getattr(one, fact) for one in facts] == [value, value]
    assert reader.unknown_words == {f"{column}={text}": 2}


def test_of_a_report_about_one_marketplace_every_order_is_of_it() -> None:
    for channel in ("Non-Amazon", "Amazon.moon", ""):
        [facts], _ = read(LINE | {"sales-channel": channel}, marketplaces=(FRANCE,))
        assert facts.marketplace_id == FRANCE


def test_of_several_versions_the_latest_counts_in_either_order() -> None:
    later = LINE | {"last-updated-date": "2026-03-03T10:00:00Z", "order-status": "Cancelled"}
    for lines in ((LINE, later), (later, LINE)):
        [facts], _ = read(*lines)
        assert facts.fulfillment_status == "CANCELLED"


def test_of_several_shipments_the_latest_arrival_counts() -> None:
    def shipment(day: str) -> dict[str, str]:
        return {"amazon-order-id": NUMBER, "estimated-arrival-date": day}

    days = ("2026-03-04T20:00:00+01:00", "2026-03-06T20:00:00+01:00", "", "2026-03-05")
    [facts], _ = read(*map(shipment, days), kind=ReportType.SHIPMENTS)
    assert facts == OrderFacts(NUMBER, fba_arrival_at=datetime(2026, 3, 6, 19, tzinfo=UTC))


def test_what_came_back_to_amazon_is_returned() -> None:
    facts, _ = read({"order-id": NUMBER}, kind=ReportType.FBA_RETURNS)
    assert facts == [OrderFacts(NUMBER, returned=True)]


@pytest.mark.parametrize(
    ("status", "amount", "said"),
    [
        ("Approved", "", {"returned": True, "refunded": False}),
        ("Approved", "9.90", {"returned": True, "refunded": True}),
        ("Pending", "1.234,50", {"returned": True, "refunded": True}),
        ("Denied", "0.00", {"returned": False, "refunded": False}),
        ("Approved", "-9.90", {"returned": True, "refunded": False}),
    ],
)
def test_what_buyers_gave_back_to_the_seller_says_what_became_of_it(
    status: str, amount: str, said: dict[str, Any]
) -> None:
    line = {"order-id": NUMBER, "return-request-status": status, "refunded-amount": amount}
    facts, _ = read(line, kind=ReportType.MFN_RETURNS)
    assert facts == [OrderFacts(NUMBER, **said)]


def test_one_of_several_requests_is_enough_for_a_return() -> None:
    lines = [
        {"order-id": NUMBER, "return-request-status": status, "refunded-amount": amount}
        for status, amount in (("Approved", ""), ("Denied", "3.00"))
    ]
    facts, _ = read(*lines, kind=ReportType.MFN_RETURNS)
    assert facts == [OrderFacts(NUMBER, returned=True, refunded=True)]
