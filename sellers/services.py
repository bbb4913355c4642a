"""What is done with seller accounts: connect, renew, pause, resume, note that Amazon shut us out."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from audit.models import AuditKind
from audit.services import record_event
from sellers.connection import (
    ConnectError,
    ask_participations,
    choose_marketplaces,
    clean_partner_id,
    clean_refresh_token,
    parse_region,
    required_text,
)
from sellers.encryption import SecretUnreadableError
from sellers.models import (
    AccountMarketplace,
    Application,
    Connection,
    Membership,
    Region,
    Role,
    SellerAccount,
)
from spapi import (
    MARKETPLACES,
    AccessDenied,
    AuthorizationFailed,
    Credentials,
    MarketplaceParticipation,
    SpApiError,
)

# Amazon's words when the fault is the token's and not a role's.
TOKEN_FAULT = re.compile(r"revoked|malformed|invalid", re.IGNORECASE)
_PAUSE = ["paused_at", "paused_by", "pause_reason"]
# What connecting again changes of a known account; whether it is paused is not among it.
_RENEWED = ("name", "application", "refresh_token_encrypted", "connection", "trouble")


def connect_account(
    *,
    name: str,
    region: str,
    selling_partner_id: str,
    client_id: str,
    client_secret: str,
    refresh_token: str,
    marketplaces: Collection[str] = (),
    user: User | None = None,
) -> SellerAccount:
    """The account is connected: a new one, or the known one of this partner and region, renewed.

    All values are trimmed. Amazon is asked first (Login with Amazon, then
    getMarketplaceParticipations), outside of any transaction; only then it is stored, with its
    marketplaces (those of `marketplaces` alone when given). A pause stays. Who connects a new
    account becomes its manager. Raises ConnectError with a sentence for a person.
    """
    name = required_text(name, "name", "Give the account a name.")[:100]
    partner = clean_partner_id(selling_partner_id)
    credentials = Credentials(
        client_id=required_text(client_id, "client_id", "The LWA client id is missing."),
        client_secret=required_text(
            client_secret, "client_secret", "The client secret is missing."
        ),
        refresh_token=clean_refresh_token(refresh_token),
    )
    chosen_region = parse_region(region)
    participations = ask_participations(credentials, chosen_region, partner)
    kept = choose_marketplaces(participations, chosen_region, marketplaces)
    with transaction.atomic():
        return _store(name, partner, chosen_region, credentials, kept, user)


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


def _store(
    name: str,
    partner: str,
    region: Region,
    credentials: Credentials,
    participations: list[MarketplaceParticipation],
    user: User | None,
) -> SellerAccount:
    application = Application.objects.filter(client_id=credentials.client_id).first()
    if application is None:
        application = Application(client_id=credentials.client_id, name=name)
    application.client_secret = credentials.client_secret
    application.save()
    _refuse_token_of_another(partner, region, credentials.refresh_token)
    known = SellerAccount.objects.filter(selling_partner_id=partner, region=region)
    # locked: whoever pauses it at this moment does so before or after, and is not overwritten
    account = known.select_for_update().first()
    renewed = account is not None
    if account is None:
        account = SellerAccount(selling_partner_id=partner, region=region)
    account.name = name
    account.application = application
    account.refresh_token = credentials.refresh_token
    account.connection, account.trouble = Connection.CONNECTED, ""
    account.save(update_fields=_RENEWED if renewed else None)
    _store_marketplaces(account, participations)
    if user is not None and not renewed:
        Membership.objects.create(user=user, account=account, role=Role.MANAGER)
    record_event(
        AuditKind.CONNECTED,
        user=user,
        account_id=account.pk,
        subject=f"{name} ({partner}, {region.value})",
        renewed=renewed,
        marketplaces=sorted(entry.marketplace_id for entry in participations),
    )
    return account


def _refuse_token_of_another(partner: str, region: Region, refresh_token: str) -> None:
    """The token is no other account's: one seller under two ids would be asked about twice."""
    for other in SellerAccount.objects.exclude(selling_partner_id=partner, region=region):
        try:
            is_same = other.refresh_token == refresh_token
        except SecretUnreadableError:
            continue
        if is_same:
            raise ConnectError(
                f"This refresh token belongs to the account “{other.name}” "
                f"({other.selling_partner_id}) already. Check the selling partner id.",
                field="selling_partner_id",
            )


def _store_marketplaces(
    account: SellerAccount, participations: list[MarketplaceParticipation]
) -> None:
    ids = [entry.marketplace_id for entry in participations]
    account.marketplaces.exclude(marketplace_id__in=ids).delete()
    AccountMarketplace.objects.bulk_create(
        [
            AccountMarketplace(
                account=account,
                marketplace_id=entry.marketplace_id,
                name=(entry.name or MARKETPLACES[entry.marketplace_id].domain)[:100],
                country=(entry.country or MARKETPLACES[entry.marketplace_id].country)[:2],
                currency=(entry.currency or MARKETPLACES[entry.marketplace_id].currency)[:3],
                language=(entry.language or "")[:8],
                domain=(entry.domain or MARKETPLACES[entry.marketplace_id].domain)[:100],
                is_participating=entry.participating,
            )
            for entry in participations
        ],
        update_conflicts=True,
        unique_fields=["account", "marketplace_id"],
        update_fields=["name", "country", "currency", "language", "domain", "is_participating"],
    )
