"""The journey to Amazon's consent page and back: begun here, and taken up again by its `state`.

Of the state only a digest is stored. It is good once, for ten minutes, in the session in which it
was made, for the person, region and account that it was made for.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from audit.models import AuditKind
from audit.services import record_event
from sellers.connection import ConnectError, get_refresh_token
from sellers.models import Application, ConsentState, Region, SellerAccount
from sellers.services import connect_account
from spapi import (
    MARKETPLACES,
    appstore_return_address,
    consent_address,
    consent_hosts,
    seller_central,
)

STATE_LASTS = timedelta(minutes=10)
STATE_BYTES = 32
LONGEST_STATE = 200
LONGEST_CODE = 1_000
NO_LONGER_VALID = "This link is no longer valid. Start again from Accounts."
NOT_GRANTED = "Amazon says access was not granted."
NO_CODE = "Amazon sent no code that can be used. Start again from Accounts."
NOT_AMAZON = "The address to go back to is not one of Amazon's. Nothing was sent there."


class StrayReturnError(ConnectError):
    """Somebody came back with a state that is not theirs, not known, used or too old."""


@dataclass(frozen=True)
class Journey:
    """What a journey to the consent page is for. `account` is renewed; without one, one is added."""

    application: Application
    marketplace_id: str
    redirect_uri: str
    name: str
    account: SellerAccount | None = None
    selling_partner_id: str = ""

    @property
    def region(self) -> Region:
        """Where the authorization will be good."""
        return Region(MARKETPLACES[self.marketplace_id].region)


@dataclass(frozen=True)
class Appstore:
    """What Amazon's Appstore gave a seller along to the log-in address."""

    callback_uri: str
    state: str


def places() -> list[tuple[str, str]]:
    """The (marketplace id, words) of every marketplace for which a consent page is known."""
    return [
        (place.id, f"{place.domain} ({Region(place.region).label})")
        for place in MARKETPLACES.values()
        if _base(place.id)
    ]


def new_state() -> str:
    """A state that nobody can guess: 256 bits."""
    return secrets.token_urlsafe(STATE_BYTES)


def address_for(journey: Journey, state: str, appstore: Appstore | None = None) -> str:
    """Where the seller goes to consent. Raises ConnectError with a sentence when there is no way."""
    application = journey.application
    if not (application.is_public and application.application_id):
        raise ConnectError(
            f"{application.name} is not a public application with an application id: paste a "
            "refresh token instead.",
            field="application",
        )
    if journey.account is not None and journey.account.region != journey.region:
        raise ConnectError(
            f"{journey.account.name} is in {journey.account.get_region_display()}: choose a "
            "marketplace there.",
            field="marketplace",
        )
    if appstore is not None:
        require_amazon(appstore.callback_uri)
        return appstore_return_address(
            appstore.callback_uri,
            amazon_state=appstore.state,
            state=state,
            redirect_uri=journey.redirect_uri,
            is_draft=application.is_draft,
        )
    base = _base(journey.marketplace_id)
    if base is None:
        raise ConnectError(
            "No consent page is known for this marketplace. One consent is good for the whole "
            "region: choose another marketplace of it.",
            field="marketplace",
        )
    return consent_address(
        base,
        application_id=application.application_id,
        state=state,
        redirect_uri=journey.redirect_uri,
        is_draft=application.is_draft,
    )


def begin(
    journey: Journey,
    *,
    user: User,
    session_key: str,
    at: datetime,
    appstore: Appstore | None = None,
) -> str:
    """The journey has begun (`at`, UTC); returns where the seller goes. Raises ConnectError."""
    state = new_state()
    address = address_for(journey, state, appstore)
    with transaction.atomic():
        ConsentState.objects.filter(started_at__lt=at - timedelta(days=1)).delete()
        ConsentState.objects.create(
            state_digest=_digest(state),
            session_digest=_digest(session_key),
            user=user,
            application=journey.application,
            region=journey.region,
            account=journey.account,
            name=journey.name,
            selling_partner_id=journey.selling_partner_id,
            redirect_uri=journey.redirect_uri,
            started_at=at,
        )
    return address


