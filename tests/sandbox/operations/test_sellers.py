from tests.sandbox.conftest import document
from tests.sandbox.schemas import Model

PATH = "/sellers/v1/marketplaceParticipations"


def test_the_seller_takes_part_in_its_marketplaces_as_the_model_has_it(desk):
    for seller in desk.amazon.world.sellers:
        answer = desk.ask("GET", PATH, seller=seller)
        body = document(answer)
        assert Model("sellers.json").faults("GetMarketplaceParticipationsResponse", body) == []
        ids = [entry["marketplace"]["id"] for entry in body["payload"]]
        assert ids == [market.id for market in seller.marketplaces]
        assert {entry["storeName"] for entry in body["payload"]} == {seller.name}
        assert answer.headers["x-amzn-RateLimit-Limit"] == "0.016"


def test_germany_is_described_as_amazon_does(desk):
    first = document(desk.ask("GET", PATH))["payload"][0]
    assert first["marketplace"] == {
        "id": "A1PA6795UKMFR9",
        "countryCode": "DE",
        "name": "Amazon.de",
        "defaultCurrencyCode": "EUR",
        "defaultLanguageCode": "de_DE",
        "domainName": "www.amazon.de",
    }
    assert first["participation"] == {"isParticipating": True, "hasSuspendedListings": False}
