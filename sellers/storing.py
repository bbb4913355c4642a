"""Storing what Amazon has confirmed of an account; called inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from audit.models import AuditKind
from audit.services import record_event
from sellers.connection import ConnectError
from sellers.encryption import SecretUnreadableError
from sellers.models import (
    AccountMarketplace,
    Application,
    Connection,
    Membership,
    Region,
    Role,
    SellerAccount,
    utc_today,
)
from spapi import MARKETPLACES, Credentials, MarketplaceParticipation

CAME_BACK = "Connected again: look at what is on hold, then resume."
# Neither says whose the account is, or that it exists, to somebody without a role on it.
ANOTHER_TEAM = (
    "This seller cannot be connected by you. Whoever manages it here can give you a role on it, "
    "or ask a superuser."
)
ANOTHER_SELLER = (
    "This refresh token belongs to another selling partner. Check the selling partner id."
)
# What connecting again changes of a known account; whether it is paused is not among it.
_RENEWED = (
    "name",
    "application",
    "refresh_token_encrypted",
    "authorized_at",
    "connection",
    "trouble",
)
_PAUSE = ("paused_at", "paused_by", "pause_reason")


def store_application(credentials: Credentials, name: str, user: User | None) -> Application:
    """The application of these credentials, with this secret; a new one is called `name`."""
    known = Application.objects.filter(client_id=credentials.client_id)
    application = known.select_for_update().first()
    if application is None:
        application = Application(client_id=credentials.client_id, name=name, created_by=user)
        application.client_secret = credentials.client_secret
        application.save()
        record_event(AuditKind.APPLICATION_ADDED, user=user, subject=name)
    elif not _has_secret(application, credentials.client_secret):
        application.client_secret = credentials.client_secret
        application.secret_made_on = utc_today()
        application.save(update_fields=["client_secret_encrypted", "secret_made_on"])
        record_event(
            AuditKind.APPLICATION_CHANGED,
            user=user,
            subject=application.name,
            changed=["client_secret"],
        )
    return application


def store_account(
    *,
    name: str,
    partner: str,
    region: Region,
    application: Application,
    refresh_token: str,
    participations: Sequence[MarketplaceParticipation],
    user: User | None,
    manager: User | None,
) -> SellerAccount:
    """The account, new or renewed, with its token and marketplaces; see `connect_account`."""
    known = SellerAccount.objects.filter(selling_partner_id=partner, region=region)
    # locked: whoever pauses it at this moment does so before or after, and is not overwritten
    account = known.select_for_update().first()
    renewed = account is not None
    if account is None:
        account = SellerAccount(selling_partner_id=partner, region=region)
    else:
        _refuse_stranger(account, user)
    _refuse_token_of_another(partner, region, refresh_token, user)
    came_back = account.connection == Connection.DISCONNECTED
    account.name = name
    account.application = application
    if not _has_token(account, refresh_token):
        account.authorized_at = timezone.now()
        account.refresh_token = refresh_token
    account.connection, account.trouble = Connection.CONNECTED, ""
    account.save(update_fields=_RENEWED if renewed else None)
    if came_back and account.paused_at is None:
        _pause(account, user)
    _store_marketplaces(account, participations)
    if manager is not None and not renewed:
        Membership.objects.create(user=manager, account=account, role=Role.MANAGER)
    record_event(
        AuditKind.CONNECTED,
        user=user or manager,
        account_id=account.pk,
        subject=f"{name} ({partner}, {region.value})",
        renewed=renewed,
        application=application.name,
        marketplaces=sorted(entry.marketplace_id for entry in participations),
    )
    return account


def _pause(account: SellerAccount, user: User | None) -> None:
    """What was on hold while it was disconnected leaves when a person says so, not by itself."""
    SellerAccount.objects.filter(pk=account.pk).update(
        # the database's clock, by which resuming goes as well
        paused_at=Now(),
        paused_by=user,
        pause_reason=CAME_BACK,
    )
    account.refresh_from_db(fields=_PAUSE)
    record_event(
        AuditKind.PAUSED,
        user=user,
        account_id=account.pk,
        subject=account.name,
        reason=CAME_BACK,
    )


def _has_secret(application: Application, secret: str) -> bool:
    try:
        return application.client_secret == secret
    except SecretUnreadableError:
        return False


def _has_token(account: SellerAccount, refresh_token: str) -> bool:
    try:
        return account.refresh_token == refresh_token
    except SecretUnreadableError:
        return False


def _refuse_stranger(account: SellerAccount, user: User | None) -> None:
    """A known account is its managers'; the command line, and superusers, answer for themselves."""
    if user is None or user.is_superuser:
        return
    if not SellerAccount.objects.for_user(user, Role.MANAGER).filter(pk=account.pk).exists():
        raise ConnectError(ANOTHER_TEAM, field="selling_partner_id")


def _refuse_token_of_another(
    partner: str, region: Region, refresh_token: str, user: User | None
) -> None:
    """The token is no other account's: one seller under two ids would be asked about twice."""
    for other in SellerAccount.objects.exclude(selling_partner_id=partner, region=region):
        if not _has_token(other, refresh_token):
            continue
        sentence = ANOTHER_SELLER
        if user is None or SellerAccount.objects.for_user(user).filter(pk=other.pk).exists():
            sentence = (
                f"This refresh token belongs to the account “{other.name}” "
                f"({other.selling_partner_id}) already. Check the selling partner id."
            )
        raise ConnectError(sentence, field="selling_partner_id")


def _store_marketplaces(
    account: SellerAccount, participations: Sequence[MarketplaceParticipation]
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
