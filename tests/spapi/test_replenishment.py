"""Offers in Subscribe & Save: what is asked, and what is read of the answer."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

import spapi
from tests.spapi.conftest import US, Amazon
from tests.spapi.servers import reply

MODELS = Path(__file__).parent.parent / "data" / "models"
OFFER = {
    "sku": "NH-LAMP-OAK",
    "asin": "B09KR5B7FH",
    "marketplaceId": US,
    "eligibility": "ELIGIBLE",
    "offerProgramConfiguration": {
        "preferences": {"autoEnrollment": "OPTED_OUT"},
        "promotions": {
            "sellingPartnerFundedBaseDiscount": {"percentage": 5},
            "amazonFundedTieredDiscount": {"percentage": 0},
        },
        "enrollmentMethod": "MANUAL",
    },
    "price": 19.99,
    "priceCurrencyCode": "USD",
    "inventory": 12,
    "stockRisk": "LOW",
    "deliveriesConditions": [
        {"condition": "NO_ISSUES_FOR_NEXT_30_DAYS_DELIVERIES", "next30DaysDeliveries": 7}
    ],
    "subscriptions": 3,
    "fulfillmentNetworkIDType": "AMAZON",
    "forecastDeliveries": {"next15DaysDeliveries": 1, "next90DaysDeliveries": 9},
    "vendorCodes": ["ABCDE"],
}


def test_everything_that_can_be_asked_is_asked(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"offers": [], "pagination": {"totalResults": 0}})
    page = client.list_offers(
        US,
        skus=["A", "B", "A"],
        asins=["B01"],
        eligibilities=["ELIGIBLE", "SUSPENDED"],
        auto_enrollment=["OPTED_IN"],
        promotions={"amazonFundedBaseDiscount": [0, 5]},
        deliveries_conditions=["NO_ISSUES_FOR_NEXT_30_DAYS_DELIVERIES"],
        sort_key="PRICE",
        descending=True,
        limit=1,
        offset=9_000,
    )
    assert page == spapi.OfferPage((), 0)
    (request,) = amazon.calls
    assert json.loads(request.body) == {
        "pagination": {"limit": 1, "offset": 9_000},
        "filters": {
            "marketplaceId": US,
            "programTypes": ["SUBSCRIBE_AND_SAVE"],
            "skus": ["A", "B"],
            "asins": ["B01"],
            "eligibilities": ["ELIGIBLE", "SUSPENDED"],
            "preferences": {"autoEnrollment": ["OPTED_IN"]},
            "promotions": {"amazonFundedBaseDiscount": {"percentage": [0, 5]}},
            "deliveriesConditions": ["NO_ISSUES_FOR_NEXT_30_DAYS_DELIVERIES"],
        },
        "sort": {"order": "DESC", "key": "PRICE"},
    }


def test_what_is_not_asked_is_left_out(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"offers": []})
    assert client.list_offers(US).total is None
    assert json.loads(amazon.calls[0].body) == {
        "pagination": {"limit": 100, "offset": 0},
        "filters": {"marketplaceId": US, "programTypes": ["SUBSCRIBE_AND_SAVE"]},
    }


def test_offer_is_read_whole(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"offers": [OFFER], "pagination": {"totalResults": 12}})
    page = client.list_offers(US)
    assert page.total == 12
    assert page.offers == (
        spapi.ReplenishmentOffer(
            asin="B09KR5B7FH",
            sku="NH-LAMP-OAK",
            marketplace_id=US,
            eligibility="ELIGIBLE",
            auto_enrollment="OPTED_OUT",
            enrollment_method="MANUAL",
            price=spapi.Money(Decimal("19.99"), "USD"),
            inventory=12,
            stock_risk="LOW",
            subscriptions=3,
            fulfillment_network="AMAZON",
            promotions={
                "sellingPartnerFundedBaseDiscount": Decimal(5),
                "amazonFundedTieredDiscount": Decimal(0),
            },
            deliveries={"NO_ISSUES_FOR_NEXT_30_DAYS_DELIVERIES": 7},
            forecast={15: 1, 90: 9},
        ),
    )


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {**OFFER, "offerProgramConfiguration": [], "deliveriesConditions": {}, "price": "x"},
        {"asin": 7, "inventory": -1, "price": 5, "forecastDeliveries": None},
        {"deliveriesConditions": [None, {"condition": None}]},
    ],
)
def test_strange_offer_is_read_as_far_as_it_goes(
    amazon: Amazon, client: spapi.Client, entry: dict
) -> None:
    amazon.replies = lambda _: reply(200, {"offers": [entry]})
    (offer,) = client.list_offers(US).offers
    assert (offer.price, offer.promotions, offer.deliveries, offer.forecast.get(30)) == (
        None,
        {},
        {},
        None,
    )


@pytest.mark.parametrize("document", [[], {}, {"offers": None}, {"offers": {}}])
def test_answer_that_is_no_page_is_an_error(
    amazon: Amazon, client: spapi.Client, document: object
) -> None:
    amazon.replies = lambda _: reply(200, document)
    with pytest.raises(spapi.MalformedAnswer):
        client.list_offers(US)


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 0},
        {"limit": 101},
        {"offset": -1},
        {"offset": 9_001},
        {"skus": [str(number) for number in range(21)]},
        {"asins": [str(number) for number in range(21)]},
        {"promotions": {"amazonFundedBaseDiscount": []}},
        {"promotions": {"amazonFundedBaseDiscount": [101]}},
        {"promotions": {"amazonFundedBaseDiscount": list(range(11))}},
        {"promotions": {"freeGift": [5]}},
    ],
)
def test_what_no_call_can_be_made_of_is_not_sent(
    amazon: Amazon, client: spapi.Client, options: dict
) -> None:
    with pytest.raises(ValueError, match=r".+"):
        client.list_offers(US, **options)
    assert amazon.calls == []


def test_words_are_those_of_the_model() -> None:
    known = json.loads((MODELS / "replenishment-2022-11-07.json").read_text())["definitions"]
    assert list(spapi.SORT_KEYS) == known["ListOffersSortKey"]["enum"]
    assert list(spapi.PROMOTIONS) == list(known["Promotion"]["properties"])
    paging = known["ListOffersRequestPagination"]["properties"]
    assert paging["limit"]["maximum"] == spapi.MOST_OFFERS
    assert paging["offset"]["maximum"] == spapi.LAST_OFFSET
