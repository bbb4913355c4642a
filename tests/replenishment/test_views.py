"""The page of Subscribe & Save: what is asked of Amazon, what is shown, who sees it."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from replenishment.views import OfferRow
from sandbox.testing import Running
from sellers.models import Role, SellerAccount
from sellers.services import disconnect_account
from spapi import Client as AmazonClient
from spapi import OfferPage
from tests.factories import MembershipFactory

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PAGE = "/replenishment/"
GERMANY, SWEDEN = "A1PA6795UKMFR9", "A2NODRKZP88ZB9"


def rows(response: HttpResponse) -> list[OfferRow]:
    assert response.status_code == 200
    found: list[OfferRow] = response.context["rows"]  # type: ignore[attr-defined]
    return found


def test_the_first_page_shows_what_amazon_has_in_words(
    viewer: Client, account: SellerAccount
) -> None:
    response = viewer.get(PAGE)
    shown = rows(response)
    body = response.content.decode()
    assert len(shown) == min(100, response.context["total"]) > 20
    assert shown[0].offer.sku is not None
    assert shown[0].offer.sku in body
    assert {row.eligibility for row in shown} > {"Eligible", "Not eligible"}
    assert {row.enrolment for row in shown} == {"On", "Off"}
    assert any("stock may not last" in row.problems for row in shown)
    assert f"Offers 1 to {len(shown)} of" in body
    assert 'aria-current="page">Replenishment</a>' in body


def test_only_marketplaces_with_the_programme_can_be_chosen(
    viewer: Client, account: SellerAccount
) -> None:
    form = viewer.get(PAGE).context["form"]
    domains = {shop.domain for shop in form.shops}
    assert "amazon.de" in domains
    assert len(domains) < account.marketplaces.count()
    response = viewer.get(PAGE, {"shop": f"{account.pk}:{SWEDEN}"})
    assert response.status_code == 400
    assert "is not one that you can choose" in response.content.decode()


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ({"eligibility": "SUSPENDED"}, lambda offer: offer.eligibility == "SUSPENDED"),
        (
            {"eligibility": ["SUSPENDED", "INELIGIBLE"]},
            lambda offer: offer.eligibility in ("SUSPENDED", "INELIGIBLE"),
        ),
        ({"enrolment": "OPTED_OUT"}, lambda offer: offer.auto_enrollment == "OPTED_OUT"),
        (
            {"own_base": "5, 10 %"},
            lambda offer: offer.promotions["sellingPartnerFundedBaseDiscount"] in (5, 10),
        ),
        (
            {"amazon_tiered": "0"},
            lambda offer: offer.promotions["amazonFundedTieredDiscount"] == 0,
        ),
    ],
)
def test_a_filter_of_the_address_is_asked_of_amazon(
    viewer: Client, query: dict[str, Any], holds: Any
) -> None:
    everything = viewer.get(PAGE).context["total"]
    response = viewer.get(PAGE, query)
    shown = [row.offer for row in rows(response)]
    assert 0 < response.context["total"] < everything
    assert all(holds(offer) for offer in shown)


def test_names_are_taken_as_they_are_pasted(viewer: Client) -> None:
    some = [row.offer for row in rows(viewer.get(PAGE))[3:6]]
    skus = "\r\n".join(f"  {offer.sku} " for offer in some) + "\r\n\r\n"
    assert {row.offer.sku for row in rows(viewer.get(PAGE, {"sku": skus}))} == {
        offer.sku for offer in some
    }
    asins = " ".join(str(offer.asin).lower() for offer in some)
    assert {row.offer.asin for row in rows(viewer.get(PAGE, {"asin": asins}))} == {
        offer.asin for offer in some
    }


def test_offers_are_sorted_both_ways(viewer: Client) -> None:
    for direction, is_descending in (("asc", False), ("desc", True)):
        shown = rows(viewer.get(PAGE, {"sort": "price", "dir": direction}))
        prices = [row.offer.price.amount for row in shown if row.offer.price]
        assert prices == sorted(prices, reverse=is_descending)
        assert len(set(prices)) > 5


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"sku": "\n".join(f"S{n}" for n in range(21))}, "are 21 names. Amazon takes 20"),
        ({"asin": "B00000000"}, "which is no ASIN"),
        ({"own_tiered": "5, 101"}, "whole percentages from 0 to 100"),
        ({"own_tiered": "1 2 3 4 5 6 7 8 9 10 11"}, "more than 10 percentages"),
        ({"eligibility": "BAD_VALUE"}, "is not one that you can choose"),
        ({"sort": "password"}, "is not known here"),
        ({"dir": ["asc", "desc"]}, "“dir” stands in the address more than once"),
        ({"page": "92"}, "Amazon gives only the first 9,100 offers of a list. Filter"),
        ({"sku": "x" * 1001}, "has more than 1,000 characters"),
    ],
)
def test_what_amazon_would_not_take_is_said_and_not_asked(
    viewer: Client, amazon: Running, query: dict[str, Any], words: str
) -> None:
    response = viewer.get(PAGE, query)
    assert response.status_code == 400
    assert words in response.content.decode()
    assert "listOffers" not in str(amazon.stats())


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e9", "9" * 30])
def test_a_page_that_cannot_be_is_refused(viewer: Client, page: str) -> None:
    assert viewer.get(PAGE, {"page": page}).status_code == 400


def test_htmx_gets_the_part_that_changes(viewer: Client) -> None:
    body = viewer.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert body.strip().startswith('<div id="offers"')
    assert "<html" not in body


def test_pages_lead_on_with_the_filters_and_end_where_amazon_ends(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = viewer.get(PAGE).context["rows"][0].offer
    asked = []

    def many(_client: AmazonClient, _marketplace: str, **filters: Any) -> OfferPage:
        asked.append((filters["limit"], filters["offset"]))
        return OfferPage((some,) * 100, 12_345)

    monkeypatch.setattr(AmazonClient, "list_offers", many)
    response = viewer.get(PAGE, {"enrolment": "OPTED_IN", "sku": "", "page": "2"})
    pager = response.context["pager"]
    assert pager.next == f"{PAGE}?enrolment=OPTED_IN&page=3"
    assert pager.previous == pager.first == f"{PAGE}?enrolment=OPTED_IN"
    assert pager.last.endswith("&page=91")
    body = response.content.decode()
    assert "Offers 101 to 200 of 12,345" in body
    assert "12,345 offers match. Amazon gives only the first 9,100" in body
    assert "CSV of 9,100 offers" in body
    assert "takes about 91 s" in body
    last = viewer.get(PAGE, {"page": "91"}).context["pager"]
    assert (last.next, last.last) == ("", "")
    assert asked == [(100, 100), (100, 9_000)]


def test_amazons_faults_are_sentences(viewer: Client, amazon: Running) -> None:
    denied = "Access to requested resource is denied."
    amazon.set_faults([{"operation": "listOffers", "do": {"kind": "forbidden", "text": denied}}])
    assert "lacks the role for the Replenishment API" in viewer.get(PAGE).content.decode()
    amazon.set_faults([])
    amazon.stop()
    response = viewer.get(PAGE)
    assert response.status_code == 200
    assert "Amazon cannot be reached from this machine" in response.content.decode()


def test_without_room_at_amazon_the_page_says_so_instead_of_waiting(
    viewer: Client, amazon: Running
) -> None:
    slow = {"kind": "status", "status": 429, "headers": {"x-amzn-RateLimit-Limit": "0.01"}}
    amazon.set_faults([{"operation": "listOffers", "do": slow}])
    assert "its rate for this call is used up for another" in viewer.get(PAGE).content.decode()


def test_a_disconnected_account_is_not_asked_for(viewer: Client, account: SellerAccount) -> None:
    manager = MembershipFactory(account=account, role=Role.MANAGER).user
    disconnect_account(account, manager)
    assert "The account is disconnected" in viewer.get(PAGE).content.decode()


def test_whose_account_it_is_not_learns_nothing(account: SellerAccount, amazon: Running) -> None:
    stranger = Client()
    stranger.force_login(MembershipFactory(role=Role.MANAGER).user)
    assert "No account in the programme" in stranger.get(PAGE).content.decode()
    for path in (PAGE, f"{PAGE}csv/"):
        for shop in (f"{account.pk}:{GERMANY}", f"999999:{GERMANY}"):
            assert stranger.get(path, {"shop": shop}).status_code == 404
    assert "listOffers" not in str(amazon.stats())
