"""Amazon's regions and marketplaces, keyed by marketplace id.

Sources: https://developer-docs.amazon.com/sp-api/docs/marketplace-ids,
https://developer-docs.amazon.com/sp-api/docs/sp-api-endpoints,
https://developer-docs.amazon.com/sp-api/docs/seller-central-urls.
Currency, language and domain of a connected seller come from getMarketplaceParticipations;
this table is what is known before. Time zones are our choice: no source of Amazon's gives them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Region:
    """One of Amazon's three regions: where its API answers. `aws_region` is information only."""

    code: str
    endpoint: str
    sandbox_endpoint: str
    aws_region: str


@dataclass(frozen=True, slots=True)
class Marketplace:
    """One marketplace. `country` is ISO 3166 (GB, not UK), `time_zone` an IANA name.

    `seller_central` is the host of the consent page, None where no source names one.
    """

    id: str
    country: str
    region: str
    currency: str
    domain: str
    seller_central: str | None
    time_zone: str


def _region(code: str, aws_region: str) -> Region:
    host = f"sellingpartnerapi-{code}.amazon.com"
    return Region(code, f"https://{host}", f"https://sandbox.{host}", aws_region)


REGIONS: Mapping[str, Region] = MappingProxyType(
    {
        "na": _region("na", "us-east-1"),
        "eu": _region("eu", "eu-west-1"),
        "fe": _region("fe", "us-west-2"),
    }
)

_EUROPE = "sellercentral-europe.amazon.com"
_NORTH_AMERICA = (
    ("A2EUQ1WTGCTBG2", "CA", "CAD", "amazon.ca", "sellercentral.amazon.ca", "America/Toronto"),
    ("ATVPDKIKX0DER", "US", "USD", "amazon.com", "sellercentral.amazon.com", "America/Los_Angeles"),
    (
        "A1AM78C64UM0Y8",
        "MX",
        "MXN",
        "amazon.com.mx",
        "sellercentral.amazon.com.mx",
        "America/Mexico_City",
    ),
    (
        "A2Q3Y263D00KWC",
        "BR",
        "BRL",
        "amazon.com.br",
        "sellercentral.amazon.com.br",
        "America/Sao_Paulo",
    ),
)
_EUROPE_AND_INDIA = (
    ("A28R8C7NBKEWEA", "IE", "EUR", "amazon.ie", None, "Europe/Dublin"),
    ("A1RKKUPIHCS9HS", "ES", "EUR", "amazon.es", _EUROPE, "Europe/Madrid"),
    ("A1F83G8C2ARO7P", "GB", "GBP", "amazon.co.uk", _EUROPE, "Europe/London"),
    ("A13V1IB3VIYZZH", "FR", "EUR", "amazon.fr", _EUROPE, "Europe/Paris"),
    (
        "AMEN7PMS3EDWL",
        "BE",
        "EUR",
        "amazon.com.be",
        "sellercentral.amazon.com.be",
        "Europe/Brussels",
    ),
    ("A1805IZSGTT6HS", "NL", "EUR", "amazon.nl", "sellercentral.amazon.nl", "Europe/Amsterdam"),
    ("A1PA6795UKMFR9", "DE", "EUR", "amazon.de", _EUROPE, "Europe/Berlin"),
    ("APJ6JRA9NG5V4", "IT", "EUR", "amazon.it", _EUROPE, "Europe/Rome"),
    ("A2NODRKZP88ZB9", "SE", "SEK", "amazon.se", "sellercentral.amazon.se", "Europe/Stockholm"),
    (
        "AE08WJ6YKNBMC",
        "ZA",
        "ZAR",
        "amazon.co.za",
        "sellercentral.amazon.co.za",
        "Africa/Johannesburg",
    ),
    ("A1C3SOZRARQ6R3", "PL", "PLN", "amazon.pl", "sellercentral.amazon.pl", "Europe/Warsaw"),
    ("ARBP9OOSHTCHU", "EG", "EGP", "amazon.eg", "sellercentral.amazon.eg", "Africa/Cairo"),
    (
        "A33AVAJ2PDY3EV",
        "TR",
        "TRY",
        "amazon.com.tr",
        "sellercentral.amazon.com.tr",
        "Europe/Istanbul",
    ),
    ("A17E79C6D8DWNP", "SA", "SAR", "amazon.sa", "sellercentral.amazon.sa", "Asia/Riyadh"),
    ("A2VIGQ35RCS4UG", "AE", "AED", "amazon.ae", "sellercentral.amazon.ae", "Asia/Dubai"),
    ("A21TJRUUN4KGV", "IN", "INR", "amazon.in", "sellercentral.amazon.in", "Asia/Kolkata"),
)
_FAR_EAST = (
    ("A19VAU5U5O7RUS", "SG", "SGD", "amazon.sg", "sellercentral.amazon.sg", "Asia/Singapore"),
    (
        "A39IBJ37TRP1C6",
        "AU",
        "AUD",
        "amazon.com.au",
        "sellercentral.amazon.com.au",
        "Australia/Sydney",
    ),
    ("A1VC38T7YXB528", "JP", "JPY", "amazon.co.jp", "sellercentral.amazon.co.jp", "Asia/Tokyo"),
)

MARKETPLACES: Mapping[str, Marketplace] = MappingProxyType(
    {
        row[0]: Marketplace(row[0], row[1], region, *row[2:])
        for region, rows in (("na", _NORTH_AMERICA), ("eu", _EUROPE_AND_INDIA), ("fe", _FAR_EAST))
        for row in rows
    }
)
