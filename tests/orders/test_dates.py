"""The delivery window and where it comes from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import spapi
from orders.dates import DeliveryWindow, delivery_window
from orders.states import WindowSource
from spapi import TimeWindow
from tests.orders.amazon import DAY, NOON, an_order

SHIPPED = NOON - 10 * DAY


def estimated(**fields: object) -> DeliveryWindow | None:
    """The window of an order without a promise that must ship by SHIPPED."""
    return delivery_window(
        an_order(
            **{"deliver_by": None, "ship_by": TimeWindow(SHIPPED - DAY, SHIPPED)} | fields  # type: ignore[arg-type]
        )
    )


def test_amazons_promise_is_taken_as_it_is() -> None:
    window = delivery_window(an_order(deliver_by=TimeWindow(NOON, NOON + DAY)))
    assert window == DeliveryWindow(NOON, NOON + DAY, WindowSource.AMAZON)


@pytest.mark.parametrize(
    ("level", "first", "last"),
    [
        ("SAME_DAY", 1, 1),
        ("NEXT_DAY", 1, 1),
        ("SECOND_DAY", 2, 2),
        ("EXPEDITED", 3, 3),
        ("PRIORITY", 3, 3),
        ("STANDARD", 2, 7),
        ("FREE_ECONOMY", 2, 7),
        ("SCHEDULED", 2, 7),
        ("BY_BALLOON", 2, 7),
        (None, 2, 7),
    ],
)
def test_without_a_promise_it_is_counted_from_the_latest_ship_by_date(
    level: str | None, first: int, last: int
) -> None:
    assert estimated(service_level=level) == DeliveryWindow(
        SHIPPED + first * DAY, SHIPPED + last * DAY, WindowSource.ESTIMATE
    )


def test_without_a_ship_by_date_it_is_counted_from_the_last_shipping() -> None:
    packages = tuple(
        spapi.Package("SHIPPED", None, moment) for moment in (NOON - 4 * DAY, NOON - 3 * DAY, None)
    )
    window = estimated(ship_by=None, packages=packages, service_level="NEXT_DAY")
    assert window == DeliveryWindow(NOON - 2 * DAY, NOON - 2 * DAY, WindowSource.ESTIMATE)


def test_without_any_shipping_it_is_counted_from_the_purchase() -> None:
    window = estimated(ship_by=None, created_at=NOON, service_level="SECOND_DAY")
    assert window == DeliveryWindow(NOON + 2 * DAY, NOON + 2 * DAY, WindowSource.ESTIMATE)


def test_without_any_date_there_is_no_window() -> None:
    assert estimated(ship_by=None, created_at=None) is None


@pytest.mark.parametrize(
    "promise",
    [
        TimeWindow(NOON + DAY, NOON),
        TimeWindow(None, None),
        TimeWindow(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC)),
        TimeWindow(NOON, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        TimeWindow(NOON - 23 * DAY, NOON),
    ],
    ids=["reversed", "empty", "epoch", "end of time", "before the purchase"],
)
def test_a_promise_that_cannot_be_true_counts_as_missing(promise: TimeWindow) -> None:
    window = estimated(deliver_by=promise)
    assert window is not None
    assert window.source == WindowSource.ESTIMATE


def test_a_ship_by_date_that_cannot_be_true_counts_as_missing() -> None:
    never = TimeWindow(NOON, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    window = estimated(ship_by=never, created_at=NOON, service_level="NEXT_DAY")
    assert window == DeliveryWindow(NOON + DAY, NOON + DAY, WindowSource.ESTIMATE)


@pytest.mark.parametrize("promise", [TimeWindow(NOON, None), TimeWindow(None, NOON)])
def test_a_promise_with_one_end_is_that_moment(promise: TimeWindow) -> None:
    assert delivery_window(an_order(deliver_by=promise)) == DeliveryWindow(
        NOON, NOON, WindowSource.AMAZON
    )


def test_a_promise_of_a_single_moment_is_sound() -> None:
    window = delivery_window(an_order(deliver_by=TimeWindow(NOON, NOON)))
    assert window is not None
    assert window.source == WindowSource.AMAZON
    assert window.latest - window.earliest == timedelta(0)
