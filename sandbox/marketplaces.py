"""Amazon's 23 marketplaces as the sandbox plays them.

Ids and regions: developer-docs.amazon.com/sp-api/docs/marketplace-ids. Offsets are standard time:
summer time is left out, so that the world is the same on a machine without a zone database.
Prefixes are the first three digits that order ids of the marketplace commonly carry.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marketplace:
    """One marketplace; `utc_offset` in hours, `per_euro` units of its currency for one euro."""

    id: str
    country: str
    region: str
    name: str
    domain: str
    language: str
    currency: str
    per_euro: float
    utc_offset: int
    prefixes: tuple[str, ...]


def _row(text: str) -> Marketplace:
    mid, country, region, domain, language, currency, per_euro, offset, prefixes = text.split()
    name = domain.removeprefix("www.").capitalize()
    return Marketplace(
        mid,
        country,
        region,
        name,
        domain,
        language,
        currency,
        float(per_euro),
        int(offset),
        tuple(prefixes.split(",")),
    )


MARKETPLACES: dict[str, Marketplace] = {
    market.country: market
    for market in map(
        _row,
        (
            "A2EUQ1WTGCTBG2 CA na www.amazon.ca en_CA CAD 1.5 -5 701,702",
            "ATVPDKIKX0DER US na www.amazon.com en_US USD 1.1 -8 111,112,113,114",
            "A1AM78C64UM0Y8 MX na www.amazon.com.mx es_MX MXN 20 -6 701,702",
            "A2Q3Y263D00KWC BR na www.amazon.com.br pt_BR BRL 6 -3 701,702",
            "A28R8C7NBKEWEA IE eu www.amazon.ie en_IE EUR 1 0 204,206",
            "A1RKKUPIHCS9HS ES eu www.amazon.es es_ES EUR 1 1 404,405,406",
            "A1F83G8C2ARO7P GB eu www.amazon.co.uk en_GB GBP 0.86 0 026,202,203,204",
            "A13V1IB3VIYZZH FR eu www.amazon.fr fr_FR EUR 1 1 171,402,403,404",
            "AMEN7PMS3EDWL BE eu www.amazon.com.be fr_BE EUR 1 1 171,403,404",
            "A1805IZSGTT6HS NL eu www.amazon.nl nl_NL EUR 1 1 171,404,405",
            "A1PA6795UKMFR9 DE eu www.amazon.de de_DE EUR 1 1 028,302,303,304,305,306",
            "APJ6JRA9NG5V4 IT eu www.amazon.it it_IT EUR 1 1 171,402,403,405",
            "A2NODRKZP88ZB9 SE eu www.amazon.se sv_SE SEK 11.3 1 171,405,406",
            "AE08WJ6YKNBMC ZA eu www.amazon.co.za en_ZA ZAR 20 2 404,405",
            "A1C3SOZRARQ6R3 PL eu www.amazon.pl pl_PL PLN 4.3 1 171,406,407",
            "ARBP9OOSHTCHU EG eu www.amazon.eg ar_EG EGP 53 2 404,407",
            "A33AVAJ2PDY3EV TR eu www.amazon.com.tr tr_TR TRY 37 3 404,405",
            "A17E79C6D8DWNP SA eu www.amazon.sa ar_SA SAR 4.1 3 404,406",
            "A2VIGQ35RCS4UG AE eu www.amazon.ae en_AE AED 4 4 404,407",
            "A21TJRUUN4KGV IN eu www.amazon.in en_IN INR 92 5 402,405,407",
            "A19VAU5U5O7RUS SG fe www.amazon.sg en_SG SGD 1.45 8 503,504",
            "A39IBJ37TRP1C6 AU fe www.amazon.com.au en_AU AUD 1.65 10 249,250,503",
            "A1VC38T7YXB528 JP fe www.amazon.co.jp ja_JP JPY 160 9 249,250,503",
        ),
    )
}

BY_ID: dict[str, Marketplace] = {market.id: market for market in MARKETPLACES.values()}
