"""Asking Amazon whether an account can be reached, before anything about it is stored."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from sellers.clients import account_key, client_with
from sellers.models import Region
from solicit_dashboard.ratelimit import RedisLimiter
from spapi import (
    MARKETPLACES,
    AccessDenied,
    Credentials,
    InvalidClient,
    InvalidGrant,
    LimitReached,
    MarketplaceParticipation,
    NotFound,
    SpApiError,
)

LONGEST_TOKEN = 2048
PARTNER_ID = re.compile(r"A[A-Z0-9]{7,31}")


class ConnectError(Exception):
    """The account cannot be connected as asked; `field` names what to put right, '' for none.

    The sentence is for a person. Nothing was stored.
    """

    def __init__(self, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class AmazonRefusedError(ConnectError):
    """What was given is well formed, but Amazon did not let us in, or could not be asked."""


def parse_region(region: str) -> Region:
    """The region that was meant; ConnectError names the known ones."""
    try:
        return Region(region.strip().lower())
    except ValueError:
        known = ", ".join(f"{value} ({label})" for value, label in Region.choices)
        raise ConnectError(
            f"There is no region “{region.strip()}”. Amazon has {known}.", field="region"
        ) from None


def required_text(value: str, field: str, sentence: str) -> str:
    """The value, trimmed; ConnectError with that sentence when nothing is left."""
    value = value.strip()
    if not value:
        raise ConnectError(sentence, field=field)
    return value


def clean_partner_id(partner: str) -> str:
    """The selling partner id, trimmed; ConnectError when it cannot be one."""
    partner = required_text(partner, "selling_partner_id", "The selling partner id is missing.")
    if not PARTNER_ID.fullmatch(partner):
        raise ConnectError(
            "A selling partner id (merchant token) begins with A and has only capital letters "
            "and digits, like A2EXAMPLE1234.",
            field="selling_partner_id",
        )
    return partner


def clean_refresh_token(token: str) -> str:
    """The refresh token without spaces and quotes around it; ConnectError when it cannot be one."""
    token = token.strip().strip("\"'").strip()
    if not token:
        raise ConnectError("The refresh token is missing.", field="refresh_token")
    if token.startswith("Atza|"):
        raise ConnectError(
            "That is an access token; paste the one that begins Atzr|.", field="refresh_token"
        )
    if not token.startswith("Atzr|"):
        raise ConnectError("A refresh token begins with Atzr|.", field="refresh_token")
    if len(token.encode()) > LONGEST_TOKEN or not token.isprintable() or " " in token:
        raise ConnectError(
            f"A refresh token is one word of at most {LONGEST_TOKEN} characters.",
            field="refresh_token",
        )
    return token


def ask_participations(
    credentials: Credentials, region: Region, partner: str
) -> tuple[MarketplaceParticipation, ...]:
    """Where the seller sells, as Amazon says with a fresh access token.

    Raises AmazonRefusedError with a sentence for a person.
    """
    client = client_with(
        credentials, region=region, limiter=RedisLimiter(account_key(partner, region))
    )
    try:
        client.access_token(force_refresh=True)
        return client.get_marketplace_participations()
    except SpApiError as error:
        raise AmazonRefusedError(
            _why_refused(error, region), field=_field_to_blame(error)
        ) from error


def _why_refused(error: SpApiError, region: Region) -> str:
    match error:
        case InvalidGrant():
            return (
                "Amazon no longer accepts this refresh token: it was revoked, or it belongs to "
                "another application. Authorize the application again."
            )
        case InvalidClient():
            return "Amazon does not accept this client id with this client secret."
        case AccessDenied() | NotFound():
            return (
                # its role: 2022 role files of amzn/selling-partner-api-docs
                "Amazon refused: the application lacks the role Selling Partner Insights (or "
                "Product Listing), the token is older than the role, or the seller is not in the "
                f"region {region.value} ({region.label}). Amazon said: {error}"
            )
        case LimitReached():
            return "The account was checked too often. Try again in some minutes."
        case _:
            return f"Amazon could not be asked. Try again in some minutes. {error}"


def _field_to_blame(error: SpApiError) -> str:
    match error:
        case InvalidGrant():
            return "refresh_token"
        case InvalidClient():
            return "client_secret"
        case AccessDenied() | NotFound():
            return "region"
        case _:
            return ""


def choose_marketplaces(
    participations: Iterable[MarketplaceParticipation], region: Region, wanted: Collection[str]
) -> list[MarketplaceParticipation]:
    """Those of Amazon's 23 marketplaces in which the seller sells; others are not asked about."""
    known = [entry for entry in participations if entry.marketplace_id in MARKETPLACES]
    if not known:
        raise AmazonRefusedError("Amazon names no marketplace in which this seller sells.")
    elsewhere = {MARKETPLACES[entry.marketplace_id].region for entry in known} - {region.value}
    if elsewhere:
        raise AmazonRefusedError(
            f"This seller's marketplaces are in the region {', '.join(sorted(elsewhere))}, "
            f"not in {region.value}.",
            field="region",
        )
    unknown = set(wanted) - {entry.marketplace_id for entry in known}
    if unknown:
        raise ConnectError(
            f"The seller does not sell in {', '.join(sorted(unknown))}; Amazon names "
            f"{', '.join(sorted(entry.marketplace_id for entry in known))}.",
            field="marketplaces",
        )
    return [entry for entry in known if not wanted or entry.marketplace_id in wanted]
