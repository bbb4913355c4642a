"""What is done with seller accounts: connect, renew, pause, resume, note that Amazon shut us out."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit.models import AuditKind
from audit.services import record_event
from sellers.clients import client_for
from sellers.connection import (
    ask_participations,
    choose_marketplaces,
    clean_partner_id,
    clean_refresh_token,
    parse_region,
    read_client_secret,
    required_text,
)
from sellers.encryption import SecretUnreadableError
from sellers.models import Application, Connection, Region, SellerAccount
from sellers.storing import store_account, store_application
from spapi import (
    AccessDenied,
    AuthorizationFailed,
    Client,
    Credentials,
    MarketplaceParticipation,
    SpApiError,
    Unlimited,
)

# Amazon's words when the fault is the token's and not a role's.
TOKEN_FAULT = re.compile(r"revoked|malformed|invalid", re.IGNORECASE)
_PAUSE = ["paused_at", "paused_by", "pause_reason"]


def connect_account(
    *,
    name: str,
    region: str,
    selling_partner_id: str,
    refresh_token: str,
    client_id: str = "",
    client_secret: str = "",
    application: Application | None = None,
    marketplaces: Collection[str] = (),
    user: User | None = None,
    manager: User | None = None,
    known_order: str = "",
) -> SellerAccount:
    """The account is connected: a new one, or the known one of this partner and region, renewed.

    By `application`, or by the one of `client_id` and `client_secret`, which is stored. All values
    are trimmed. Amazon is asked first (Login with Amazon, then getMarketplaceParticipations, then
    `known_order` if given), outside of any transaction; only then it is stored, with its
    marketplaces (those of `marketplaces` alone when given). A pause stays, and an account that was
    disconnected comes back paused. `user` is the person who does it, None the command line: a
    known account is renewed by its managers and superusers only. A new one has that person, or
    `manager`, as its manager. Raises ConnectError with a sentence for a person.
    """
    name = required_text(name, "name", "Give the account a name.")[:100]
    partner = clean_partner_id(selling_partner_id)
    if application is not None:
        client_id, client_secret = application.client_id, read_client_secret(application)
    credentials = Credentials(
        client_id=required_text(client_id, "client_id", "The LWA client id is missing."),
        client_secret=required_text(
            client_secret, "client_secret", "The client secret is missing."
        ),
        refresh_token=clean_refresh_token(refresh_token),
    )
    chosen_region = parse_region(region)
    participations = ask_participations(credentials, chosen_region, partner, known_order)
    kept = choose_marketplaces(participations, chosen_region, marketplaces)
    facts = _Facts(name, partner, chosen_region, credentials, tuple(kept))
    try:
        return _store(facts, application, user, manager)
    except IntegrityError:
        # somebody connected the same seller at this moment: now it is a known one
        return _store(facts, application, user, manager)


@dataclass(frozen=True)
class _Facts:
    """What Amazon has confirmed."""

    name: str
    partner: str
    region: Region
    credentials: Credentials
    participations: tuple[MarketplaceParticipation, ...]


def _store(
    facts: _Facts, application: Application | None, user: User | None, manager: User | None
) -> SellerAccount:
    with transaction.atomic():
        return store_account(
            name=facts.name,
            partner=facts.partner,
            region=facts.region,
            application=application
            or store_application(facts.credentials, facts.name, user or manager),
            refresh_token=facts.credentials.refresh_token,
            participations=facts.participations,
            user=user,
            manager=manager or user,
        )


def set_one_message_per_order(account: SellerAccount, is_one: bool, user: User) -> bool:
    """Whether a message after a review request is refused, and the reverse; False if it was so already."""
    with transaction.atomic():
        changed = SellerAccount.objects.filter(pk=account.pk, one_message_per_order=not is_one)
        if not changed.update(one_message_per_order=is_one):
            return False
        record_event(
            AuditKind.ACCOUNT_CHANGED,
            user=user,
            account_id=account.pk,
            subject=f"{account.name} ({account.selling_partner_id}, {account.region})",
            one_message_per_order=is_one,
        )
    return True


def disconnect_account(account: SellerAccount, user: User | None, reason: str = "") -> bool:
    """The account's token is destroyed, and its record stays; False when that was so already.

    From the commit on nothing is claimed for it. Access tokens made with the token are forgotten;
    Amazon itself takes the last of them for up to an hour more, and only a seller can end that.
    """
    try:
        client: Client | None = client_for(account, limiter=Unlimited())
    except (SecretUnreadableError, ValueError):
        client = None
    with transaction.atomic():
        changed = (
            SellerAccount.objects.filter(pk=account.pk)
            .exclude(connection=Connection.DISCONNECTED, refresh_token_encrypted=b"")
            .update(
                connection=Connection.DISCONNECTED,
                refresh_token_encrypted=b"",
                authorized_at=None,
                trouble="",
            )
        )
        if changed:
            record_event(
                AuditKind.DISCONNECTED,
                user=user,
                account_id=account.pk,
                subject=f"{account.name} ({account.selling_partner_id}, {account.region})",
                reason=reason,
            )
    if client is not None:
        client.forget_access_token()
    account.refresh_from_db()
    return bool(changed)


def pause_account(account: SellerAccount, user: User, at: datetime, reason: str = "") -> bool:
    """Nothing leaves for the account from now on (UTC); False when it was paused already."""
    with transaction.atomic():
        paused = SellerAccount.objects.filter(pk=account.pk, paused_at=None).update(
            paused_at=at, paused_by=user, pause_reason=reason
        )
        if paused:
            record_event(
                AuditKind.PAUSED,
                user=user,
                account_id=account.pk,
                subject=account.name,
                reason=reason,
            )
    account.refresh_from_db(fields=_PAUSE)
    return bool(paused)


def resume_account(account: SellerAccount, user: User, at: datetime) -> bool:
    """The account may send again; False when it was not paused. `at` is the moment (UTC)."""
    with transaction.atomic():
        resumed = SellerAccount.objects.filter(pk=account.pk, paused_at__lte=at).update(
            paused_at=None, paused_by=None, pause_reason=""
        )
        if resumed:
            record_event(AuditKind.RESUMED, user=user, account_id=account.pk, subject=account.name)
    account.refresh_from_db(fields=_PAUSE)
    return bool(resumed)


def try_again(account: SellerAccount, user: User) -> bool:
    """Amazon's refusal of the account is taken to be over; False when there was none.

    For who has mended the cause at Amazon's side (a role, the client secret). If it is not mended,
    the next call says so and the account is marked again. A disconnected account stays so.
    """
    with transaction.atomic():
        changed = SellerAccount.objects.filter(
            pk=account.pk, connection__in=[Connection.RECONNECT, Connection.ROLE_MISSING]
        ).update(connection=Connection.CONNECTED, trouble="")
        if changed:
            record_event(
                AuditKind.RESUMED,
                user=user,
                account_id=account.pk,
                subject=account.name,
                after=account.connection,
            )
    account.refresh_from_db(fields=["connection", "trouble"])
    return bool(changed)


def mark_connection(account: SellerAccount, connection: Connection, trouble: str) -> bool:
    """The account's connection is this, with Amazon's words; True when that changed something.

    Idempotent and safe at any time: a person's disconnect stands, and a token that was renewed
    since `account` was read is not blamed for the old one's trouble.
    """
    trouble = trouble[:500]
    changed = (
        SellerAccount.objects.filter(
            pk=account.pk, refresh_token_encrypted=bytes(account.refresh_token_encrypted)
        )
        .exclude(connection=Connection.DISCONNECTED)
        .exclude(connection=connection, trouble=trouble)
        .update(connection=connection, trouble=trouble)
    )
    if changed:
        account.connection, account.trouble = connection, trouble
    return bool(changed)


def connection_after(error: SpApiError) -> Connection | None:
    """What an error says about the account's connection; None when it says nothing about it.

    Amazon's texts: SP-API 403 "Access to requested resource is denied." with details that tell a
    bad token from a missing role (https://developer-docs.amazon.com/sp-api/docs/resolve-403-errors).
    """
    if isinstance(error, AuthorizationFailed):
        return Connection.RECONNECT if error.needs_reconnect else None
    if isinstance(error, AccessDenied):
        if TOKEN_FAULT.search(error.details or ""):
            return Connection.RECONNECT
        return Connection.ROLE_MISSING
    return None


def note_trouble(account: SellerAccount, error: SpApiError) -> Connection | None:
    """The account is marked when the error is about its connection; returns what it is marked as."""
    connection = connection_after(error)
    if connection is not None:
        mark_connection(account, connection, str(error))
    return connection
