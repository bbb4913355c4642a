"""Names in braces, and the facts of an order that stand for them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from messaging.action_types import CONFIRM_ORDER_DETAILS
from messaging.placeholders import (
    PLACEHOLDERS,
    PlaceholderError,
    fill,
    fill_sample,
)
from messaging.text_rules import check_text
from orders.models import Order
from orders.states import WindowSource
from tests.factories import OrderFactory, OrderItemFactory, SellerAccountFactory

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

JAPAN = "A1VC38T7YXB528"


def order_of(*titles: str, **facts: object) -> Order:
    """An order with these items, as a view fetches it."""
    order = OrderFactory(**facts)
    for title in titles:
        OrderItemFactory(order=order, title=title)
    return Order.objects.select_related("account").prefetch_related("items").get(pk=order.pk)


def test_every_name_stands_for_a_fact_without_asking_the_database(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    order = order_of(
        "Enamel mug",
        "Spoon",
        account=SellerAccountFactory(name="North Light"),
        amazon_order_id="302-7654321-1234567",
        purchased_at=datetime(2026, 11, 1, 22, 30, tzinfo=UTC),
        earliest_delivery_at=datetime(2026, 11, 4, 23, 0, tzinfo=UTC),
        latest_delivery_at=datetime(2026, 11, 6, 22, 59, tzinfo=UTC),
    )
    names = " | ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    with django_assert_num_queries(0):
        assert fill(names, order).text == (
            "302-7654321-1234567 | Enamel mug, Spoon | 2026-11-01 | 2026-11-05 | 2026-11-06"
            " | North Light | Amazon.de"
        )


def test_days_are_those_of_the_marketplace() -> None:
    order = order_of(marketplace_id=JAPAN, purchased_at=datetime(2026, 11, 1, 16, 0, tzinfo=UTC))
    assert fill("{purchase_date}", order).text == "2026-11-02"


def test_braces_that_are_doubled_are_braces() -> None:
    assert fill("{{order_number}} { Order_Number }", order_of(amazon_order_id="1")).text == (
        "{order_number} 1"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{buyer_name}", "There is no {buyer_name}. There are {order_number},"),
        ("{}", "There is no {}."),
        ("a { b", "A { stands alone."),
        ("a } b", "A } stands alone."),
        ("{{order_number}", "A } stands alone."),
        ("{order.account.refresh_token}", "There is no {order.account.refresh_token}."),
    ],
)
def test_what_is_no_name_is_a_sentence(text: str, sentence: str) -> None:
    order = order_of()
    with pytest.raises(PlaceholderError, match=r"\{|\}") as raised:
        fill(text, order)
    assert sentence in str(raised.value)
    with pytest.raises(PlaceholderError):
        fill_sample(text)


def test_a_fact_that_the_order_does_not_have_is_a_sentence() -> None:
    order = order_of("  ", earliest_delivery_at=None, latest_delivery_at=None)
    for name, sentence in (("items", "titles"), ("delivery_to", "no day of delivery")):
        with pytest.raises(PlaceholderError, match=sentence):
            fill(f"{{{name}}}", order)


@pytest.mark.parametrize("source", [WindowSource.ESTIMATE, WindowSource.FBA_REPORT])
def test_our_own_estimate_is_not_written_as_a_promise(source: WindowSource) -> None:
    with pytest.raises(PlaceholderError, match="what we estimate is not written"):
        fill("{delivery_from}", order_of(window_source=source))


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("<b>Mug</b> &amp; spoon", "Mug & spoon"),
        ("<img src=x onerror=alert(1)>Mug", "Mug"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Mug", "alert(1) Mug"),
        ("Mug {order_number}", "Mug (order_number)"),
        ("gum\u202ecup", "gumcup"),
        ("Cable <5 m", "Cable (5 m"),
        ("Mug\x00\x07", "Mug"),
    ],
)
def test_a_hostile_title_becomes_plain_text_and_that_is_said(title: str, shown: str) -> None:
    order = order_of("Mug")
    order.items.all()[0].title = title  # the row in hand: a database takes no NUL
    filled = fill("It is {items}.", order)
    assert filled.text == f"It is {shown}."
    assert [note.split(" ")[0] for note in filled.notes] == ["{items}"]
    assert not any(one.is_fatal for one in check_text(CONFIRM_ORDER_DETAILS, filled.text))


def test_titles_are_shortened_counted_and_told_once() -> None:
    order = order_of("Spoon", "Spoon", "long " * 60, "Fork", "Knife")
    text = fill("{items}", order).text
    assert text == f"Spoon, {' '.join(['long'] * 20)}…, Fork, …"
    assert fill("{items}", order).notes == ()


def test_a_fact_is_looked_up_once_however_often_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Five hundred orders with a hundred names each would take the web server many seconds."""
    cleaned: list[str] = []
    monkeypatch.setattr(
        "messaging.placeholders.plain_text", lambda value: cleaned.append(value) or value
    )
    assert fill("{items} " * 100, order_of("Mug")).text == "Mug " * 100
    assert cleaned == ["Mug"]


def test_spaces_in_a_title_are_nothing_to_tell() -> None:
    assert fill("{items}", order_of("Enamel  mug ")).notes == ()


def test_a_sample_has_every_name() -> None:
    text = "".join(f"{{{name}}}" for name in PLACEHOLDERS)
    assert "{" not in fill_sample(text)