def take_up(state: str, *, user: User | None, session_key: str, at: datetime) -> ConsentState:
    """The journey that this state belongs to, spent from now on (`at`, UTC).

    Raises StrayReturnError, and writes down when it is a living state in the wrong hands.
    """
    if not 0 < len(state) <= LONGEST_STATE:
        raise StrayReturnError(NO_LONGER_VALID)
    waiting = ConsentState.objects.filter(
        state_digest=_digest(state), used_at=None, started_at__gt=at - STATE_LASTS
    )
    if not waiting.update(used_at=at):
        raise StrayReturnError(NO_LONGER_VALID)
    journey = ConsentState.objects.select_related("application", "account", "user").get(
        state_digest=_digest(state)
    )
    if user is None or journey.user_id != user.pk or journey.session_digest != _digest(session_key):
        record_event(
            AuditKind.OAUTH_STATE_MISMATCH,
            user=user,
            account_id=journey.account_id,
            subject=journey.name,
            begun_by=journey.user.get_username(),
        )
        raise StrayReturnError(NO_LONGER_VALID)
    return journey


def arrive(
    journey: ConsentState, *, code: str, selling_partner_id: str, known_order: str = ""
) -> SellerAccount:
    """The seller has consented: the code is exchanged, and the account connected or renewed.

    Raises ConnectError with a sentence for a person; nothing is stored then.
    """
    _require_seller(journey, selling_partner_id)
    if not 0 < len(code) <= LONGEST_CODE:
        raise ConnectError(NO_CODE)
    return connect_account(
        name=journey.name,
        region=journey.region,
        selling_partner_id=selling_partner_id,
        application=journey.application,
        refresh_token=get_refresh_token(code, journey.application, journey.redirect_uri),
        user=journey.user,
        known_order=known_order,
    )


def read_return(address: str, state: str) -> tuple[str, str]:
    """The (code, selling partner id) in the address that a browser was sent back to.

    Raises ConnectError when it does not carry this state, or says that access was refused.
    """
    try:
        query = parse_qs(urlsplit(address.strip()).query, max_num_fields=20)
    except ValueError:
        raise ConnectError(NO_LONGER_VALID) from None

    def single(name: str) -> str:
        values = query.get(name, [])
        return values[0] if len(values) == 1 else ""

    if not compare_digest(_digest(single("state")), _digest(state)):
        raise StrayReturnError(NO_LONGER_VALID)
    if single("error"):
        raise ConnectError(NOT_GRANTED)
    code = single("spapi_oauth_code")
    if not 0 < len(code) <= LONGEST_CODE:
        raise ConnectError(NO_CODE)
    return code, single("selling_partner_id")


def require_amazon(callback_uri: str) -> None:
    """The address is https on a host of Amazon's consent pages; raises ConnectError if it is not."""
    try:
        parts = urlsplit(callback_uri)
        is_plain = parts.port is None and parts.username is None and parts.password is None
    except ValueError:
        raise ConnectError(NOT_AMAZON) from None
    clean = callback_uri.isascii() and callback_uri.isprintable() and "\\" not in callback_uri
    if not (
        clean
        and " " not in callback_uri
        and is_plain
        and not parts.fragment
        and parts.scheme == "https"
        and parts.netloc in consent_hosts() | set(_configured_hosts())
    ):
        raise ConnectError(NOT_AMAZON)


def _require_seller(journey: ConsentState, selling_partner_id: str) -> None:
    expected = journey.account.selling_partner_id if journey.account else journey.selling_partner_id
    if expected and selling_partner_id != expected:
        raise ConnectError(f"You signed in as another seller (…{selling_partner_id[-2:]}).")


def _base(marketplace_id: str) -> str | None:
    """The base address of the consent page for the marketplace, None where nobody knows one."""
    if host := settings.CONSENT_HOSTS.get(marketplace_id):
        return f"https://{host}"
    if settings.CONSENT_ENDPOINT:
        return str(settings.CONSENT_ENDPOINT)
    return seller_central(MARKETPLACES[marketplace_id])


def _configured_hosts() -> Iterable[str]:
    return settings.CONSENT_HOSTS.values()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
