"""Offers in Subscribe & Save: against the model, filtered, sorted and by pages."""

import json
from itertools import count

import pytest

from sandbox.options import Options
from sandbox.subscriptions import CONDITIONS, COUNTRIES, ELIGIBILITIES, PROMOTIONS
from tests.sandbox.conftest import Desk, document, message
from tests.sandbox.schemas import Model

MODEL = Model("replenishment-2022-11-07.json")
DE, NL = "A1PA6795UKMFR9", "A1805IZSGTT6HS"


@pytest.fixture(scope="module")
def one_desk():
    return Desk(Options(orders=100, seed=7))


@pytest.fixture
def desk(one_desk):
    one_desk.ticks += 100
    return one_desk


def ask(desk, filters=None, *, limit=100, offset=0, sort=None, seller=None, **more):
    """What is answered; `filters` besides the marketplace."""
    base = {"marketplaceId": DE, "programTypes": ["SUBSCRIBE_AND_SAVE"]}
    body = {
        "pagination": {"limit": limit, "offset": offset},
        "filters": {**base, **(filters or {})},
        **({} if sort is None else {"sort": sort}),
        **more,
    }
    desk.ticks += 1
    target = "/replenishment/2022-11-07/offers/search"
    return desk.ask("POST", target, body=json.dumps(body).encode(), seller=seller)


def found(answer) -> list:
    assert answer.status == 200
    return document(answer)["offers"]


def test_offers_are_as_the_model_has_them(desk):
    answer = ask(desk)
    assert MODEL.faults("ListOffersResponse", document(answer)) == []
    offers = found(answer)
    assert len(offers) == document(answer)["pagination"]["totalResults"] > 20
    listings = {one.sku: one.asin for one in desk.seller.catalogue.listings}
    assert all(listings[one["sku"]] == one["asin"] for one in offers)
    assert {one["marketplaceId"] for one in offers} == {DE}
    assert {one["priceCurrencyCode"] for one in offers} == {"EUR"}
    assert offers == found(ask(desk)), "the same each time"


def test_words_are_those_of_the_model():
    known = MODEL.document["definitions"]
    assert list(ELIGIBILITIES) == known["EligibilityStatus"]["enum"]
    conditions = known["ListOffersRequestFilters"]["properties"]["deliveriesConditions"]
    assert list(CONDITIONS) == conditions["items"]["enum"]
    assert list(PROMOTIONS) == list(known["Promotion"]["properties"])
    named = known["MarketplaceId"]["description"].partition("vendors are ")[2].partition(".")[0]
    assert set(named.replace("and ", "").replace("UK", "GB").split(", ")) == set(COUNTRIES)


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ({"eligibilities": ["ELIGIBLE"]}, lambda one: one["eligibility"] == "ELIGIBLE"),
        (
            {"eligibilities": ["SUSPENDED", "INELIGIBLE"]},
            lambda one: one["eligibility"] in ("SUSPENDED", "INELIGIBLE"),
        ),
        (
            {"preferences": {"autoEnrollment": ["OPTED_OUT"]}},
            lambda one: (
                one["offerProgramConfiguration"]["preferences"]["autoEnrollment"] == "OPTED_OUT"
            ),
        ),
        (
            {"promotions": {"amazonFundedBaseDiscount": {"percentage": [5, 10]}}},
            lambda one: (
                one["offerProgramConfiguration"]["promotions"]["amazonFundedBaseDiscount"][
                    "percentage"
                ]
                in (5, 10)
            ),
        ),
        (
            {"deliveriesConditions": [CONDITIONS[-1]]},
            lambda one: one["deliveriesConditions"][0]["condition"] == CONDITIONS[-1],
        ),
    ],
)
def test_a_filter_gives_exactly_those_that_match(desk, filters, holds):
    every = found(ask(desk))
    matching = found(ask(desk, filters))
    assert matching == [one for one in every if holds(one)]
    assert 0 < len(matching) < len(every)


def test_skus_and_asins_must_both_match(desk):
    first, second, third = found(ask(desk))[:3]
    skus = [first["sku"], second["sku"]]
    assert found(ask(desk, {"skus": skus})) == [first, second]
    both = {"skus": skus, "asins": [second["asin"], third["asin"]]}
    assert found(ask(desk, both)) == [second]


@pytest.mark.parametrize("key", ["ASIN", "PRICE", "INVENTORY", "SUBSCRIPTION_COUNT"])
def test_offers_are_sorted_both_ways(desk, key):
    name = {"SUBSCRIPTION_COUNT": "subscriptions"}.get(key, key.lower())
    up = [one[name] for one in found(ask(desk, sort={"order": "ASC", "key": key}))]
    down = [one[name] for one in found(ask(desk, sort={"order": "DESC", "key": key}))]
    assert up == sorted(up)
    assert down == sorted(up, reverse=True)


def test_pages_hold_every_offer_once(desk):
    every, pages = found(ask(desk)), []
    for offset in count(0, 7):
        page = ask(desk, limit=7, offset=offset)
        assert document(page)["pagination"]["totalResults"] == len(every)
        if not found(page):
            break
        pages += found(page)
    assert pages == every


@pytest.mark.parametrize(
    "change",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": True},
        {"offset": -1},
        {"offset": 9_001},
        {"filters": {"marketplaceId": NL}},
        {"filters": {"marketplaceId": "DE"}},
        {"filters": {"programTypes": []}},
        {"filters": {"skus": []}},
        {"filters": {"skus": [str(one) for one in range(21)]}},
        {"filters": {"asins": ["a", "a"]}},
        {"filters": {"preferences": {"autoEnrollment": ["YES"]}}},
        {"filters": {"promotions": {"gift": {"percentage": [5]}}}},
        {"filters": {"promotions": {"amazonFundedBaseDiscount": {"percentage": [101]}}}},
        {"filters": {"deliveriesConditions": ["GOOD"]}},
        {"filters": {"colour": "red"}},
        {"sort": {"order": "UP", "key": "ASIN"}},
        {"sort": {"order": "ASC", "key": "SKU"}},
        {"sort": {"key": "ASIN"}},
        {"marketplaceIds": [DE]},
    ],
)
def test_what_the_model_does_not_have_is_refused(desk, change):
    assert ask(desk, **change).status == 400


def test_the_refusal_of_an_eligibility_is_amazons_own(desk):
    operation = MODEL.document["paths"]["/replenishment/2022-11-07/offers/search"]["post"]
    [example] = operation["responses"]["400"]["x-amzn-api-sandbox"]["static"]
    answer = ask(desk, {"eligibilities": ["BAD_VALUE"]})
    assert message(answer) == example["response"]["errors"][0]["message"]


def test_a_seller_has_no_offers_where_it_does_not_sell(desk):
    other = desk.amazon.world.sellers[1]
    assert found(ask(desk, seller=other)) == []


def test_one_call_a_second(desk):
    assert ask(desk).status == 200
    desk.ticks -= 1  # `ask` moves on before it asks
    assert ask(desk).status == 429
