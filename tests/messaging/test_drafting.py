"""One writing for many orders: the text with each order's facts, its files by name, its warranty."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from messaging.action_types import SEND_INVOICE, UNEXPECTED_PROBLEM, WARRANTY
from messaging.drafting import (
    FOREIGN_FILE,
    NO_FILE,
    Coverage,
    Writing,
    Written,
    cover,
    match_files,
    write_drafts,
)
from messaging.models import StoredFile
from messaging.payloads import PayloadError, clean_payload
from orders.models import Order
from tests.factories import OrderFactory, OrderItemFactory

pytestmark = pytest.mark.django_db
ONE, TWO = "302-1234567-1234567", "302-1234567-1234568"


def order_of(number: str = ONE, **fields: Any) -> Order:
    order: Order = OrderFactory(amazon_order_id=number, **fields)
    return order


def file_of(name: str) -> StoredFile:
    return StoredFile(name=name, size=9, sha256="0" * 64, content_type="application/pdf")


def write(kind: str, orders: list[Order], writing: Writing, locale: str = "") -> list[Written]:
    return write_drafts(kind, orders, writing, locales={order.pk: locale for order in orders})


def test_each_order_gets_the_text_with_its_own_facts() -> None:
    writing = Writing(text="About {order_number}.")
    written = write(UNEXPECTED_PROBLEM.name, [order_of(ONE), order_of(TWO)], writing)
    assert [one.draft.payload for one in written] == [
        {"text": f"About {ONE}."},
        {"text": f"About {TWO}."},
    ]
    assert [one.draft.fault for one in written] == ["", ""]


def test_an_order_without_the_fact_says_so() -> None:
    (written,) = write(UNEXPECTED_PROBLEM.name, [order_of()], Writing(text="Your {items}."))
    assert "titles of this order's items are not known" in written.draft.fault


def test_what_amazon_forbids_in_a_fact_is_a_fault_of_its_order_alone() -> None:
    """The text is fine; an item's title brings an address in."""
    bad, good = order_of(ONE), order_of(TWO)
    OrderItemFactory(order=bad, title="a@b.example")
    OrderItemFactory(order=good, title="A mug")
    first, second = write(UNEXPECTED_PROBLEM.name, [bad, good], Writing(text="Your {items}."))
    assert "e-mail address" in first.draft.fault
    assert second.draft.fault == ""


def test_what_is_too_long_for_amazon_is_refused_for_that_and_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Five hundred texts that long would take the web server many seconds."""
    monkeypatch.setattr("messaging.drafting.check_text", lambda *_: pytest.fail("it was read"))
    order = order_of()
    OrderItemFactory(order=order, title="mug " * 25)
    (written,) = write(UNEXPECTED_PROBLEM.name, [order], Writing(text="{items} " * 50))
    with pytest.raises(PayloadError, match="Amazon takes at most 2,000"):
        clean_payload(UNEXPECTED_PROBLEM, written.draft.payload)


def test_a_text_in_another_language_than_the_buyers_is_a_warning() -> None:
    text = "We are sorry that your parcel is late. It will be with you in the next two days."
    (written,) = write(UNEXPECTED_PROBLEM.name, [order_of()], Writing(text=text), locale="de-DE")
    assert written.draft.fault == ""
    assert any("German" in warning for warning in written.warnings)


@pytest.mark.parametrize(
    ("name", "belongs_to"),
    [
        (f"{ONE}.pdf", ONE),
        (f"invoice_{ONE}.pdf", ONE),
        (f"Rechnung {TWO} (2).pdf", TWO),
        (f"{ONE}-{TWO}.pdf", None),
        (f"{ONE} and 302-7654321-1234567.pdf", None),
        (f"1{ONE}.pdf", None),
        (f"{ONE}1.pdf", None),
        ("302-7654321-1234567.pdf", None),
        ("invoice.pdf", None),
    ],
)
def test_a_file_belongs_to_the_order_whose_number_is_in_its_name(
    name: str, belongs_to: str | None
) -> None:
    file = file_of(name)
    matches = match_files([file], {ONE, TWO})
    assert matches.by_number == ({belongs_to: [file]} if belongs_to else {})
    assert matches.others == ([] if belongs_to else [file])


def test_by_number_each_order_gets_its_files_and_one_without_says_so() -> None:
    files = [file_of(f"{ONE}.pdf"), file_of(f"terms {ONE}.pdf"), file_of("other.pdf")]
    writing = Writing(files=files, by_number=True)
    first, second = write(SEND_INVOICE.name, [order_of(ONE), order_of(TWO)], writing)
    assert (first.draft.files, first.draft.fault) == (tuple(files[:2]), "")
    assert (second.draft.files, second.draft.fault) == ((), NO_FILE)


def test_the_same_files_go_to_every_order() -> None:
    files = [file_of("terms.pdf")]
    written = write(SEND_INVOICE.name, [order_of(ONE), order_of(TWO)], Writing(files=files))
    assert [one.draft.files for one in written] == [tuple(files)] * 2


def test_nobody_gets_a_file_that_is_named_after_another_order() -> None:
    """An invoice tells the name and address of its buyer."""
    files = [file_of("terms.pdf"), file_of(f"{ONE}.pdf")]
    written = write(SEND_INVOICE.name, [order_of(ONE), order_of(TWO)], Writing(files=files))
    assert [one.draft.fault for one in written] == ["", FOREIGN_FILE.format(name=f"{ONE}.pdf")]


@pytest.mark.parametrize(
    ("coverage", "first", "last"),
    [
        (Coverage(24), "2026-01-31T00:00:00+01:00", "2028-01-31T23:59:59+01:00"),
        (Coverage(1), "2026-01-31T00:00:00+01:00", "2026-02-28T23:59:59+01:00"),
        (
            Coverage(6, date(2026, 3, 1)),
            "2026-03-01T00:00:00+01:00",
            "2026-09-01T23:59:59+02:00",
        ),
        (Coverage(12, date(2024, 2, 29)), "2024-02-29T00:00:00+01:00", "2025-02-28T23:59:59+01:00"),
    ],
)
def test_a_warranty_runs_for_months_in_the_zone_of_the_marketplace(
    coverage: Coverage, first: str, last: str
) -> None:
    """Late on the 30th in UTC it is the 31st in Germany."""
    order = order_of(purchased_at=datetime(2026, 1, 30, 23, 30, tzinfo=UTC))
    start, end = cover(order, coverage)
    assert (start.isoformat(), end.isoformat()) == (first, last)
    writing = Writing(files=[file_of("warranty.pdf")], coverage=coverage)
    (written,) = write(WARRANTY.name, [order], writing)
    assert written.draft.payload == {"coverage_start": start, "coverage_end": end}
