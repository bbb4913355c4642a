"""The offers as a file: whole, harmless to a spreadsheet, at Amazon's pace, on record."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from audit.models import AuditEvent, AuditKind
from replenishment import asking
from replenishment.asking import Asker, Question
from replenishment.export import Turn, csv_lines
from replenishment.forms import Shop
from sandbox.testing import Running
from sellers.models import SellerAccount
from solicit_dashboard.csv_cells import read_cell
from spapi import Client as AmazonClient
from spapi import LimitReached, OfferPage, ReplenishmentOffer, ServerError
from spapi.types import Money

pytestmark = pytest.mark.django_db

FILE = "/replenishment/csv/"
Pages = Callable[[int], OfferPage]


def offer(number: int, sku: str = "") -> ReplenishmentOffer:
    return ReplenishmentOffer(
        asin=f"B{number:09}",
        sku=sku or f"SKU-{number}",
        marketplace_id="A1PA6795UKMFR9",
        eligibility="ELIGIBLE",
        auto_enrollment="OPTED_IN",
        enrollment_method=None,
        price=Money(Decimal("19.99"), "EUR"),
        inventory=0,
        stock_risk="LOW",
        subscriptions=3,
        fulfillment_network="AMAZON",
        promotions={"amazonFundedBaseDiscount": Decimal(5)},
        deliveries={"NO_ISSUES_FOR_NEXT_30_DAYS_DELIVERIES": 2},
        forecast={30: 2},
    )


@pytest.fixture
def amazon_has(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pages], None]:
    """Amazon's answer by the offset that is asked for."""

    def has(pages: Pages) -> None:
        def list_offers(_client: AmazonClient, _marketplace: str, **asked: Any) -> OfferPage:
            return pages(asked["offset"])

        monkeypatch.setattr(AmazonClient, "list_offers", list_offers)

    return has


def read(response: Any) -> list[list[str]]:
    assert isinstance(response, StreamingHttpResponse)
    text = b"".join(response).decode("utf-8")  # type: ignore[arg-type]
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_the_file_has_what_the_page_has(viewer: Client, account: SellerAccount) -> None:
    shown = viewer.get("/replenishment/", {"eligibility": "SUSPENDED"}).context["rows"]
    response = viewer.get(FILE, {"eligibility": "SUSPENDED"})
    header, *rows = read(response)
    assert [row[0] for row in rows] == [row.offer.sku for row in shown]
    first = dict(zip(header, rows[0], strict=True))
    assert first["eligibility"] == "SUSPENDED"
    assert first["in stock"] == str(shown[0].offer.inventory)
    assert first["marketplace"].startswith("amazon.")
    event = AuditEvent.objects.get(kind=AuditKind.EXPORTED)
    assert event.account_id == account.pk
    assert event.detail["rows"] == len(rows) == len(shown)
    assert "attachment" in response.headers["Content-Disposition"]


def test_all_pages_are_in_it_and_no_cell_is_a_formula(
    viewer: Client, amazon_has: Callable[[Pages], None]
) -> None:
    names = ["=HYPERLINK(1)", "+1", "-1", "@x", "plain"]
    offers = [offer(number, names[number] if number < 5 else "") for number in range(250)]
    amazon_has(lambda offset: OfferPage(tuple(offers[offset : offset + 100]), 250))
    _header, *rows = read(viewer.get(FILE))
    assert [read_cell(row[0]) for row in rows] == [one.sku for one in offers]
    assert [row[0] for row in rows[:5]] == ["'=HYPERLINK(1)", "'+1", "'-1", "'@x", "plain"]
    assert rows[0][5:9] == ["", "19.99", "EUR", "0"]


def test_beyond_9_100_the_file_says_that_it_is_not_all(
    viewer: Client, amazon_has: Callable[[Pages], None]
) -> None:
    offsets = []
    page = tuple(offer(number) for number in range(100))

    def pages(offset: int) -> OfferPage:
        offsets.append(offset)
        return OfferPage(page, 10_000)

    amazon_has(pages)
    _header, *rows = read(viewer.get(FILE))
    assert len(rows) == 9_101
    assert rows[-1] == ["Amazon gives the first 9,100 of 10,000 offers. Filter."]
    assert offsets == list(range(0, 9_001, 100))


def test_the_file_waits_for_amazons_pace(
    viewer: Client, amazon_has: Callable[[Pages], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(asking.time, "sleep", slept.append)
    is_full = [False]

    def pages(offset: int) -> OfferPage:
        is_full[0] = not is_full[0]
        if offset and is_full[0]:
            raise LimitReached(0.7)
        return OfferPage(tuple(offer(number) for number in range(100)), 200)

    amazon_has(pages)
    is_full[0] = True
    assert len(read(viewer.get(FILE))) == 201
    assert slept == [0.7]


def test_a_file_that_amazon_ends_early_says_so_in_its_last_line(
    viewer: Client, amazon_has: Callable[[Pages], None]
) -> None:
    def pages(offset: int) -> OfferPage:
        if offset == 200:
            raise ServerError("down", status=503)
        return OfferPage(tuple(offer(number) for number in range(100)), 1_000)

    amazon_has(pages)
    rows = read(viewer.get(FILE))
    assert len(rows) == 202
    assert rows[-1][0].startswith("NOT COMPLETE: 200 of 1,000 offers. Amazon gave no usable answer")


def test_without_a_first_page_there_is_no_file_but_a_sentence(
    viewer: Client, amazon: Running
) -> None:
    amazon.stop()
    response = viewer.get(FILE, {"enrolment": "OPTED_IN", "page": "3"})
    assert response.status_code == 302
    assert response.headers["Location"] == "/replenishment/?enrolment=OPTED_IN"
    assert (
        "There is no file. Amazon cannot be reached"
        in viewer.get(response.headers["Location"]).content.decode()
    )
    assert not AuditEvent.objects.filter(kind=AuditKind.EXPORTED).exists()


def test_an_account_exports_one_file_at_a_time(
    viewer: Client, account: SellerAccount, amazon_has: Callable[[Pages], None]
) -> None:
    amazon_has(lambda offset: OfferPage((offer(1),), 1))
    turn = Turn(account)
    turn.take()
    Turn(account).give_back()  # whose turn it is not ends nothing
    assert viewer.get(FILE).status_code == 302
    assert "Another export of this account" in viewer.get("/replenishment/").content.decode()
    turn.give_back()
    assert len(read(viewer.get(FILE))) == 2
    assert len(read(viewer.get(FILE))) == 2


def test_a_browser_that_goes_away_leaves_the_turn_to_the_next(
    account: SellerAccount, amazon_has: Callable[[Pages], None]
) -> None:
    page = OfferPage((offer(1),), 1)
    question = Question(Shop(account, "A1PA6795UKMFR9"))
    turn = Turn(account)
    turn.take()
    lines: Any = csv_lines(question, Asker(question), page, turn)
    next(lines)
    lines.close()
    Turn(account).take()


def test_a_look_without_a_body_takes_nobodys_turn(viewer: Client, account: SellerAccount) -> None:
    assert viewer.head(FILE).status_code == 405
    assert viewer.get(FILE)["Content-Type"].startswith("text/csv")


def test_a_wrong_address_has_no_file(viewer: Client) -> None:
    assert viewer.get(FILE, {"asin": "x"}).status_code == 400
