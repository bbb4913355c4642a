"""The table of marketplaces is whole and fits together."""

import re
from zoneinfo import ZoneInfo

from spapi import MARKETPLACES, REGIONS

COUNTRIES = {
    "na": "CA US MX BR",
    "eu": "IE ES GB FR BE NL DE IT SE ZA PL EG TR SA AE IN",
    "fe": "SG AU JP",
}


def test_all_23_marketplaces_are_there_in_their_regions() -> None:
    assert len(MARKETPLACES) == 23
    for region, countries in COUNTRIES.items():
        found = {one.country for one in MARKETPLACES.values() if one.region == region}
        assert found == set(countries.split())


def test_every_row_is_whole() -> None:
    for marketplace_id, one in MARKETPLACES.items():
        assert one.id == marketplace_id
        assert re.fullmatch(r"A[0-9A-Z]{12,13}", one.id)
        assert re.fullmatch(r"[A-Z]{3}", one.currency)
        assert re.fullmatch(r"amazon\.[a-z.]+", one.domain)
        assert ZoneInfo(one.time_zone)
        if one.seller_central is None:
            assert one.country == "IE"
        else:
            assert re.fullmatch(r"sellercentral(-europe)?\.amazon\.[a-z.]+", one.seller_central)


def test_well_known_marketplaces_have_their_ids() -> None:
    known = {"US": "ATVPDKIKX0DER", "GB": "A1F83G8C2ARO7P", "JP": "A1VC38T7YXB528"}
    by_country = {one.country: one for one in MARKETPLACES.values()}
    assert len(by_country) == 23
    for country, marketplace_id in known.items():
        assert by_country[country].id == marketplace_id


def test_regions_have_their_hosts() -> None:
    assert {code: region.aws_region for code, region in REGIONS.items()} == {
        "na": "us-east-1",
        "eu": "eu-west-1",
        "fe": "us-west-2",
    }
    for code, region in REGIONS.items():
        assert region.endpoint == f"https://sellingpartnerapi-{code}.amazon.com"
        assert region.sandbox_endpoint == f"https://sandbox.sellingpartnerapi-{code}.amazon.com"
