"""Asking Amazon whether an account can be reached, before anything about it is stored."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable

from sellers.clients import account_key, client_with, client_without_seller, refresh_token_for
from sellers.encryption import SecretUnreadableError
from sellers.models import Application, Region
from solicit_dashboard.ratelimit import RedisLimiter
from spapi import (
    MARKETPLACES,
    AccessDenied,
    AuthorizationFailed,
    Client,
    Credentials,
    InvalidClient,
    InvalidGrant,
    LimitReached,
    MarketplaceParticipation,
    NotFound,
    SpApiError,
    TokenServiceUnavailable,
)

logger = logging.getLogger(__name__)

LONGEST_TOKEN = 2048
# Which one does not matter: the key is looked at before the scope.
ANY_SCOPE = "sellingpartnerapi::notifications"
UNAVAILABLE = "Amazon could not be asked. Try again in some minutes."
CODE_REFUSED = (
    "Amazon does not take this code: it is good once and for five minutes. "
    "Start again from Accounts."
)
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


def read_client_secret(application: Application) -> str:
    """The application's client secret in the clear; ConnectError when no key of ours reads it."""
    try:
        return application.client_secret
    except SecretUnreadableError:
        raise ConnectError(
            f"The client secret of {application.name} cannot be read: the key that encrypted it is "
            "not among TOKEN_KEYS. Paste the secret once more under Applications.",
            field="application",
        ) from None


def ask_participations(
    credentials: Credentials, region: Region, partner: str, known_order: str = ""
) -> tuple[MarketplaceParticipation, ...]:
    """Where the seller sells, as Amazon says with a fresh access token.

    `known_order` is the number of an order of this seller, where we have one: a token that does not
    lead to it is another seller's. Raises AmazonRefusedError with a sentence for a person.
    """
    client = client_with(
        credentials, region=region, limiter=RedisLimiter(account_key(partner, region))
    )
    try:
        client.access_token(force_refresh=True)
        participations = client.get_marketplace_participations()
    except SpApiError as error:
        raise AmazonRefusedError(
            why_refused(error, region), field=_field_to_blame(error)
        ) from error
    if known_order:
        _refuse_another_seller(client, partner, known_order)
    return participations


def _refuse_another_seller(client: Client, partner: str, known_order: str) -> None:
    """Amazon tells no seller's id with a token, but only its own seller's orders."""
    try:
        client.get_order(known_order)
    except NotFound as error:
        raise AmazonRefusedError(
            f"This token belongs to another seller than {partner}: it does not lead to the "
            f"account's order {known_order}.",
            field="refresh_token",
        ) from error
    except SpApiError as error:
        # a missing role or a busy Amazon says nothing about whose token it is
        logger.warning("Whether the token is the account's own could not be seen: %s", error)


def check_application_key(client_id: str, client_secret: str) -> None:
    """Amazon takes this client id with this secret; raises AmazonRefusedError if it does not."""
    try:
        client_without_seller(client_id, client_secret).grantless_token(ANY_SCOPE)
    except InvalidClient as error:
        raise AmazonRefusedError(why_refused(error), field="client_secret") from error
    except TokenServiceUnavailable as error:
        raise AmazonRefusedError(why_refused(error)) from error
    except AuthorizationFailed:
        # the key was read; that the application lacks this scope is no fault of it
        return


def get_refresh_token(code: str, application: Application, redirect_uri: str) -> str:
    """The refresh token for the code that came back from Amazon's consent page.

    Raises ConnectError with a sentence for a person; Amazon's words are not in it.
    """
    read_client_secret(application)
    try:
        return refresh_token_for(code, application, redirect_uri)
    except InvalidGrant as error:
        raise AmazonRefusedError(CODE_REFUSED) from error
    except InvalidClient as error:
        raise AmazonRefusedError(
            f"{why_refused(error)} Renew the client secret of {application.name}."
        ) from error
    except AuthorizationFailed as error:
        raise AmazonRefusedError(UNAVAILABLE) from error


def why_refused(error: SpApiError, region: Region | None = None) -> str:
    """The sentence that tells a person what Amazon's refusal means."""
    match error:
        case InvalidGrant():
            return (
                "Amazon no longer accepts this refresh token: it was revoked, or it belongs to "
                "another application. Authorize the application again."
            )
        case InvalidClient():
            return "Amazon does not accept this client id with this client secret."
        case AccessDenied() | NotFound():
            where = f"the region {region.value} ({region.label})" if region else "this region"
            return (
                # its role: 2022 role files of amzn/selling-partner-api-docs
                "Amazon refused: the application lacks the role Selling Partner Insights (or "
                "Product Listing), the token is older than the role, or the seller is not in "
                f"{where}. Amazon said: {error}"
            )
        case LimitReached():
            return "The account was checked too often. Try again in some minutes."
        case _:
            return f"{UNAVAILABLE} {error}"


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
        there = ", ".join(f"{value} ({Region(value).label})" for value in sorted(elsewhere))
        raise AmazonRefusedError(
            f"This seller's marketplaces are in the region {there}, "
            f"not in {region.value} ({region.label}).",
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
